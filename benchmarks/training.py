"""Training steps a second, against loops that one writes by hand: `python -m benchmarks.training`.

Promised: at least 0.95 of the best of those loops, with everything recorded and drawn that a person can watch meanwhile.
With `--peers` also against Lightning, skorch and Keras (`pip install -r benchmarks/requirements.txt`), in the same run.
"""

import gc
import math
import os
import random
import tempfile
import threading
from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple, TypeAlias

import click
import numpy as np
import torch

from benchmarks import peers
from benchmarks.by_hand import Exercise, Loop, Stopwatch, clock, usual_loop
from benchmarks.experiments import EXPERIMENTS
from benchmarks.measure import machine, median_with_interval, table
from builder.data import load
from builder.design import read
from builder.design.experiment import Experiment
from builder.design.network import to_json
from builder.store import checkpoints, database, runs
from builder.store.history import Recorder, series_values
from builder.train.execution import choose
from builder.train.run import Outcome, train
from builder.worker import Control

Device: TypeAlias = Literal["cpu", "cuda"]

COMPARED_EPOCHS = 3
"""Of these every loss is compared; their steps are fewer than those that a history keeps one by one."""
BY_HAND, OURS = "by hand", "ours"
LEAST_END = 0.90
"""The lower end of the interval of the ratio to the loop by hand is to be no less."""


def promised(by_hand: float, lightning: float, skorch: float, keras: float) -> dict[str, float]:
    """Least ratios of our steps a second to theirs."""
    return {BY_HAND: by_hand, "Lightning, bare": lightning, "skorch": skorch, "Keras": keras}


PROMISED = {
    "tiny-adam": promised(0.95, 3, 1.8, 7),
    "tiny-sgd": promised(0.95, 3, 1.8, 7),
    "mlp": promised(0.95, 1.5, 1.4, 2),
    "lenet5": promised(0.95, 1, 1, 1.3),
    "resnet20": promised(0.95, 1, 1, 1.3),
    "lstm": promised(0.95, 1, 1, 3.5),
}
"""By experiment; these are measured unless others are asked for."""


class TimedControl(Control):
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


class Comparison(NamedTuple):
    """Ours beside one other side: the steps a second of both, and the ratio of the two with the ends of its interval."""

    network: str
    side: str
    ours: float
    its: float
    ratio: float
    low: float
    high: float

    @property
    def promised(self) -> float | None:
        return PROMISED.get(self.network, {}).get(self.side)

    @property
    def kept(self) -> bool:
        """Whether what is promised holds, where anything is."""
        if self.promised is None:
            return True
        return self.ratio >= self.promised and (self.side != BY_HAND or self.low >= LEAST_END)

    def row(self) -> list[str]:
        target = "" if self.promised is None else f"{self.promised:.2f}" + ("" if self.kept else ", missed")
        interval = f"{self.low:.3f} - {self.high:.3f}"
        return [self.network, self.side, steps(self.ours), steps(self.its), f"{self.ratio:.3f}", interval, target]


def steps(speed: float) -> str:
    """Steps a second, as exact as is worth reading."""
    return f"{speed:,.0f}" if speed >= 100 else f"{speed:.1f}"


