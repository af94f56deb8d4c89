"""Probes between engine and workers: before runs, in the same slots, with an end whatever happens."""

import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from builder import engine, limits, probing
from builder.engine import service
from builder.engine.worker_process import WorkerProcess
from builder.problem import Json
from builder.store import probes, runs
from tests.engine.conftest import Start, processes_of
from tests.engine.fake_worker import look

Until = Callable[..., float]

pytestmark = [
    pytest.mark.usefixtures("home"),
    pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc"),
]


def submit(owner: str = "ada", **experiment: object) -> str:
    return probes.submit(owner, "rates", dict(experiment)).id


def found(id: str) -> probes.Probe:
    probe = probes.given(id)
    assert probe is not None
    return probe


def worker_of(home: Path, id: str) -> int:
    lines = [line for line in (home / "engine.log").read_text().splitlines() if f"probe {id} goes to worker " in line]
    return int(lines[-1].rsplit(" ", 1)[1])


def test_a_probe_is_carried_out_and_what_it_saw_is_kept(start: Start, until: Until, home: Path) -> None:
    start()
    id = submit(seconds=0.6)
    until(lambda: 0 < found(id).progress < 1)
    until(lambda: found(id).status == "done")
    assert found(id).result == {"worker": worker_of(home, id), "stopped": False}
    assert found(id).progress == 1.0


def test_a_probe_goes_before_runs_and_takes_a_slot(home: Path) -> None:
    run, id = runs.submit("ada", "Count", {}).id, submit()
    spares = [WorkerProcess(["cat"], home / "worker.log", lambda: None) for _ in range(2)]
    one_slot = service.Service([], 1)
    one_slot.workers = spares
    try:
        for spare in spares:
            spare.ready = True
        one_slot._hand_out()
        assert [spare.probe for spare in spares] == [id, None]
        assert spares[1].spare
        assert runs.ids("queued") == [run], "there is a spare, but no slot"
        probes.finish(id, {})
        spares[0].take_back()
        one_slot._hand_out()
        assert run in (spare.run for spare in spares)
    finally:
        for spare in spares:
            spare.ask_to_end()
            spare.wait(10)


def test_a_probe_waits_for_a_slot_that_runs_have(start: Start, until: Until, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAYERLAB_SLOTS", "1")
    start()
    run = runs.submit("ada", "Count", {}).id
    until(lambda: runs.ids("running") == [run])
    id = submit()
    time.sleep(0.5)
    assert found(id).status == "queued"
    runs.command("ada", run, "stop")
    until(lambda: found(id).status == "done")


@pytest.mark.parametrize(
    ("experiment", "title"), [({"raise": "wheels came off"}, "The test crashed"), ({"refuse": 1}, "There is no data")]
)
def test_a_probe_that_goes_wrong_says_so(start: Start, until: Until, experiment: dict[str, object], title: str) -> None:
    start()
    id = submit(**experiment)
    until(lambda: found(id).status == "failed")
    assert (found(id).problem or {})["title"] == title
    well = submit()
    until(lambda: found(well).status == "done")


def test_a_killed_worker_costs_a_probe_a_second_try_and_another_one_its_end(
    start: Start, until: Until, home: Path
) -> None:
    start()
    id = submit(seconds=30)
    for _ in range(2):
        until(lambda: found(id).status == "running")
        until(lambda: found(id).progress > 0)
        os.kill(worker_of(home, id), signal.SIGKILL)
        until(lambda: found(id).progress == 0 or found(id).status == "failed")
    until(lambda: found(id).status == "failed")
    assert "killed" in (found(id).problem or {})["because"]


@pytest.mark.parametrize("kill", [True, False])
def test_a_probe_of_an_engine_that_ended_is_taken_up_by_the_next(
    start: Start, until: Until, home: Path, kill: bool
) -> None:
    pid = start().pid
    assert pid is not None
    id = submit(seconds=1.5)
    until(lambda: found(id).progress > 0)
    if kill:
        os.kill(pid, signal.SIGKILL)
        until(lambda: not processes_of(home))
        assert found(id).status == "running"
    else:
        engine.stop()
        assert found(id).status == "queued"
    start()
    until(lambda: found(id).status == "done")
    assert found(id).result == {"worker": worker_of(home, id), "stopped": False}


def carried_out(id: str, gone: threading.Event, looking: probing.Looking = look) -> bool:
    claimed = probes.claim()
    assert claimed is not None
    assert claimed.id == id
    return probing.carry_out(id, looking, gone)


def test_a_probe_is_told_to_stop_when_its_time_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "PROBE_SECONDS", 0.2)
    id, begun = submit(seconds=20), time.monotonic()
    assert carried_out(id, threading.Event())
    assert time.monotonic() - begun < 5
    assert (found(id).result or {})["stopped"] is True


def test_nothing_is_written_of_a_probe_whose_engine_is_gone() -> None:
    gone = threading.Event()
    gone.set()
    id = submit(seconds=20)
    assert not carried_out(id, gone)
    assert (found(id).status, found(id).result) == ("running", None)


def test_a_process_whose_probe_does_not_stop_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = threading.Event()

    def end(_status: int) -> None:
        ended.set()

    monkeypatch.setattr(limits, "PROBE_SECONDS", 0.1)
    monkeypatch.setattr(probing, "GRACE_SECONDS", 0.1)
    monkeypatch.setattr(probing.os, "_exit", end)

    def deaf(probe: probes.Probe, tell: probing.Tell, stop: probing.Stop) -> dict[str, Json]:
        assert ended.wait(10)
        return {}

    id = submit()
    carried_out(id, threading.Event(), deaf)
    assert (found(id).problem or {})["code"] == "probe/too-slow"


def test_what_is_no_probe_any_more_ends_the_process() -> None:
    assert not probing.carry_out("0" * 12, look, threading.Event())
