"""The worker's side: what the loop is told, and how long a run will be."""

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.catalog.losses import Loss
from builder.catalog.optimizers import Optimizer
from builder.design.recipe import Batch, Length, Objective, Recipe
from builder.store import runs
from builder.worker import Control


def running() -> str:
    run = runs.submit("ada", "Digits", {})
    runs.claim()
    runs.update(run.id, status="running")
    return run.id


def status(run_id: str) -> str:
    run = runs.find(run_id)
    assert run is not None
    return run.status


@pytest.mark.usefixtures("home")
def test_each_command_is_applied_once_at_the_step_of_the_poll_that_found_it() -> None:
    run = running()
    control = Control(run, threading.Event())
    assert control.poll(1) == "run"
    runs.command("ada", run, "pause")
    assert (control.poll(2), status(run)) == ("pause", "paused")
    assert control.poll(3) == "pause"
    runs.command("ada", run, "resume")
    runs.command("ada", run, "pause")
    runs.command("ada", run, "resume")
    assert (control.poll(4), status(run)) == ("run", "running")
    assert control.poll(5) == "run"
    assert [command.step for command in runs.commands_after(run, 0)] == [2, 4, 4, 4]


@pytest.mark.usefixtures("home")
def test_nothing_comes_after_a_stop() -> None:
    run = running()
    control = Control(run, threading.Event())
    for kind in ("pause", "stop", "resume"):
        runs.command("ada", run, kind)
    assert control.poll(7) == "stop"
    assert control.poll(8) == "stop"
    assert [command.step for command in runs.commands_after(run, 0)] == [7, 7, 7]


@pytest.mark.usefixtures("home")
def test_when_the_engine_is_gone_the_loop_is_interrupted() -> None:
    gone = threading.Event()
    control = Control(running(), gone)
    assert control.poll(1) == "run"
    gone.set()
    assert control.poll(2) == "interrupt"


@given(
    samples=st.integers(1, 500),
    size=st.none() | st.integers(1, 600),
    last=st.sampled_from(["keep", "drop"]),
    epochs=st.integers(1, 3),
)
def test_total_steps_are_the_batches_that_a_loop_over_the_samples_makes(
    samples: int, size: int | None, last: str, epochs: int
) -> None:
    recipe = Recipe(
        objectives=(Objective(loss=next(iter(Loss.shelf.values()))()),),
        optimizer=next(iter(Optimizer.shelf.values()))(),
        batch=Batch(size=size, last=last),
        length=Length(epochs=epochs),
    )
    full = min(size or samples, samples)
    steps = 0
    for _ in range(epochs):
        for start in range(0, samples, full):
            batch = range(samples)[start : start + full]
            steps += len(batch) == full or last == "keep"
    assert recipe.batch.count(samples) * recipe.length.epochs == steps
