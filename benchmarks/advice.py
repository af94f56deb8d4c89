"""What advice costs a run: steps a second with the pulse taken and without, `python -m benchmarks.advice`, minutes a network.

One run takes turns of a tenth of a second: in some the pulse is taken (`builder.train.pulse`), in the others it is not. Two
runs side by side would differ by where their numbers lie in memory, which is more than the pulse costs. What looks at the
clock to see whether a look is due knows only the turns in which it may: so looks come as often as in any run.
"""

import random
import tempfile
import threading
import time
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
"""Seconds of processor time, at least; a run asks ten times a second what to do."""
WARM = 10
"""Pairs of turns that do not count."""
ENDLESS = 100_000
"""Epochs; the time is over before."""


class Turn(NamedTuple):
    """What a run did in a turn; `looking` are the seconds of it in which the pulse was taken."""

    steps: int
    seconds: float
    looking: float


class Turns(Control):
    """The worker's control, which lets the pulse be taken in one turn of each pair, in a random order."""

    def __init__(self, run_id: str, pairs: int) -> None:
        super().__init__(run_id, engine_gone=threading.Event())
        draw = random.Random(0)
        self.left = [watched for _ in range(pairs) for watched in draw.sample((False, True), 2)]
        self.watched = False
        self.taken: dict[bool, list[Turn]] = {True: [], False: []}
        self.held = self.looking = self.looked = 0.0
        self.since, self.step = time.process_time(), 0

    def clock(self) -> float:
        """Seconds of processor time of the turns in which the pulse is taken."""
        return self.held + (time.process_time() - self.since if self.watched else 0.0)

    def poll(self, step: int) -> str:
        word, seconds = super().poll(step), time.process_time() - self.since
        if step == 0 or seconds < TURN:
            return word
        self.taken[self.watched].append(Turn(step - self.step, seconds, self.looking - self.looked))
        self.held += seconds if self.watched else 0.0
        if not self.left:
            return "stop"
        self.watched = self.left.pop(0)
        self.looked, self.step, self.since = self.looking, step, time.process_time()
        return word


class Timed(Doctor):
    """Looks in some turns alone, and tells how long; what was begun is ended first."""

    turns: Turns

    def look_if_due(self, *given: Any) -> None:
        if not self.turns.watched and not self.wants_next:
            return
        started = time.process_time()
        super().look_if_due(*given)
        self.turns.looking += time.process_time() - started


def endless(name: str) -> Experiment:
    document = to_json(EXPERIMENTS[name]())
    document["recipe"]["length"] = {"epochs": ENDLESS}
    return read.experiment(document)


def measured(name: str, pairs: int) -> tuple[list[Turn], list[Turn]]:
    """The turns with the pulse, and those without, of a run that is trained as a worker does."""
    experiment = endless(name)
    run = runs.submit("benchmark", name, to_json(experiment))
    runs.update(run.id, status="running", epochs=ENDLESS)
    recorder, keeper, turns = Recorder(run.id), checkpoints.Keeper(run.id), Turns(run.id, pairs + WARM)
    watching = type("Watching", (Timed,), {"turns": turns})
    clock = SimpleNamespace(perf_counter=turns.clock)
    with patch("builder.train.run.Doctor", watching), patch.object(pulse, "time", clock):
        outcome = train(experiment, choose(experiment, "cpu"), load(experiment.data), recorder, turns, keeper)
    recorder.close()
    assert outcome.status == "stopped", outcome
    return turns.taken[True][-pairs:], turns.taken[False][-pairs:]


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
@click.option("--pairs", default=900, show_default=True, type=click.IntRange(min=1), help="Of turns.")
@click.argument("names", nargs=-1, type=click.Choice(list(EXPERIMENTS)))
def main(pairs: int, names: tuple[str, ...]) -> None:
    torch.set_num_threads(1)
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
