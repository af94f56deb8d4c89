"""Training steps a second, against the best loop that one writes by hand: `python -m benchmarks.training`.

Promised: at least 0.95 of that loop, with everything recorded and drawn that a person can watch meanwhile.
"""

import math
import os
import random
import tempfile
import threading
import time

import click
import numpy as np
import torch

from benchmarks.by_hand import NETWORKS, Loop
from benchmarks.measure import machine, median_with_interval, table
from builder.blocks import example
from builder.data import load
from builder.design import read
from builder.design.experiment import Experiment
from builder.design.network import to_json
from builder.store import database, runs
from builder.store.history import Recorder, series_values
from builder.train.execution import Device, choose
from builder.train.run import Outcome, train
from builder.worker import Control

PROMISED = 0.95
COMPARED_EPOCHS = 3
"""Of these every loss is compared; their steps are fewer than those that a history keeps one by one."""


def clock(device: str) -> float:
    """Seconds: of processor time, which other processes disturb least; with a GPU, of the wall once it has done its work."""
    if device == "cpu":
        return time.process_time()
    torch.cuda.synchronize()
    return time.perf_counter()


class Stopwatch(Control):
    """The worker's control. It notes when the loop first and last asked: building and the last judging lie outside."""

    def __init__(self, run_id: str, device: str) -> None:
        super().__init__(run_id, engine_gone=threading.Event())
        self._device = device
        self._asked: list[float] = []

    def poll(self, step: int) -> str:
        word = super().poll(step)
        self._asked.append(clock(self._device))
        return word

    @property
    def seconds(self) -> float:
        """From the first question to the last."""
        return self._asked[-1] - self._asked[0]


class Case:
    """One network of the gallery, trained by the app's loop and by two loops written by hand."""

    def __init__(self, name: str, device: Device) -> None:
        self.name = name
        self.execution = choose(example(name), device)
        self.arrays = load(example(name).data)
        self.speeds: dict[str, list[float]] = {"ours": [], "judged": [], "bare": []}

    def experiment(self, epochs: int) -> Experiment:
        """The gallery's, for so many epochs."""
        document = to_json(example(self.name))
        document["recipe"]["length"] = {"epochs": epochs}
        return read.experiment(document)

    def ours(self, epochs: int) -> tuple[str, Outcome, float]:
        """Train as a worker does, recording into the store: the run, how it ended, and its steps a second."""
        experiment = self.experiment(epochs)
        run = runs.submit("benchmark", self.name, to_json(experiment))
        runs.update(run.id, status="running", epochs=epochs)
        recorder, control = Recorder(run.id), Stopwatch(run.id, self.execution.device)
        outcome = train(experiment, self.execution, self.arrays, recorder, control)
        recorder.close()
        runs.finish(run.id, outcome.status, summary=outcome.metrics)
        return run.id, outcome, outcome.step / control.seconds

    def loop(self) -> Loop:
        return Loop(NETWORKS[self.name], self.arrays, self.execution.device)

    def by_hand(self, epochs: int, judged: bool) -> float:
        """Steps a second of the loop written by hand."""
        loop = self.loop()
        started = clock(loop.device)
        loop.run(epochs, judged)
        return epochs * loop.steps_per_epoch / (clock(loop.device) - started)

    def compare(self) -> None:
        """Assert that both loops do the same work: every loss to the last bit (on a GPU nearly), and the scores of every epoch."""
        run_id, outcome, _ = self.ours(COMPARED_EPOCHS)
        losses: list[torch.Tensor] = []
        scores = self.loop().run(COMPARED_EPOCHS, judged=True, losses=losses)
        recorded = recorded_values(run_id, "train/loss")
        assert outcome.status == "finished" and len(recorded) == outcome.step == len(losses)
        exact = self.execution.device == "cpu"
        for mine, theirs in zip(recorded, torch.stack(losses).tolist(), strict=True):
            assert mine == theirs if exact else math.isclose(mine, theirs, rel_tol=0.01), (
                f"{self.name}: {mine}, {theirs}"
            )
        for series in scores[0]:
            for mine, epoch in zip(recorded_values(run_id, series), scores, strict=True):
                assert math.isclose(mine, epoch[series], rel_tol=1e-5 if exact else 0.1), f"{self.name}: {series}"

    def epochs_for(self, seconds: float) -> int:
        """Epochs that the bare loop needs so many seconds for."""
        loop = self.loop()
        return math.ceil(seconds * self.by_hand(COMPARED_EPOCHS, judged=False) / loop.steps_per_epoch)

    def measure(self, rounds: int, seconds: float, shuffle: random.Random) -> None:
        """So many rounds of one short segment of each loop, in a new order each round."""
        self.compare()
        epochs = self.epochs_for(seconds)
        segments = {
            "ours": lambda: self.ours(epochs)[2],
            "judged": lambda: self.by_hand(epochs, judged=True),
            "bare": lambda: self.by_hand(epochs, judged=False),
        }
        for _ in range(rounds):
            for side in shuffle.sample(sorted(segments), len(segments)):
                self.speeds[side].append(segments[side]())

    def row(self) -> list[str]:
        """Medians of the speeds, and the ratios of ours to the others, paired by round."""
        speeds = {side: np.array(values) for side, values in self.speeds.items()}
        ratios = [median_with_interval(speeds["ours"] / speeds[side]) for side in ("judged", "bare")]
        return [
            self.name,
            *(f"{np.median(values):,.0f}" for values in speeds.values()),
            *(f"{median:.3f} ({low:.3f} - {high:.3f})" for median, low, high in ratios),
        ]


def recorded_values(run_id: str, series: str) -> list[float]:
    """The points of a series that is short enough to be kept one by one."""
    buckets = series_values(run_id, series)
    assert all(points == 1 for _, _, points, *_ in buckets)
    return [mean for _, _, _, mean, _, _ in buckets]


@click.command(help=__doc__)
@click.option("--rounds", default=9, show_default=True, type=click.IntRange(min=1))
@click.option("--seconds", default=2.0, show_default=True, help="About how long one loop trains in one round.")
@click.option("--device", default="cpu", show_default=True, type=click.Choice(["cpu", "cuda"]))
@click.argument("names", nargs=-1, type=click.Choice(list(NETWORKS)))
def main(rounds: int, seconds: float, device: Device, names: tuple[str, ...]) -> None:
    shuffle = random.Random(0)
    cases = [Case(name, device) for name in names or NETWORKS]
    print(machine())
    print(f"torch {torch.__version__}, {cases[0].execution.device_name}, {rounds} rounds of {seconds:g} s a loop")
    with tempfile.TemporaryDirectory() as home:
        os.environ["LAYERLAB_HOME"] = home
        os.environ.pop("LAYERLAB_STORE", None)
        for case in cases:
            case.measure(rounds, seconds, shuffle)
        database.close()
    head = ["network", "steps/s", "by hand", "without judging", "ratio to by hand", "ratio to without judging"]
    print(table(head, [case.row() for case in cases]))
    print(f"Load at the end {os.getloadavg()[0]:.1f}. Promised: a ratio to the loop by hand of {PROMISED} or more.")


if __name__ == "__main__":
    main()
