"""The folder and the database that app, engine, workers, command line and tests agree on."""

import os
import re
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, make_url, select, table
from sqlalchemy import column as sql_column
from sqlalchemy import func as sql_function
from sqlalchemy.exc import IntegrityError

from builder import files
from builder.problem import Problem, Refused, say
from builder.store import lock, tables, trouble

BUSY_SECONDS = 30
"""How long a writer waits for another one."""
ATTEMPTS = 3
"""Times that ids are drawn again: one of 36 ** 12 being taken happens about never, three in a row do not."""
SECRET = re.compile(rb"[0-9a-f]{64}")
"""What `secret()` writes."""

Given = ParamSpec("Given")
Made = TypeVar("Made")

_engines: dict[tuple[int, str | None, str | None], Engine] = {}
_opening = threading.Lock()


def home() -> Path:
    """The folder of everything that is kept: `LAYERLAB_HOME`, by default `~/.layerlab`, open to its owner alone.

    Raises Refused where it cannot be made.
    """
    folder = Path(os.environ.get("LAYERLAB_HOME") or "~/.layerlab").expanduser().absolute()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if folder.stat().st_mode & 0o077:
            folder.chmod(0o700)
    except OSError as error:
        because = say("The folder {folder} could not be made ready: {reason}.", folder=folder, reason=error.strerror)
        raise Refused(Problem(code="store/home", title=say("Nothing can be saved"), because=because)) from error
    return folder


def engine() -> Engine:
    """The database of `LAYERLAB_STORE`, by default SQLite in `home()`, with its tables up to date.

    Kept per process, because a connection must never be shared over a fork. Raises Refused where the store was
    written by a newer Layerlab, or cannot be opened at all.
    """
    key = (os.getpid(), os.environ.get("LAYERLAB_STORE"), os.environ.get("LAYERLAB_HOME"))
    if key in _engines:  # asked for ten times a second by every run
        return _engines[key]
    with _opening:
        if key not in _engines:
            opened = _open(_url())
            with trouble.answered():
                _bring_to_head(opened)
            _engines[key] = opened
        return _engines[key]


def close() -> None:
    """Close every connection of this process."""
    with _opening:
        for key in [key for key in _engines if key[0] == os.getpid()]:
            _engines.pop(key).dispose()


@contextmanager
def reading() -> Iterator[Connection]:
    """A transaction whose reads all see one moment. Raises Unanswered where the database fails."""
    with trouble.answered(), engine().connect() as connection:
        if connection.dialect.name != "sqlite":  # SQLite needs no more than the BEGIN of `_open`
            connection.execution_options(isolation_level="REPEATABLE READ")
        yield connection


@contextmanager
def writing() -> Iterator[Connection]:
    """A transaction that writes: committed at the end of the block, undone by an exception.

    Raises Unanswered where the database fails: then nothing was written.
    """
    with (
        trouble.answered(),
        engine().connect().execution_options(writing=True) as connection,
        connection.begin(),
    ):
        yield connection


def with_new_ids(make: Callable[Given, Made]) -> Callable[Given, Made]:
    """Call `make`, which draws random ids, again where one was taken already."""

    @wraps(make)
    def made(*given: Given.args, **named: Given.kwargs) -> Made:
        for _ in range(ATTEMPTS):
            with suppress(IntegrityError):
                return make(*given, **named)
        return make(*given, **named)

    return made


def one_at_a_time(connection: Connection, subject: str) -> None:
    """Let no other transaction that names the same subject run beside this one.

    In SQLite a writing transaction is alone already.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(select(sql_function.pg_advisory_xact_lock(sql_function.hashtext(subject))))


def secret() -> bytes:
    """What cookies are signed with: `LAYERLAB_SECRET`, else a random one, made on first use and kept in `home()`.

    Raises Refused where it cannot be kept, or was damaged: whoever can guess it can be anybody.
    """
    given = os.environ.get("LAYERLAB_SECRET")
    if given:
        return given.encode()
    path = home() / "secret"
    if not path.exists():
        with lock.held(home() / "secret.lock"):
            if not path.exists():  # another process may have been faster
                _keep_secret(path)
    kept = files.read_limited(path, limit=1000)
    if not SECRET.fullmatch(kept):
        because = say(
            "{path} does not hold what was written there. Remove it: a new one will be made, and everybody starts anew.",
            path=path,
        )
        raise Refused(Problem(code="store/secret", title=say("The secret is damaged"), because=because))
    return kept


def _keep_secret(path: Path) -> None:
    try:
        files.write(path, secrets.token_hex(32).encode())
    except OSError as error:
        because = say("The file {path} could not be written: {reason}.", path=path, reason=error.strerror)
        raise Refused(Problem(code="store/home", title=say("Nothing can be saved"), because=because)) from error


def _url() -> URL:
    given = os.environ.get("LAYERLAB_STORE")
    return make_url(given) if given else URL.create("sqlite", database=str(home() / "layerlab.db"))


def _open(url: URL) -> Engine:
    if url.get_backend_name() != "sqlite":
        return create_engine(url)
    opened = create_engine(url, connect_args={"timeout": BUSY_SECONDS})

    @event.listens_for(opened, "connect")
    def prepare(connection: Any, _record: object) -> None:
        # Python's sqlite3 opens no transaction for a SELECT, so that two SELECTs would see two moments: we say BEGIN.
        connection.isolation_level = None
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute("PRAGMA foreign_keys=ON")

    @event.listens_for(opened, "begin")
    def begin(connection: Connection) -> None:
        # A transaction that reads first and then writes fails at once if another wrote between: writers lock first.
        writes = connection.get_execution_options().get("writing", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return opened


def version(connection: Connection) -> str | None:
    """The migration that the database is at; None in an empty one."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(select(sql_column("version_num")).select_from(table("alembic_version"))).scalar()


def _bring_to_head(opened: Engine) -> None:
    with opened.connect() as connection:
        if version(connection) == tables.HEAD:
            return
    from builder.store import upgrade  # imports Alembic, which takes long and is seldom needed

    with lock.held(home() / "upgrade.lock"):
        upgrade.to_head(opened)
