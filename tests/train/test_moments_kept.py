"""Which moments the loop leaves with its keeper: at the end the last, and before it the best."""

import math
from typing import Any

import pytest
from variants import changed

from builder.blocks import example
from builder.data import load
from builder.train.execution import choose
from builder.train.learner import Learner
from builder.train.moment import unpack
from builder.train.recorder import Silent
from builder.train.run import train
from builder.train.watch import Watch


class Keeping(Silent):
    """Keeps what it is given, and wants no more than that."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: list[tuple[int, int, float | None]] = []
        self.moments: dict[int, dict[str, Any]] = {}

    def keep(self, step: int, data: bytes, epoch: int, score: float | None) -> None:
        self.kept.append((step, epoch, score))
        self.moments[step] = unpack(data)


def trained(monkeypatch: pytest.MonkeyPatch, name: str = "digits-mlp", **recipe: Any) -> Keeping:
    monkeypatch.setattr("builder.train.watch.SHARE", 1e9)  # there is time for every best one
    experiment = changed(example(name), **{"batch": {"size": 100}, "length": {"epochs": 60}} | recipe)
    told = Keeping()
    train(experiment, choose(experiment, "cpu"), load(experiment.data), told, told, told)
    return told


def test_the_best_and_the_last_are_kept_with_their_scores(monkeypatch: pytest.MonkeyPatch):
    told = trained(monkeypatch, optimizer={"type": "Adam", "params": {"lr": 0.05}})
    scores = dict(told.series["validation/loss"])
    best = min(scores, key=lambda step: scores[step])
    last = max(scores)
    assert best < last, "the network must overfit for this test to say something"
    assert told.kept == [(best, best // 13, scores[best]), (last, 60, scores[last])]
    assert told.moments[best]["step"] == best and told.moments[best]["best"] == scores[best]
    assert told.moments[best]["history"]["train/loss"] == best  # it was told that far, and no further


def test_the_best_has_a_picture_of_the_boundary_that_it_had(monkeypatch: pytest.MonkeyPatch):
    recipe = {"optimizer": {"type": "Adam", "params": {"lr": 0.2}}, "batch": {"size": 100}}
    told = trained(monkeypatch, "playground", **recipe, length={"epochs": 30})
    (best, epoch, _), (last, _, _) = told.kept
    assert best < last and told.views[f"boundary_{best}"] != told.views[f"boundary_{last}"]
    there = trained(monkeypatch, "playground", **recipe, length={"epochs": epoch})
    assert told.views[f"boundary_{best}"] == there.views[f"boundary_{best}"]


def test_where_the_last_is_the_best_it_is_kept_once(monkeypatch: pytest.MonkeyPatch):
    told = trained(monkeypatch, length={"epochs": 3})
    assert [(step, epoch) for step, epoch, _ in told.kept] == [(39, 3)]
    assert told.kept[0][2] == told.series["validation/loss"][-1][1]


def test_the_last_moment_of_a_run_that_stopped_early_has_its_score(monkeypatch: pytest.MonkeyPatch):
    told = trained(
        monkeypatch,
        optimizer={"type": "Adam", "params": {"lr": 0.05}},
        early_stopping={"patience": 2},
        length={"epochs": 60},
    )
    assert len(told.kept) == 2 and told.kept[-1][2] == told.series["validation/loss"][-1][1]
    assert told.kept[0][2] == min(value for _, value in told.series["validation/loss"])


def test_every_epoch_s_end_is_a_best_one_only_as_long_as_there_is_time(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("builder.train.watch.SHARE", 1e-9)
    experiment = changed(example("digits-mlp"), batch={"size": 100}, length={"epochs": 6})
    told = Keeping()
    train(experiment, choose(experiment, "cpu"), load(experiment.data), told, told, told)
    assert [epoch for _, epoch, _ in told.kept] == [1, 6]


def test_a_moment_in_which_a_weight_is_no_number_is_not_kept():
    """The last update broke it, and the next loss would say so: nobody could go on from there."""
    experiment = changed(example("digits-mlp"), length={"epochs": 1})
    told = Keeping()
    execution = choose(experiment, "cpu")
    learner = Learner.of(experiment, execution, 10)
    watch = Watch(learner, told, told, told, 32)
    watch.keep(0)
    next(learner.network.parameters()).data[0] = math.nan
    watch.step = 5
    watch.keep(0)
    assert [step for step, _, _ in told.kept] == [0]
    assert watch.good is not None and unpack(watch.good)["step"] == 0
