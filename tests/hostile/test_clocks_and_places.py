"""Leftovers, clocks that are set back, ids that are taken, and odd places (SAFETY 9 and 10)."""

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from builder import files
from builder.server import identity
from builder.store import checkpoints, documents, runs, tables
from tests.engine.conftest import Start, processes_of, start
from tests.engine.test_engine import find

__all__ = ["start"]

HOUR = 3_600
JUMPING = (
    sys.executable,
    "-c",
    "import pathlib, sys, time\n"
    "real = time.time\n"
    "time.time = lambda: real() - 3600 * pathlib.Path(sys.argv[1]).exists()\n"
    "from builder.engine.service import serve\n"
    "serve([sys.executable, '-m', 'tests.engine.fake_worker'])",
)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """`clock(3600)` sets it back by an hour."""
    real = time.time

    def back(seconds: float) -> None:
        monkeypatch.setattr(time, "time", lambda: real() - seconds)

    return back


def test_an_engine_sweeps_what_killed_writers_left_anywhere_and_nothing_of_a_live_one(
    start: Start, until: Callable[..., float], home: Path
):
    run = runs.submit("ada", "Count", {"steps": 1}).id
    folder = home / "runs" / run
    folder.mkdir(parents=True)
    long_ago = time.time() - files.STALE_SECONDS - 10
    for number in range(500):
        stale = (folder if number % 2 else home) / f"{files.TEMPORARY}{number}"
        stale.touch()
        os.utime(stale, (long_ago, long_ago))
    young = [home / f"{files.TEMPORARY}young", folder / f"{files.TEMPORARY}young"]
    for path in young:
        path.touch()
    start()
    assert set(home.rglob(files.TEMPORARY + "*")) == set(young)


def test_what_cannot_be_swept_up_stops_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for name in ("first", "second"):
        stale = tmp_path / (files.TEMPORARY + name)
        stale.touch()
        os.utime(stale, (0, 0))
    unlink = Path.unlink

    def refusing(path: Path, missing_ok: bool = False) -> None:
        if path.name.endswith("first"):
            raise PermissionError(13, "Permission denied")
        unlink(path, missing_ok)

    monkeypatch.setattr(Path, "unlink", refusing)
    assert files.sweep(tmp_path) == 1


def test_a_clock_that_is_set_back_sweeps_nothing_of_a_live_writer(tmp_path: Path, clock: Callable[[float], None]):
    live = tmp_path / f"{files.TEMPORARY}live"
    live.touch()
    clock(HOUR)
    assert files.sweep(tmp_path) == 0
    assert live.exists()


def test_a_clock_that_is_set_back_takes_nobody_s_things_away(home: Path, clock: Callable[[float], None]):
    cookie = identity._signer().sign("ada").decode()
    clock(HOUR)
    assert identity.owner_of(cookie) == "ada"
    assert identity.owner_of(cookie, max_age=identity.RENEW_SECONDS) == "ada", "and it is not signed anew each time"


@pytest.mark.usefixtures("home")
def test_a_clock_that_is_set_back_changes_no_order_of_the_queue_for_the_worse(clock: Callable[[float], None]):
    design = documents.create("ada", "Design", {"name": "Design"})
    first = runs.submit("ada", "First", {"number": 1}).id
    clock(HOUR)
    second = runs.submit("ada", "Second", {"number": 2}).id
    saved = documents.save("ada", design.id, 1, {"name": "Later"}, [])
    assert saved is not None and documents.latest("ada") == saved
    claimed = {run.id for run in (runs.claim(), runs.claim()) if run}
    assert claimed == {first, second} == {run.id for run in runs.listing("ada")}
    keeper = checkpoints.Keeper(first)
    keeper.keep(1, b"moment")
    assert not keeper.due(), "counted by a clock that nobody sets"
    runs.finish(first, "finished")
    assert find(first).status == "finished"


def test_an_engine_whose_clock_is_set_back_while_a_run_goes_ends_it_well(
    start: Start, until: Callable[..., float], home: Path, tmp_path: Path
):
    start(*JUMPING, str(tmp_path / "back"))
    run = runs.submit("ada", "Count", {}).id
    until(lambda: find(run).step > 5)
    (tmp_path / "back").touch()
    before = find(run).step
    until(lambda: find(run).step > before + 50)
    runs.command("ada", run, "stop")
    until(lambda: find(run).status == "stopped")
    assert runs.resume("ada", run).status == "queued"
    until(lambda: find(run).status == "running")
    runs.command("ada", run, "stop")
    until(lambda: find(run).status == "stopped")
    assert list(processes_of(home).values()).count("engine") == 1


@pytest.mark.usefixtures("home")
def test_an_id_that_is_taken_is_drawn_again(monkeypatch: pytest.MonkeyPatch):
    taken = [runs.submit("ada", "Digits", {"number": 1}).id, documents.create("ada", "Design", {}).id]
    drawn: list[str] = []

    def unlucky() -> str:
        drawn.append(taken[min(len(drawn), 1)] if len(drawn) < 2 else real())
        return drawn[-1]

    real = tables.new_id
    for module in (runs, documents):
        drawn.clear()
        monkeypatch.setattr(module, "new_id", unlucky)
        if module is runs:
            taken[1] = taken[0]
            made = runs.submit("ada", "Digits", {"number": 2}).id
        else:
            taken[:] = [documents.listing("ada")[0].id] * 2
            made = documents.create("ada", "Another", {}).id
        assert made not in taken
        assert len(drawn) > 2
    assert len(runs.listing("ada")) == 2 == len(documents.listing("ada"))
