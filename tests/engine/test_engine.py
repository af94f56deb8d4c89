"""The engine: one at a time, fair and quick, and every run gets a final status whoever is killed."""

import os
import re
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from builder import engine, limits, worker
from builder.engine import manage, service, version
from builder.store import documents, history, lock, runs, site
from tests.engine.conftest import COMMAND, Start, processes_of

Until = Callable[..., float]

pytestmark = [
    pytest.mark.usefixtures("home"),
    pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc"),
]


def submit(owner: str = "ada", **experiment: object) -> str:
    return runs.submit(owner, "Count", dict(experiment)).id


def find(run_id: str) -> runs.Run:
    run = runs.find(run_id)
    assert run is not None
    return run


def status(*ids: str) -> tuple[str, ...]:
    return tuple(find(run).status for run in ids)


def worker_of(home: Path, run_id: str) -> int:
    """The process that has a run, as the engine's log tells."""
    for line in reversed((home / "engine.log").read_text().splitlines()):  # after a resume there are several
        if f"run {run_id} goes to worker " in line:
            return int(line.rsplit(" ", 1)[1])
    raise AssertionError(f"nobody has run {run_id}")


def stepping(run_id: str) -> Callable[[], bool]:
    """A condition: the run has made a step since now."""
    now = find(run_id).step
    return lambda: find(run_id).step > now


def test_a_run_is_done_and_its_numbers_are_kept(start: Start, until: Until, home: Path) -> None:
    start()
    run = submit(steps=30)
    until(lambda: status(run) == ("finished",))
    found = find(run)
    assert found.summary == {"test/loss": 0.5, "steps": 30}
    assert found.series == ("train/loss",)
    assert found.started is not None
    assert found.ended is not None
    assert found.created <= found.started <= found.ended
    assert [row[0] for row in history.series_values(run, "train/loss")] == list(range(1, 31))
    assert "this goes to the log" in (home / "worker.log").read_text()


def test_workers_are_warm_before_there_is_a_run(start: Start, until: Until, home: Path) -> None:
    """How soon one of them takes it is `benchmarks.clicks`'s to say."""
    start()
    until(lambda: list(processes_of(home).values()).count("worker") == service.SPARES)
    there = set(processes_of(home))
    run = submit(steps=2)
    until(lambda: status(run) == ("finished",))
    assert worker_of(home, run) in there


