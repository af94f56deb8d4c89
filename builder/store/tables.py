"""Every table of the store. A row of a person's things has their `owner`; ids are random, 12 of a-z and 0-9."""

import json
import secrets
import string
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    text,
)

HEAD = "0005"
"""The newest migration. Kept here so that a store already up to date is opened without importing Alembic."""

ID_LENGTH = 12
OWNER_LENGTH = 120


def new_id() -> str:
    """A random id, safe as a file name and in an address."""
    alphabet = string.ascii_lowercase + string.digits
    return "".join(secrets.choice(alphabet) for _ in range(ID_LENGTH))


DAMAGED = object()
"""What is read in place of JSON that is none any more."""


class JsonText(TypeDecorator[Any]):
    """JSON as text: keys keep their order, NaN and infinities their value, in every database alike."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else json.dumps(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        if value is None:
            return None
        try:
            return json.loads(value)
        except (ValueError, TypeError, RecursionError):  # one damaged row must not hide the others of a listing
            return DAMAGED


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _owner() -> Column[str]:
    return Column("owner", String(OWNER_LENGTH), nullable=False)


def _part_of(table: str) -> Column[str]:
    """The first half of the key of a row that belongs to a row of `table` and goes with it."""
    return Column(table, String(ID_LENGTH), ForeignKey(f"{table}.id", ondelete="CASCADE"), primary_key=True)


# Designs ---------------------------------------------------------------------------------------------------------

draft = Table(
    "draft",
    metadata,
    Column("id", String(ID_LENGTH), primary_key=True),
    _owner(),
    Column("name", Text, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("document", JsonText, nullable=False),
    Column("touched", Float, nullable=False),  # epoch seconds of the last change
    Column("binned", Float),  # epoch seconds at which it was thrown away
    Index(None, "owner", "touched"),
)

draft_step = Table(  # the two stacks of a draft; the top is the row with the largest revision
    "draft_step",
    metadata,
    _part_of("draft"),
    Column("stack", String(4), primary_key=True),  # undo or redo
    Column("revision", Integer, primary_key=True, autoincrement=False),  # that pushed it
    _owner(),
    Column("document", JsonText, nullable=False),  # to go back to
    Column("touched", JsonText, nullable=False),
)

draft_change = Table(  # what each revision touched: a short row, kept as long as the draft
    "draft_change",
    metadata,
    _part_of("draft"),
    Column("revision", Integer, primary_key=True, autoincrement=False),
    _owner(),
    Column("touched", JsonText, nullable=False),
)

share = Table(  # the link by which others open a copy of a draft
    "share",
    metadata,
    _part_of("draft"),
    Column("token", String(32), nullable=False),
    _owner(),
    Column("created", Float, nullable=False),
    Index(None, "token", unique=True),
)

# Runs ------------------------------------------------------------------------------------------------------------

run = Table(
    "run",
    metadata,
    Column("id", String(ID_LENGTH), primary_key=True),
    _owner(),
    Column("name", Text, nullable=False),
    Column("design", String(ID_LENGTH)),
    Column("experiment", JsonText, nullable=False),
    Column("fingerprint", String(64), nullable=False),  # SHA-256 of the experiment
    Column("execution", JsonText, nullable=False),
    Column("status", String(11), nullable=False),
    Column("generation", String(ID_LENGTH), nullable=False),
    Column("commands", Integer, nullable=False),  # how many were given: the last sequence number
    Column("created", Float, nullable=False),
    Column("started", Float),
    Column("ended", Float),
    Column("step", BigInteger, nullable=False),
    Column("total_steps", BigInteger, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("epochs", Integer, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("samples_per_second", Float, nullable=False),
    Column("series", JsonText, nullable=False),
    Column("summary", JsonText, nullable=False),
    Column("problem", JsonText),
    Column("tags", JsonText, nullable=False, server_default="[]"),
    Column("notes", Text, nullable=False, server_default=text("''")),
    Column("binned", Float),  # when it was thrown away; it can be taken back until the bin is emptied
    Column("parent", String(ID_LENGTH)),  # the run that it branched from
    Column("parent_step", BigInteger),
    Column("queued", Float),  # when it last went into the queue
    Column("rate", Float),  # the learning rate by now
    Column("memory", BigInteger),  # the most bytes that it held at once on its device
    Index(None, "status", "owner"),
    Index(None, "owner", "created"),
)

run_command = Table(
    "run_command",
    metadata,
    _part_of("run"),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    _owner(),
    Column("kind", String(20), nullable=False),
    Column("payload", JsonText),
    Column("step", BigInteger),  # at which it was applied
)

history_chunk = Table(  # the closed buckets of one flush, of all series
    "history_chunk",
    metadata,
    _part_of("run"),
    Column("rows", BigInteger, primary_key=True, autoincrement=False),  # of the run up to here: a reader's cursor
    _owner(),
    Column("data", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

history_tail = Table(  # the open buckets, as of the last flush
    "history_tail",
    metadata,
    _part_of("run"),
    _owner(),
    Column("data", LargeBinary, nullable=False),
)

run_view = Table(  # the newest picture of each name
    "run_view",
    metadata,
    _part_of("run"),
    Column("name", String(40), primary_key=True),
    _owner(),
    Column("step", BigInteger, nullable=False),
    Column("meta", JsonText, nullable=False),
    Column("data", LargeBinary, nullable=False),
)

checkpoint = Table(  # moments from which a run can go on; each is a file beside the database
    "checkpoint",
    metadata,
    _part_of("run"),
    Column("step", BigInteger, primary_key=True, autoincrement=False),
    _owner(),
    Column("bytes", BigInteger, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("epoch", Integer, nullable=False, server_default="0"),  # whole ones by then
    Column("score", Float),  # the loss that was judged there; the smallest is the best
)

# Probes ----------------------------------------------------------------------------------------------------------

probe = Table(  # a short look at an experiment, and what was seen
    "probe",
    metadata,
    Column("id", String(ID_LENGTH), primary_key=True),
    _owner(),
    Column("kind", String(20), nullable=False),
    Column("experiment", JsonText, nullable=False),
    Column("wish", JsonText, nullable=False),  # how it is to be carried out
    Column("fingerprint", String(64), nullable=False),  # SHA-256 of kind, experiment and wish
    Column("status", String(7), nullable=False),
    Column("attempts", Integer, nullable=False),  # how often a worker was given it
    Column("progress", Float, nullable=False),  # 0 to 1
    Column("result", JsonText),
    Column("problem", JsonText),
    Column("created", Float, nullable=False),
    Column("started", Float),
    Column("ended", Float),
    Index(None, "owner", "fingerprint", unique=True),
    Index(None, "status", "created"),
)

# The site --------------------------------------------------------------------------------------------------------

site = Table(  # one row, made by the first migration
    "site",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("beats", BigInteger, nullable=False),  # counted signs of life of apps and command lines
    Column("engine", String(ID_LENGTH)),  # the engine that last started
    Column("engine_pid", Integer),
    Column("engine_version", String(ID_LENGTH)),
    Column("engine_started", Float),
    Column("engine_slots", Integer),  # how many runs it lets go at once
    Column("stop_engine", String(ID_LENGTH)),  # the engine that is asked to end now
    Column("retire_engine", String(ID_LENGTH)),  # the engine that is asked to end when its runs have
)