class Case:
    """One experiment, trained by the app's loop and by those that it is compared with."""

    def __init__(self, name: str, device: Device, others: dict[str, Callable[[Exercise, int], float]]) -> None:
        self.name = name
        self.original = EXPERIMENTS[name]()
        self.execution = choose(self.original, device)
        self.arrays = load(self.original.data)
        self.exercise = Exercise(name, self.original, self.arrays, self.execution)
        self.sides: dict[str, Callable[[int], float]] = {
            OURS: lambda epochs: self.ours(epochs)[2],
            BY_HAND: lambda epochs: self.by_hand(epochs, judged=True),
            "by hand, not judged": lambda epochs: self.by_hand(epochs, judged=False),
            "usual loop": lambda epochs: usual_loop(self.exercise, epochs),
        }
        for side, trains in others.items():
            self.sides[side] = lambda epochs, trains=trains: trains(self.exercise, epochs)
        self.speeds: dict[str, list[float]] = {side: [] for side in self.sides}

    def experiment(self, epochs: int) -> Experiment:
        """It, for so many epochs."""
        document = to_json(self.original)
        document["recipe"]["length"] = {"epochs": epochs}
        return read.experiment(document)

    def ours(self, epochs: int) -> tuple[str, Outcome, float]:
        """Train as a worker does, recording into the store: the run, how it ended, and its steps a second."""
        experiment = self.experiment(epochs)
        run = runs.submit("benchmark", self.name, to_json(experiment))
        runs.update(run.id, status="running", epochs=epochs)
        recorder, control = Recorder(run.id), TimedControl(run.id, self.execution.device)
        keeper = checkpoints.Keeper(run.id)
        outcome = train(experiment, self.execution, self.arrays, recorder, control, keeper)
        recorder.close()
        runs.finish(run.id, outcome.status, summary=outcome.metrics)
        return run.id, outcome, outcome.step / control.seconds

    def by_hand(self, epochs: int, judged: bool) -> float:
        """Steps a second of the fastest loop written by hand."""
        loop, watch = Loop(self.exercise), Stopwatch(self.exercise.device)
        watch.start()
        loop.run(epochs, judged)
        watch.stop()
        return epochs * self.exercise.steps_per_epoch / watch.seconds

    def compare(self) -> None:
        """Assert that both loops do the same work: every loss to the last bit (on a GPU nearly), and the scores of every epoch."""
        run_id, outcome, _ = self.ours(COMPARED_EPOCHS)
        losses: list[torch.Tensor] = []
        scores = Loop(self.exercise).run(COMPARED_EPOCHS, judged=True, losses=losses)
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

    def epochs_for(self, side: str, seconds: float) -> int:
        """Epochs that a side needs about so many seconds for; what its first run alone has to do is done after this."""
        speed = self.sides[side](COMPARED_EPOCHS)
        return max(1, round(seconds * speed / self.exercise.steps_per_epoch))

    def measure(self, rounds: int, seconds: float, shuffle: random.Random) -> None:
        """So many rounds of one short segment of each side, in a new order each round."""
        self.compare()
        epochs = {side: self.epochs_for(side, seconds) for side in self.sides}
        for _ in range(rounds):
            for side in shuffle.sample(sorted(self.sides), len(self.sides)):
                gc.collect()  # nobody clears away what another has left
                self.speeds[side].append(self.sides[side](epochs[side]))

    def comparisons(self) -> Iterator[Comparison]:
        """Ours beside each of the others; ratios are paired by round."""
        ours, *others = ((side, np.array(speeds)) for side, speeds in self.speeds.items())
        for side, speeds in others:
            ratio = median_with_interval(ours[1] / speeds)
            yield Comparison(self.name, side, float(np.median(ours[1])), float(np.median(speeds)), *ratio)


def recorded_values(run_id: str, series: str) -> list[float]:
    """The points of a series that is short enough to be kept one by one."""
    buckets = series_values(run_id, series)
    assert all(points == 1 for _, _, points, *_ in buckets)
    return [mean for _, _, _, mean, _, _ in buckets]


def other_sides(wanted: bool) -> dict[str, Callable[[Exercise, int], float]]:
    """The libraries, where they are wanted; ends the program where one of them is not installed."""
    if not wanted:
        return {}
    if missing := peers.missing():
        raise click.ClickException(
            f"not installed: {', '.join(missing)}. Run: pip install -r benchmarks/requirements.txt"
        )
    return peers.sides()


def verdict(comparisons: list[Comparison]) -> str:
    """Every promise that was not kept, in one line."""
    missed = [
        f"{one.network} / {one.side} {one.ratio:.3f} ({one.low:.3f} - {one.high:.3f}), promised {one.promised:.2f}"
        for one in comparisons
        if not one.kept
    ]
    return "Missed: " + "; ".join(missed) + "." if missed else "Everything promised was kept."


@click.command(help=__doc__)
@click.option("--rounds", default=9, show_default=True, type=click.IntRange(min=1))
@click.option("--seconds", default=1.0, show_default=True, help="About how long one side trains in one round.")
@click.option("--device", default="cpu", show_default=True, type=click.Choice(["cpu", "cuda"]))
@click.option("--peers", "with_peers", is_flag=True, help="Also against Lightning, skorch and Keras.")
@click.argument("names", nargs=-1, type=click.Choice(list(EXPERIMENTS)))
def main(rounds: int, seconds: float, device: Device, with_peers: bool, names: tuple[str, ...]) -> None:
    shuffle = random.Random(0)
    torch.set_num_threads(1)
    comparisons: list[Comparison] = []
    with tempfile.TemporaryDirectory() as home:
        os.environ |= {"LAYERLAB_HOME": home, "KERAS_HOME": home}
        os.environ.pop("LAYERLAB_STORE", None)
        others = other_sides(with_peers)
        cases = [Case(name, device, others) for name in names or PROMISED]
        print(machine())
        print(f"torch {torch.__version__}, {cases[0].execution.device_name}, {rounds} rounds of {seconds:g} s a side")
        for case in cases:
            click.echo(f"{case.name} ...", err=True)
            case.measure(rounds, seconds, shuffle)
            comparisons += case.comparisons()
        database.close()
    head = ["network", "beside", "steps/s", "its steps/s", "ratio", "95 % interval", "promised"]
    print(table(head, [one.row() for one in comparisons], words=2))
    print(f"Load at the end {os.getloadavg()[0]:.1f}. {verdict(comparisons)}")


if __name__ == "__main__":
    main()
