"""A run whose worker is killed goes on from its last checkpoint, and ends as one that nobody touched."""

import contextlib
import os
import random
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from builder.blocks import example
from builder.design.network import to_json
from builder.store import checkpoints, history, runs
from tests.engine.conftest import Start
from tests.engine.test_engine import worker_of

REAL = (sys.executable, "-m", "builder.engine")


def submitted(epochs: int) -> runs.Run:
    experiment = to_json(example("digits-cnn"))
    experiment["recipe"]["length"] = {"epochs": epochs}
    return runs.submit("ada", "Digits", experiment, device="cpu")


def found(run: runs.Run) -> runs.Run:
    again = runs.find(run.id)
    assert again is not None
    return again


def test_killed_again_and_again_it_ends_as_one_that_nobody_touched(
    start: Start, until: Callable[..., float], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAYERLAB_CHECKPOINT", "0.05")
    start(*REAL)
    untouched, killed = submitted(30), submitted(30)
    draw = random.Random(0)
    for _ in range(3):
        until(lambda: found(killed).status == "running" and checkpoints.steps(killed.id), 60)
        wanted = checkpoints.steps(killed.id)[-1] + draw.randrange(1, 60)
        until(lambda wanted=wanted: found(killed).step >= wanted, 60)
        os.kill(worker_of(home, killed.id), signal.SIGKILL)
        until(lambda: found(killed).status == "interrupted")
        runs.resume("ada", killed.id)
    until(lambda: {found(untouched).status, found(killed).status} == {"finished"}, 60)
    one, other = found(untouched), found(killed)
    assert one.generation != other.generation and one.step == other.step
    assert one.summary == other.summary
    assert one.series == other.series
    for name in one.series:
        assert history.series_values(one.id, name) == history.series_values(other.id, name)


def test_a_run_resumed_before_its_first_worker_is_gone_belongs_to_the_second(
    start: Start, until: Callable[..., float], home: Path
) -> None:
    start(*REAL)
    run = submitted(2_000)
    for _ in range(3):
        until(lambda: found(run).status == "running" and found(run).step > 0, 60)
        first = worker_of(home, run.id)
        at = (home / "engine.log").read_text().count(f"worker {first} is free again")
        runs.command("ada", run.id, "stop")
        until(lambda: found(run).status == "stopped")
        with contextlib.suppress(ProcessLookupError):  # gone already: then there is nothing to wait for
            os.kill(first, signal.SIGSTOP)  # it has said how the run ended, and takes its time to leave
        runs.resume("ada", run.id)
        until(lambda: found(run).status == "running", 60)
        with contextlib.suppress(ProcessLookupError):
            os.kill(first, signal.SIGCONT)
        free = f"worker {first} is free again"
        until(lambda free=free, at=at: (home / "engine.log").read_text().count(free) > at, 20)
        assert found(run).status == "running"
    runs.command("ada", run.id, "stop")
    until(lambda: found(run).status == "stopped")


def test_one_worker_trains_one_run_after_another_each_as_if_it_were_the_first(
    start: Start, until: Callable[..., float], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAYERLAB_SLOTS", "1")
    start(*REAL)
    trained = [submitted(2) for _ in range(3)]
    until(lambda: {found(run).status for run in trained} == {"finished"}, 90)
    assert len({worker_of(home, run.id) for run in trained}) < 3, "a worker was used again"
    first, *others = map(found, trained)
    assert all(other.summary == first.summary for other in others)
    for other in others:
        assert history.series_values(other.id, "train/loss") == history.series_values(first.id, "train/loss")
        assert other.memory is not None and first.memory is not None and other.memory < 1.5 * first.memory
