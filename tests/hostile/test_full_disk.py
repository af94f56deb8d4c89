"""A disk that is full, fails or cannot be written: a Problem in words, the old content, and nothing left over (SAFETY 5, 6, 10)."""

import asyncio
import contextlib
import errno
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from starlette.exceptions import HTTPException

from builder import files
from builder.engine import manage, service
from builder.problem import Refused
from builder.server.asked import asked
from builder.store import checkpoints, database, documents, history, lock, runs, trouble
from builder.store.trouble import UNTOLD, Unanswered
from tests.engine.conftest import Start, start
from tests.engine.test_engine import find
from tests.hostile.counting_engine import ENGINE
from tests.pages.conftest import Visit, errors, sound, visit

__all__ = ["start", "visit"]

ROOT = Path(__file__).parents[2]
CALLS = ("open", "write", "fsync", "replace")


def failing_at(patch: pytest.MonkeyPatch, at: int, code: int) -> list[str]:
    """Let the `at`-th system call of `builder.files` fail; what was called is in the list."""
    called: list[str] = []

    def failing(name: str) -> Callable[..., object]:
        real = getattr(os, name)

        def call(*given: object) -> object:
            called.append(name)
            if len(called) == at:
                raise OSError(code, os.strerror(code))
            return real(*given)

        return call

    for name in CALLS:
        patch.setattr(files.os, name, failing(name))
    return called


def failures(code: int) -> Iterator[tuple[pytest.MonkeyPatch, list[str]]]:
    """One call after the other fails, until there is none left to fail."""
    for at in range(1, 30):
        with pytest.MonkeyPatch.context() as patch:
            called = failing_at(patch, at, code)
            yield patch, called
            if len(called) < at:
                return
    raise AssertionError("there is no end of calls")


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EACCES])
def test_whichever_call_fails_in_a_checkpoint_the_one_before_it_stands(home: Path, code: int):
    run = runs.submit("ada", "Digits", {}).id
    keeper = checkpoints.Keeper(run)
    keeper.keep(10, b"before")
    refused = 0
    for patch, called in failures(code):
        try:
            keeper.keep(20, b"after")
        except Refused as refusal:
            refused += 1
            assert os.strerror(code) in refusal.problems[0].because
        else:
            continue
        patch.undo()
        assert checkpoints.newest(run) == (10, b"before"), called
        assert not list((home / "runs" / run).glob(files.TEMPORARY + "*"))
        keeper.cut(10)
        assert len(list((home / "runs" / run).iterdir())) == 1
    assert refused == 6, "open, write, fsync, replace, open and fsync of the folder"
    assert checkpoints.newest(run) == (20, b"after")


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EACCES])
def test_whichever_call_fails_while_a_log_is_capped_nothing_of_it_is_lost(tmp_path: Path, code: int):
    log, old = tmp_path / "engine.log", tmp_path / "engine.log.old"
    failed = 0
    for patch, called in failures(code):
        log.write_bytes(b"a" * 900 + b"b" * 500)
        old.write_bytes(b"old")
        try:
            files.cap_log(log, 1_000)
        except OSError as error:
            failed += 1
            assert error.errno == code
        else:
            continue
        patch.undo()
        assert log.stat().st_size == 1_400
        assert old.read_bytes() in (b"old", b"b" * 500), called
        assert {path.name for path in tmp_path.iterdir()} == {log.name, old.name}
    assert failed == 6
    assert (log.stat().st_size, old.read_bytes()) == (0, b"b" * 500)


def test_an_engine_whose_logs_cannot_be_capped_goes_on(home: Path, monkeypatch: pytest.MonkeyPatch):
    engine = service.Service([sys.executable, "-c", "input()"], 1)
    engine.hire_at = float("inf")
    engine.id = "nobody"
    capped: list[str] = []

    def full(path: Path, _limit: int) -> None:
        capped.append(path.name)
        engine.ending = len(capped) > 0
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files, "cap_log", full)
    monkeypatch.setattr(service.signal, "signal", lambda *_: None)
    monkeypatch.setattr(service.time, "sleep", lambda _: None)
    engine.serve()
    assert capped == ["engine.log"]


def fill(connection: sa.Connection) -> None:
    """From now on the database cannot grow, as on a full disk."""
    pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
    connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")


@pytest.fixture
def full() -> Iterator[None]:
    """Every new connection finds the disk full."""
    database.engine().dispose()
    sa.event.listen(database.engine(), "begin", fill)
    yield
    sa.event.remove(database.engine(), "begin", fill)
    database.engine().dispose()


def test_on_a_full_disk_a_save_is_refused_in_words_and_the_old_design_stands(
    home: Path, request: pytest.FixtureRequest
):
    draft = documents.create("ada", "Design", {"name": "Design"})
    request.getfixturevalue("full")
    with pytest.raises(Refused) as refused:
        documents.save("ada", draft.id, 1, {"name": "Design", "much": "x" * 10**6}, [])
    assert (refused.value.problems[0].code, refused.value.problems[0].title) == ("store/full", "The disk is full")
    assert documents.get("ada", draft.id) == draft


