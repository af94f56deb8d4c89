"""Claims of the classroom, tried by the command line: `python -m benchmarks.lessons`, about four minutes.

Every line is a run of an exhibit, changed as it says, with three seeds. Expected is the share of samples of the test part
that are told apart, or the number that is named, as it was measured by loops written by hand before there was a Layerlab;
a line is confirmed where the median lies within. The last lines are looks at first weights, with one seed: what is expected
of them follows from the size of the layers.
"""

import json
import statistics
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

import click

from benchmarks.measure import machine, table
from benchmarks.stage import own_home

SEEDS = 3


class Claim(NamedTuple):
    """What comes out of an exhibit with these changes: the score lies between `low` and `high`."""

    number: str
    exhibit: str
    changes: tuple[str, ...]
    low: float
    high: float
    metric: str = "test/accuracy"

    @property
    def told(self) -> str:
        """The changes, in few words."""
        return ", ".join(change.replace("network.nodes.", "").replace("recipe.", "") for change in self.changes)


def _bends(kind: str) -> tuple[str, ...]:
    return tuple(f"network.nodes.sigmoid{at}.type={kind}" for at in range(1, 6))


def _weights(rule: str, **params: float) -> str:
    return f"recipe.init.weight={json.dumps({'type': rule, 'params': params})}"


PLAIN = tuple(f"network.nodes.batchnorm1d{at}.type=Identity" for at in range(1, 5))
TANH = (*_bends("Tanh"), "recipe.length.epochs=10", "recipe.optimizer.params.lr=0.02")
NO_BIAS = 'recipe.init.bias={"type": "Zeros"}'
SMALL_TANH = ("network.nodes.relu.type=Tanh", "network.nodes.hidden.params.out_features=16", NO_BIAS)  # fmt: skip
PLAIN_SGD = ('recipe.optimizer={"type": "SGD"}', "recipe.batch.size=32", "recipe.length.epochs=20")
UNSEEN = 1 / 12
"""The variance of a number from 0 to 1: the least squared error of a sum of which one number is not seen."""
DECAYED = 'recipe.schedule={"type": "InverseTime", "params": {"decay": 1}}'
UNPENALIZED = ("recipe.penalties=[]",)
SMALL = ('recipe.penalties=[{"type": "L2", "params": {"strength": 0.01}}]',)
SPARSITY, NORM = "weights/sparsity", "weights/norm"
CROSS_ENTROPY = ("recipe.objectives.0.loss.type=CrossEntropy", "network.nodes.probabilities.type=Identity")
SPARSE = _weights("Sparse")
"""So that none of the ways to begin is the exhibit's own, which would be left out."""
FLIPPED = 'recipe.augment=[{"type": "HorizontalFlip"}]'

CLAIMS = (
    Claim("E04", "deep-sigmoid", (), 0.0, 0.15),
    Claim("E04", "deep-sigmoid", (*_bends("Tanh"), "recipe.optimizer.params.lr=0.05"), 0.92, 1.0),
    Claim("E04", "deep-sigmoid", (*_bends("ReLU"), "recipe.optimizer.params.lr=0.05"), 0.92, 1.0),
    Claim("E06", "digits-mlp", (*SMALL_TANH, _weights("Zeros")), 0.0, 0.15),
    Claim("E06", "digits-mlp", (*SMALL_TANH, _weights("Constant", val=0.5)), 0.0, 0.25),
    Claim("E06", "digits-mlp", (*SMALL_TANH, _weights("XavierNormal")), 0.93, 1.0),
    Claim("E07", "deep-sigmoid", (*TANH, _weights("Normal", std=1.0)), 0.0, 0.7),
    Claim("E07", "deep-sigmoid", (*TANH, _weights("Normal", std=0.01)), 0.0, 0.3),
    Claim("E07", "deep-sigmoid", (*TANH, _weights("XavierNormal")), 0.93, 1.0),
    Claim("E09", "squared-error", (), 0.0, 0.9),
    Claim("E09", "squared-error", (*CROSS_ENTROPY, "recipe.length.epochs=8"), 0.9, 1.0),
    Claim("E18", "sparse-weights", (), 0.8, 1.0, SPARSITY),
    Claim("E18", "sparse-weights", (), 0.0, 3.5, NORM),
    Claim("E18", "sparse-weights", (), 0.93, 1.0),
    Claim("E18", "sparse-weights", SMALL, 0.0, 0.05, SPARSITY),
    Claim("E18", "sparse-weights", SMALL, 0.0, 3.5, NORM),
    Claim("E18", "sparse-weights", SMALL, 0.93, 1.0),
    Claim("E18", "sparse-weights", UNPENALIZED, 0.0, 0.05, SPARSITY),
    Claim("E18", "sparse-weights", UNPENALIZED, 4.5, 7.0, NORM),
    Claim("E18", "sparse-weights", UNPENALIZED, 0.9, 0.96),
    Claim("E22", "digits-mlp", (), 0.97, 1.0),
    Claim("E22", "digits-mlp", (FLIPPED,), 0.0, 0.97),
    Claim("E23", "normed-at-a-high-rate", (), 0.9, 1.0),
    Claim("E23", "normed-at-a-high-rate", PLAIN, 0.0, 0.3),
    Claim("E26", "dead-relu", (), 0.0, 0.15),
    Claim("E26", "dead-relu", ("network.nodes.relu.type=LeakyReLU", "network.nodes.relu.params.negative_slope=0.1"), 0.85, 1.0),
    Claim("E34", "digits-mlp", (*PLAIN_SGD, "recipe.optimizer.params.lr=0.0001"), 0.0, 0.4),
    Claim("E34", "digits-mlp", (*PLAIN_SGD, "recipe.optimizer.params.lr=0.1"), 0.93, 1.0),
    Claim("E34", "digits-mlp", (*PLAIN_SGD, "recipe.optimizer.params.lr=10"), 0.0, 0.3),
    Claim("E34", "constant-rate", (), 1.5 * UNSEEN, 1.0, "test/loss"),
    Claim("E34", "constant-rate", (DECAYED,), 0.0, 1.15 * UNSEEN, "test/loss"),
    Claim("E34", "constant-rate", ("network.nodes.seen.params.stop=2", "recipe.optimizer.params.lr=0.1"), 0.0, 1e-6, "test/loss"),
)  # fmt: skip