def test_as_many_runs_go_at_once_as_there_are_slots(
    start: Start, until: Until, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAYERLAB_SLOTS", "2")
    start()
    first, second, third, eve = submit(number=1), submit(number=2), submit(number=3), submit("eve")
    until(lambda: len(runs.ids("running")) == 2)
    assert set(runs.ids("running")) == {first, eve}, "one of each owner"
    until(stepping(first))
    until(stepping(eve))
    until(lambda: list(processes_of(home).values()).count("worker") == 3)
    begun = time.monotonic()
    while time.monotonic() - begun < 1.5:  # long enough for the spare to be ready
        assert status(second, third) == ("queued", "queued")
        time.sleep(0.05)
    runs.command("ada", first, "stop")
    until(lambda: status(first, second) == ("stopped", "running"))
    assert status(third) == ("queued",)


def test_pause_and_resume_are_obeyed_and_written_down(start: Start, until: Until) -> None:
    start()
    run = submit()
    until(lambda: find(run).step > 10)
    runs.command("ada", run, "pause")
    until(lambda: status(run) == ("paused",))
    until(lambda: runs.commands_after(run, 0)[0].step is not None)
    paused_at = runs.commands_after(run, 0)[0].step
    assert paused_at is not None
    recorded = until_still(lambda: len(history.series_values(run, "train/loss")))
    assert recorded == paused_at
    runs.command("ada", run, "resume")
    until(lambda: status(run) == ("running",))
    until(lambda: find(run).step > paused_at)
    assert runs.commands_after(run, 1)[0].step == paused_at
    runs.command("ada", run, "stop")
    assert until(lambda: status(run) == ("stopped",)) < 2
    assert find(run).summary["steps"] == runs.commands_after(run, 2)[0].step


def until_still(value: Callable[[], int]) -> int:
    """The value once it has not changed for as long as three flushes take."""
    last, since = value(), time.monotonic()
    while time.monotonic() - since < 3 * history.FLUSH_SECONDS:
        if value() != last:
            last, since = value(), time.monotonic()
        time.sleep(0.01)
    return last


@pytest.mark.parametrize("then", ["pause", "stop"])
def test_a_paused_run_stops(start: Start, until: Until, then: str) -> None:
    start()
    run = submit()
    until(lambda: status(run) == ("running",))
    runs.command("ada", run, "pause")
    until(lambda: status(run) == ("paused",))
    if then == "pause":
        engine.stop()
        assert status(run) == ("interrupted",)
    else:
        runs.command("ada", run, "stop")
        until(lambda: status(run) == ("stopped",))


def test_an_exception_fails_the_run_and_its_traceback_is_in_the_log(start: Start, until: Until, home: Path) -> None:
    start()
    crashed, refused = submit(**{"raise": "weights on strike"}), submit(refuse=True)
    until(lambda: status(crashed, refused) == ("failed", "failed"))
    problem = find(crashed).problem
    assert problem is not None
    assert problem["code"] == "run/crashed"
    assert "ValueError: weights on strike" in problem["because"]
    assert "Traceback" in (home / "worker.log").read_text()
    problem = find(refused).problem
    assert problem is not None
    assert problem["code"] == "data/none"


def test_a_killed_worker_interrupts_its_run_alone(start: Start, until: Until, home: Path) -> None:
    start()
    killed, other = submit(), submit("eve")
    until(lambda: status(killed, other) == ("running", "running"))
    os.kill(worker_of(home, killed), signal.SIGKILL)
    assert until(lambda: status(killed) == ("interrupted",)) < 2
    problem = find(killed).problem
    assert problem is not None
    assert problem["code"] == "run/interrupted"
    assert "killed" in problem["because"]
    until(stepping(other))
    assert status(other) == ("running",)
    after = submit(steps=3)
    runs.command("eve", other, "stop")
    until(lambda: status(after, other) == ("finished", "stopped"))


def test_a_killed_engine_takes_its_workers_along_and_the_next_one_lists_the_orphans(
    start: Start, until: Until, home: Path
) -> None:
    pid = start().pid
    assert pid is not None
    runs_going = submit(), submit("eve")
    until(lambda: status(*runs_going) == ("running", "running"))
    waiting = submit(steps=3, number=2)
    os.kill(pid, signal.SIGKILL)
    assert until(lambda: not processes_of(home)) < 10
    assert not engine.status().alive
    assert status(*runs_going) == ("interrupted", "interrupted"), "their workers said so themselves"
    assert status(waiting) == ("queued",)
    start()
    until(lambda: status(waiting) == ("finished",))


def test_a_worker_that_does_not_listen_ends_with_its_engine_all_the_same(
    start: Start, until: Until, home: Path
) -> None:
    pid = start().pid
    assert pid is not None
    deaf = submit(deaf=True)
    until(lambda: status(deaf) == ("running",))
    os.kill(pid, signal.SIGKILL)
    assert worker.END_SECONDS < 10, "the promise; the counting workers wait for 2 s"
    assert 1 < until(lambda: not processes_of(home)) < 5
    assert status(deaf) == ("running",), "nobody is left to say otherwise"
    start()
    until(lambda: status(deaf) == ("interrupted",))
    problem = find(deaf).problem
    assert problem is not None
    assert problem["code"] == "run/interrupted"


def test_a_stopped_engine_interrupts_its_runs_and_leaves_no_process(start: Start, until: Until, home: Path) -> None:
    start()
    run, waiting = submit(), submit(number=2)
    until(lambda: status(run) == ("running",))
    runs.command("ada", waiting, "stop")
    assert engine.stop()
    assert status(run) == ("interrupted",)
    until(lambda: not processes_of(home))
    assert not engine.stop()


def test_a_terminated_engine_stops_in_order(start: Start, until: Until, home: Path) -> None:
    pid = start().pid
    assert pid is not None
    run = submit()
    until(lambda: status(run) == ("running",))
    os.kill(pid, signal.SIGTERM)
    until(lambda: not processes_of(home))
    assert status(run) == ("interrupted",)
    assert "ended" in (home / "engine.log").read_text().splitlines()[-1]


def test_a_second_ensure_starts_no_second_engine(start: Start, home: Path) -> None:
    pid = start().pid
    assert not engine.ensure(COMMAND)
    assert list(processes_of(home).values()).count("engine") == 1
    assert engine.status().pid == pid


def test_many_ensures_at_once_start_one_engine(start: Start, home: Path) -> None:
    threads = [threading.Thread(target=engine.ensure, args=(COMMAND,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    start()
    assert list(processes_of(home).values()).count("engine") == 1
    log = (home / "engine.log").read_text()
    assert len(re.findall(r"engine \w+ started", log)) == 1
    assert "another engine" not in log, "not even tried"


def test_an_idle_engine_ends_itself_and_not_before(
    start: Start, until: Until, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAYERLAB_IDLE", "1")
    start()
    run = submit()
    until(lambda: status(run) == ("running",))
    begun = time.monotonic()
    until(lambda: time.monotonic() - begun > 1.5)
    assert engine.status().alive, "a run is going"
    runs.command("ada", run, "stop")
    while time.monotonic() - begun < 4:
        runs.app_alive()
        time.sleep(0.1)
    assert engine.status().alive, "an app is alive"
    assert until(lambda: not engine.status().alive) < 3
    until(lambda: not processes_of(home))
    assert "nothing to do" in (home / "engine.log").read_text()


@contextmanager
def other_code() -> Iterator[None]:
    """As if this process ran another version than the engine does."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manage, "code_version", lambda: "other")
        yield


def test_an_engine_with_other_code_gives_way_when_its_runs_have_ended(start: Start, until: Until, home: Path) -> None:
    old = start()
    assert not old.outdated
    run = submit()
    until(lambda: status(run) == ("running",))
    with other_code():
        assert engine.status().outdated
        assert not engine.ensure(COMMAND), "a run is going"
    until(lambda: "no more runs" in (home / "engine.log").read_text())
    waiting = submit(steps=3)
    until(stepping(run))
    runs.command("ada", run, "stop")
    until(lambda: not engine.status().alive)
    assert status(run, waiting) == ("stopped", "queued"), "the old code starts nothing more"
    new = start()
    assert new.pid != old.pid
    until(lambda: status(waiting) == ("finished",))
    with other_code():
        assert engine.ensure(COMMAND), "an idle one gives way at once"
    assert engine.status().pid != new.pid


def test_the_code_version_changes_with_the_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(version, "PACKAGE", tmp_path)
    (tmp_path / "a.py").write_text("1")
    seen = {version.code_version()}
    (tmp_path / "a.py").write_text("2")
    seen.add(version.code_version())
    (tmp_path / "a.py").rename(tmp_path / "b.py")
    seen.add(version.code_version())
    assert len(seen) == 3


def broken(program: str) -> tuple[str, ...]:
    """An engine whose workers run `program`."""
    serve = f"from builder.engine.service import serve; import sys; serve([sys.executable, '-c', {program!r}])"
    return sys.executable, "-c", serve


@pytest.mark.parametrize(
    "program",
    ["raise SystemExit(3)", "print('ready', flush=True); raise SystemExit(3)"],
    ids=["before it is ready", "when it is given the run"],
)
def test_a_run_whose_workers_cannot_start_is_not_lost(start: Start, until: Until, home: Path, program: str) -> None:
    start(*broken(program))
    run = submit(steps=3)
    until(lambda: "worker" in (home / "engine.log").read_text())
    assert status(run) in (("queued",), ("starting",), ("failed",))
    until(lambda: status(run) == ("failed",), seconds=20)
    problem = find(run).problem
    assert problem is not None
    assert problem["code"] == "run/no-worker"
    assert "worker.log" in problem["because"]
    engine.stop()
    other = submit(steps=3)
    start()
    until(lambda: status(other) == ("finished",))


def test_one_bad_start_is_made_good(start: Start, until: Until, tmp_path: Path) -> None:
    """The first worker dies with the run in its hands; the next one takes it."""
    first = tmp_path / "first"
    program = (
        "import sys; from pathlib import Path; from builder import worker; from tests.engine.fake_worker import count\n"
        f"if Path({str(first)!r}).exists(): worker.main(lambda: count)\n"
        f"print('ready', flush=True); sys.stdin.readline(); Path({str(first)!r}).touch()"
    )
    start(*broken(program))
    run = submit(steps=3)
    until(lambda: status(run) == ("finished",))
    assert first.exists()


def test_workers_get_one_thread_low_priority_and_a_group_of_their_own(start: Start, until: Until, home: Path) -> None:
    engine_pid = start().pid
    run = submit(threads=True)
    until(lambda: find(run).step > 0)
    pid = worker_of(home, run)
    assert find(run).execution == {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}, "as the worker tells"
    assert os.getpriority(os.PRIO_PROCESS, pid) >= os.getpriority(os.PRIO_PROCESS, engine_pid or 0) + 5
    assert os.getpgid(pid) == pid
    assert os.getsid(engine_pid or 0) != os.getsid(0)


def test_two_spares_are_kept_warm_and_one_while_every_slot_is_taken(
    start: Start, until: Until, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAYERLAB_SLOTS", "2")

    def workers() -> int:
        return list(processes_of(home).values()).count("worker")

    start()
    until(lambda: workers() == 2)
    going = submit(), submit("eve")
    until(lambda: status(*going) == ("running", "running"))
    until(lambda: workers() == 3)
    runs.command("ada", going[0], "stop")
    until(lambda: status(going[0]) == ("stopped",))
    until(lambda: workers() == 2)


def test_a_dead_engine_frees_its_lock(start: Start, until: Until, home: Path) -> None:
    pid = start().pid
    assert not lock.is_free(home / "engine.lock")
    os.kill(pid or 0, signal.SIGKILL)
    assert until(lambda: lock.is_free(home / "engine.lock")) < 2
    assert site.last_engine() is not None


def test_bins_are_emptied_while_an_engine_lives_and_not_at_its_start_alone(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    thrown = documents.create("ada", "Old", {})
    documents.throw_away("ada", thrown.id)
    now, began = time.time(), time.monotonic()
    passed = 0.0
    monkeypatch.setattr("time.time", lambda: now + passed)
    monkeypatch.setattr("time.monotonic", lambda: began + passed)
    for part in ("_hire", "_look_at_site"):  # no worker is needed for this
        monkeypatch.setattr(service.Service, part, lambda _: None)
    one = service.Service(("true",), 1)
    left = []
    for days in (0, limits.BIN_DAYS - 0.1, limits.BIN_DAYS + 0.1):
        passed = days * 86_400
        one._tick()
        left.append(len(documents.listing("ada", binned=True)))
    assert left == [1, 1, 0]


@pytest.mark.parametrize("busy", [0, 1])
def test_an_engine_whose_store_is_gone_waits_for_it_only_as_long_as_it_has_a_run(
    home: Path, monkeypatch: pytest.MonkeyPatch, busy: int
) -> None:
    ticks = 0

    def tick(_: service.Service) -> None:
        nonlocal ticks
        ticks += 1
        if ticks == 4:
            raise KeyboardInterrupt  # it would go on
        raise OSError("the folder is gone")

    monkeypatch.setattr(service.Service, "_tick", tick)
    monkeypatch.setattr(service.Service, "busy", busy)
    monkeypatch.setattr(service.time, "sleep", lambda _: None)
    monkeypatch.setattr(service, "DEAF_SECONDS", -1.0)
    monkeypatch.setenv("LAYERLAB_IDLE", "0.00001")
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    try:
        one = service.Service(("true",), 1)
        if busy:
            with pytest.raises(KeyboardInterrupt):
                one.serve()
        else:
            one.serve()
        assert ticks == (4 if busy else 1)
    finally:
        signal.signal(signal.SIGTERM, before[0])
        signal.signal(signal.SIGINT, before[1])