def test_metrics_that_found_no_room_are_written_once_there_is(home: Path):
    run = runs.submit("ada", "Digits", {}).id
    recorder = history.Recorder(run)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recorder, "_connection", _Full(recorder._connection))
        for step in range(1, 3_000):
            recorder.add("train/loss", step, 1.0)
        with pytest.raises(Unanswered) as refused:
            recorder.flush()
        assert refused.value.problems[0].title == "The disk is full"
    recorder.close()
    assert sum(row[2] for row in history.series_values(run, "train/loss")) == 2_999


class _Full:
    """A connection to a database that has no room for another page."""

    def __init__(self, connection: sa.Connection) -> None:
        self.connection = connection

    def __getattr__(self, name: str) -> object:
        return getattr(self.connection, name)

    def begin(self) -> object:
        begun = self.connection.begin()
        fill(self.connection)
        return begun

    def __del__(self) -> None:
        with self.connection.begin():
            self.connection.exec_driver_sql("PRAGMA max_page_count = 1073741823")


@pytest.mark.skipif(sys.platform != "linux", reason="limits the size of files")
def test_a_worker_on_a_full_disk_fails_its_run_alone_and_the_next_one_is_fine(
    start: Start, until: Callable[..., float], home: Path
):
    engine = start(*ENGINE)
    (home / "limited").touch()
    unlucky = runs.submit("ada", "Unlucky", {}).id
    until(lambda: find(unlucky).status not in runs.ALIVE, 60)
    ended = find(unlucky)
    assert ended.status == "failed"
    assert ended.problem is not None
    assert "disk is full" in ended.problem["title"] or "too large" in ended.problem["because"], ended.problem
    (home / "limited").unlink()
    lucky = runs.submit("ada", "Lucky", {"steps": 10}).id
    until(lambda: find(lucky).status not in runs.ALIVE, 60)
    assert find(lucky).status == "finished", find(lucky).problem
    assert manage.status().pid == engine.pid, "the engine has not noticed"
    assert "Traceback" not in (home / "engine.log").read_text()


def test_a_run_of_which_its_worker_could_tell_nothing_is_accounted_for(home: Path):
    run = runs.submit("ada", "Digits", {}).id
    claimed = runs.claim()
    assert claimed is not None
    runs.update(run, status="running")
    engine = service.Service([], 1)

    class Worker:
        pid, returncode, since, ended = 1, UNTOLD, claimed.started, True

    engine._account_for(Worker(), run)  # type: ignore[arg-type]
    assert find(run).status == "failed"
    assert "disk is full" in (find(run).problem or {})["title"]


def unwritable(tmp_path: Path) -> str:
    """A folder in which nobody can make a file: not even root, who may write wherever there is room."""
    if os.geteuid() == 0:
        return "/proc/self/fd"
    folder = tmp_path / "unwritable"
    folder.mkdir(mode=0o500)
    return str(folder)


@pytest.mark.skipif(sys.platform != "linux", reason="/proc")
@pytest.mark.parametrize(
    "command",
    [
        ["streamlit", "run", "app.py", "--server.headless=true", "--server.port=0"],
        ["builder", "train", "playground"],
    ],
    ids=lambda command: " ".join(command[:2]),
)
def test_a_home_that_cannot_be_written_is_told_of_at_the_start(tmp_path: Path, command: list[str]):
    environment = os.environ | {"LAYERLAB_HOME": unwritable(tmp_path)}
    finished = subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60
    )
    assert finished.returncode != 0
    assert "Nothing can be saved" in finished.stderr, finished.stderr
    assert "Traceback" not in finished.stderr + finished.stdout


def test_a_store_that_another_holds_for_too_long_is_a_problem(home: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.05)
    draft = documents.create("ada", "Design", {"name": "Design"})
    with database.writing(), pytest.raises(Unanswered) as refused:
        runs.app_alive()
    assert refused.value.problems[0].code == "store/busy"
    assert documents.get("ada", draft.id) == draft


def test_an_engine_that_does_not_end_is_a_problem(home: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(manage, "STOP_SECONDS", 0.05)
    held = lock.take(manage.lock_path())
    assert held is not None
    with contextlib.closing(held), pytest.raises(Refused) as refused:
        manage.stop()
    assert refused.value.problems[0].code == "engine/deaf"


def test_a_page_whose_store_fails_says_so(home: Path, visit: Visit):
    tab = visit()
    database.close()
    for part in home.glob("layerlab.db*"):
        part.unlink()
    (home / "layerlab.db").write_bytes(b"This is not a database. " * 500)
    assert errors(sound(tab.run())) == ["The database is damaged"]


def test_a_chart_is_told_to_ask_again_where_the_store_does_not_answer():
    def question() -> bytes | None:
        raise trouble.busy("for a test")

    with pytest.raises(HTTPException) as answered:
        asyncio.run(asked(question))
    assert (answered.value.status_code, answered.value.detail) == (503, "The store is busy")