class Beginning(NamedTuple):
    """What comes of a way to begin: the spread of activations behind the last of five layers of 64, before anything is learned."""

    bend: str
    scheme: str
    low: float
    high: float


BEGINNINGS = (
    Beginning("Tanh", "Normal, σ 1", 0.85, 1.0),
    Beginning("Tanh", "Normal, σ 0.01", 1e-6, 1e-5),
    Beginning("Tanh", "Xavier uniform", 0.2, 0.7),
    Beginning("ReLU", "Normal, σ 1", 2e3, 2e4),
    Beginning("ReLU", "Normal, σ 0.01", 2e-7, 2e-6),
    Beginning("ReLU", "Xavier uniform", 0.06, 0.4),
    Beginning("ReLU", "He normal", 0.35, 2.0),
)
"""A layer of weights with deviation s gives s * sqrt(64) times what it reads, and a ReLU lets 1 / sqrt(2) of it through. Biases are 0."""


def spread(beginning: Beginning) -> float:
    """Behind the last layer, as `python -m builder first-step` tells it."""
    seen = _first_step(beginning.bend)
    (scheme,) = (one for one in seen["schemes"] if one["name"] == beginning.scheme)
    last = [node["id"] for node in seen["nodes"]].index("sigmoid5")
    return float(scheme["activation"][last])


@cache
def _first_step(bend: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "builder", "first-step", "deep-sigmoid", "--json"]
    for change in (*_bends(bend), SPARSE, NO_BIAS):
        command += ["--set", change]
    seen: dict[str, Any] = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return seen


def scores(claim: Claim, seeds: Sequence[int] = range(SEEDS)) -> list[float]:
    """The final metric of a run of each seed, as `python -m builder train` tells it; a run that diverged knows nothing: 0."""
    return [_metrics(claim.exhibit, claim.changes, seed)[claim.metric] for seed in seeds]


@cache
def _metrics(exhibit: str, changes: tuple[str, ...], seed: int) -> dict[str, float]:
    command = [sys.executable, "-m", "builder", "train", exhibit, "--seed", str(seed), "--json"]
    for change in changes:
        command += ["--set", change]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    told = json.loads(done.stdout.splitlines()[-1])
    if told.get("status") == "failed" and told["problem"]["code"] == "run/diverged":
        return {"test/accuracy": 0.0}
    assert told.get("status") == "finished", (exhibit, changes, told, done.stderr[-500:])
    metrics: dict[str, float] = told["metrics"]
    return metrics


@click.command(help=__doc__)
@click.option("--only", default="", help="One claim: E04.")
def main(only: str) -> None:
    print(machine())
    rows, refuted = [], 0
    with own_home():
        for claim in (claim for claim in CLAIMS if only in ("", claim.number)):
            seen = scores(claim)
            holds = claim.low <= statistics.median(seen) <= claim.high
            refuted += not holds
            measured = ", ".join(f"{one:.3f}" for one in seen)
            expected = f"{claim.low:.3g} to {claim.high:.3g}"
            rows.append(
                [claim.number, claim.exhibit, claim.told, claim.metric, measured, expected, "yes" if holds else "no"]
            )
        for beginning in BEGINNINGS if only in ("", "E07") else ():
            deviation = spread(beginning)
            holds = beginning.low <= deviation <= beginning.high
            refuted += not holds
            expected = f"{beginning.low:.3g} to {beginning.high:.3g}"
            told = f"{beginning.bend}, {beginning.scheme}"
            rows.append(["E07", "deep-sigmoid", told, "first spread", f"{deviation:.3g}", expected, "yes" if holds else "no"])  # fmt: skip
    print(table(["claim", "exhibit", "changes", "what", "measured", "expected", "confirmed"], rows))
    sys.exit(1 if refuted else 0)


if __name__ == "__main__":
    main()
