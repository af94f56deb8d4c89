"""What advice costs a run: steps a second with the pulse taken and without, `python -m benchmarks.advice`, ten minutes a network.

Two runs of one experiment train in one process, each in a thread of its own, and take turns of a tenth of a second; of
one the pulse is taken (`builder.train.pulse`), of the other it is not. Each knows only the processor time of its own turns:
so looks come as often, and may take as much, as in a run that is alone.
"""

import random
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from os import environ
from types import SimpleNamespace
from typing import Any, NamedTuple
from unittest.mock import patch

import click
import numpy as np
import torch

from benchmarks.experiments import EXPERIMENTS
from benchmarks.measure import RESAMPLES, machine, table
from builder.control import Control
from builder.data import load
from builder.design import read
from builder.design.experiment import Experiment
from builder.design.network import to_json
from builder.store import checkpoints, database, runs
from builder.store.history import Recorder
from builder.train import pulse
from builder.train.execution import choose
from builder.train.pulse import Doctor
from builder.train.run import train

NETWORKS = ("tiny-adam", "lenet5", "resnet20")
TURN = 0.1
"""Seconds of processor time until it is the other's turn; a run asks ten times a second."""
WARM = 10
"""Turns of each side that do not count."""
ENDLESS = 100_000
"""Epochs; the time is over before."""


class Turn(NamedTuple):
    """What a run did while it was its turn; `looking` are the seconds of them in which the pulse was taken."""

    steps: int
    seconds: float
    looking: float


class Turns:
    """Which of two runs may go on, in a random order within each pair of turns."""

    def __init__(self, pairs: int) -> None:
        draw = random.Random(0)
        self.left = [side for _ in range(pairs) for side in draw.sample((False, True), 2)]
        self.changed = threading.Condition()

    def wait_for(self, side: bool) -> bool:
        """Return when it is this side's turn; whether there is one."""
        with self.changed:
            self.changed.wait_for(lambda: not self.left or self.left[0] == side)
            return bool(self.left)

    def over(self) -> None:
        with self.changed:
            self.left.pop(0)
            self.changed.notify_all()


class Side(Control):
    """The worker's control, which holds the run until it is its turn. `watched` says whether the pulse is taken."""

    def __init__(self, run_id: str, watched: bool, turns: Turns) -> None:
        super().__init__(run_id, engine_gone=threading.Event())
        self.watched, self.turns = watched, turns
        self.taken: list[Turn] = []
        self.held, self.looking = 0.0, 0.0
        self.began: tuple[float, int, float] | None = None

    def clock(self) -> float:
        """Seconds of processor time of its own turns."""
        return self.held + (time.process_time() - self.began[0] if self.began else 0.0)

    def poll(self, step: int) -> str:
        word = super().poll(step)
        if self.began is not None:
            since, at, looked = self.began
            seconds = time.process_time() - since
            if seconds < TURN:
                return word
            self.taken.append(Turn(step - at, seconds, self.looking - looked))
            self.held, self.began = self.held + seconds, None
            self.turns.over()
        if not self.turns.wait_for(self.watched):
            return "stop"
        self.began = time.process_time(), step, self.looking
        return word

    def doctor(self, *given: Any) -> Doctor | None:
        return Timed(self, *given) if self.watched else None


class Timed(Doctor):
    """Tells its side how long it looks."""

    def __init__(self, side: Side, *given: Any) -> None:
        self.side = side
        super().__init__(*given)

    def look_if_due(self, *given: Any) -> None:
        started = time.process_time()
        super().look_if_due(*given)
        self.side.looking += time.process_time() - started


def endless(name: str) -> Experiment:
    document = to_json(EXPERIMENTS[name]())
    document["recipe"]["length"] = {"epochs": ENDLESS}
    return read.experiment(document)


def trained(name: str, side: Side, own: threading.local) -> list[Turn]:
    """The turns of a run, trained as a worker does."""
    own.side = side
    torch.set_num_threads(1)
    experiment = endless(name)
    recorder, keeper = Recorder(side._run), checkpoints.Keeper(side._run)
    outcome = train(experiment, choose(experiment, "cpu"), load(experiment.data), recorder, side, keeper)
    recorder.close()
    assert outcome.status == "stopped", outcome
    return side.taken[WARM:]


def measured(name: str, pairs: int) -> tuple[list[Turn], list[Turn]]:
    """The turns with the pulse, and those without."""
    turns, own = Turns(pairs + WARM), threading.local()
    sides = []
    for watched in (True, False):
        run = runs.submit("benchmark", name, to_json(endless(name)))
        runs.update(run.id, status="running", epochs=ENDLESS)
        sides.append(Side(run.id, watched, turns))
    with ExitStack() as replaced, ThreadPoolExecutor(2) as threads:
        replaced.enter_context(patch("builder.train.run.Doctor", lambda *given: own.side.doctor(*given)))
        replaced.enter_context(patch.object(pulse, "time", SimpleNamespace(perf_counter=lambda: own.side.clock())))
        watched, free = threads.map(lambda side: trained(name, side, own), sides)
    return watched, free


def ratio_with_interval(watched: list[Turn], free: list[Turn]) -> tuple[float, float, float]:
    """Steps a second with the pulse by those without, over all turns, and its 95 % interval: pairs of turns drawn again.

    Of sums, since a look falls into few turns: a median would know nothing of it.
    """
    pairs = np.array([[*one[:2], *other[:2]] for one, other in zip(watched, free, strict=True)])
    drawn = np.random.default_rng(0).integers(0, len(pairs), (RESAMPLES, len(pairs)))

    def ratio(steps: Any, seconds: Any, its_steps: Any, its_seconds: Any) -> Any:
        return (steps / seconds) / (its_steps / its_seconds)

    low, high = np.percentile(ratio(*pairs[drawn].sum(axis=1).T), [2.5, 97.5])
    return float(ratio(*pairs.sum(axis=0))), float(low), float(high)


def row(name: str, watched: list[Turn], free: list[Turn]) -> list[str]:
    speed, its = (sum(turn.steps for turn in side) / sum(turn.seconds for turn in side) for side in (watched, free))
    share = sum(turn.looking for turn in watched) / sum(turn.seconds for turn in watched)
    ratio, low, high = ratio_with_interval(watched, free)
    interval = f"{low:.4f} - {high:.4f}"
    return [name, str(len(watched)), f"{speed:,.1f}", f"{its:,.1f}", f"{ratio:.4f}", interval, f"{share:.2%}"]


@click.command(help=__doc__)
@click.option("--pairs", default=900, show_default=True, type=click.IntRange(min=1), help="Turns of each side.")
@click.argument("names", nargs=-1, type=click.Choice(list(EXPERIMENTS)))
def main(pairs: int, names: tuple[str, ...]) -> None:
    rows = []
    print(machine())
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        environ["LAYERLAB_HOME"] = home
        environ.pop("LAYERLAB_STORE", None)
        for name in names or NETWORKS:
            click.echo(f"{name} ...", err=True)
            rows.append(row(name, *measured(name, pairs)))
        database.close()
    head = ["network", "turns", "steps/s, advised", "steps/s, not", "ratio", "95 % interval", "spent looking"]
    print(table(head, rows))
    print(machine())


if __name__ == "__main__":
    main()
