"""Engine and workers that do what the app's do, and note when: `benchmarks.clicks` reads it.

`python -m benchmarks.noted engine` starts workers by `python -m benchmarks.noted worker`. A note is a line in a file of
the home: what happened, in which process, at which epoch second, to which run.
"""

import os
import sys
import time
from collections.abc import Callable
from typing import Any, Literal, NamedTuple, TypeAlias

from builder import worker
from builder.control import Control
from builder.engine.service import serve
from builder.store import database
from builder.store.history import Recorder
from builder.store.runs import Run

ENGINE = (sys.executable, "-m", "benchmarks.noted", "engine")
WORKER = (sys.executable, "-m", "benchmarks.noted", "worker")

Event: TypeAlias = Literal["warm", "taken", "step"]
"""A worker has imported everything, has been given a run, has made the first step of it."""


class Note(NamedTuple):
    event: Event
    process: int
    at: float
    run: str


def note(event: Event, run: str = "") -> None:
    now = time.time()
    with (database.home() / "notes").open("a") as file:
        file.write(f"{event},{os.getpid()},{now!r},{run}\n")


def notes() -> list[Note]:
    """All notes, the oldest first."""
    path = database.home() / "notes"
    lines = path.read_text().splitlines(keepends=True) if path.exists() else []
    whole = [line.strip().split(",") for line in lines if line.endswith("\n")]
    return [Note(event, int(process), float(at), run) for event, process, at, run in whole]  # type: ignore[arg-type]


def forget() -> None:
    """Begin anew, with nobody there."""
    (database.home() / "notes").unlink(missing_ok=True)


def first_step(run: str) -> float | None:
    """When the run's first step was done; None as long as it was not."""
    return next((one.at for one in notes() if one.event == "step" and one.run == run), None)


def warm_spares() -> int:
    """How many workers have imported everything, and have no run."""
    found = notes()
    taken = {one.process for one in found if one.event == "taken"}
    return len({one.process for one in found if one.event == "warm"} - taken)


def load() -> worker.Training:
    """What the worker loads; the loop's first step is noted when the optimizer has done it."""
    training = worker.load_torch()
    from builder.train import run as loop

    make = loop.learning_step

    def noted(run: Run, recorder: Recorder, control: Control) -> worker.Outcome:
        note("taken", run.id)
        loop.learning_step = lambda learner, task: noting(make(learner, task), run.id)
        return training(run, recorder, control)

    return noted


def noting(learn: Callable[..., Any], run: str) -> Callable[..., Any]:
    """`learn`, which notes its first return."""
    is_first = True

    def learn_and_note(*samples: Any) -> Any:
        nonlocal is_first
        loss = learn(*samples)
        if is_first:
            is_first = False
            note("step", run)
        return loss

    return learn_and_note


def load_later() -> None:
    worker.load_later()
    note("warm")


if __name__ == "__main__":
    if sys.argv[1] == "engine":
        serve(WORKER)
    else:
        worker.main(load, load_later)
