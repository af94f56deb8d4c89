"""The rate of every step of a run: warm-up, schedules that look at scores, and what a person has changed."""

import random
from typing import Any

import pytest
import torch
from variants import changed, quick

from builder.catalog.schedules import ReduceOnPlateau
from builder.data import load
from builder.design.recipe import Recipe
from builder.train.execution import choose
from builder.train.learner import Learner
from builder.train.pace import Pace
from builder.train.recorder import Silent
from builder.train.run import train

PLATEAU = {"type": "ReduceOnPlateau", "params": {"patience": 1, "factor": 0.5, "min_delta": 0.02}}


def recipe(**other: Any) -> Recipe:
    return changed(quick("playground"), optimizer={"type": "SGD", "params": {"lr": 0.2}}, **other).recipe


def pace(**other: Any) -> Pace:
    return Pace(recipe(**other), torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.2), per_epoch=4)


def set_rates(made: Pace, steps: int) -> list[float]:
    """What the optimizer is given for each of the next steps."""
    found = []
    for _ in range(steps):
        made.set_next()
        found.append(float(made.optimizer.param_groups[0]["lr"]))
    return found


@pytest.mark.parametrize(("warm_up", "steps"), [(0.5, 2), (1, 4), (2, 8), (0.1, 0), (9, 12)])
def test_a_warm_up_rises_to_what_the_schedule_begins_with(warm_up: float, steps: int):
    """4 steps an epoch, 3 epochs. Then the schedule has what is left of the run."""
    made = pace(warm_up=warm_up, schedule={"type": "Polynomial"}, length={"epochs": 3})
    rising = [0.2 * (at + 1) / (4 * warm_up) for at in range(steps)]
    falling = [0.2 * (12 - steps - at) / (12 - steps) for at in range(12 - steps)]
    assert set_rates(made, 12) == pytest.approx(rising + falling)


def test_a_constant_rate_is_steady_but_for_its_warm_up():
    assert pace().steady and not pace(warm_up=1).steady
    assert set_rates(pace(warm_up=1, length={"epochs": 3}), 6) == pytest.approx([0.05, 0.1, 0.15, 0.2, 0.2, 0.2])


@pytest.mark.parametrize("monitor", ["loss", "accuracy"])
def test_a_plateau_is_pytorchs(monitor: str):
    """With its absolute threshold, on many made-up curves."""
    draw = random.Random(monitor)
    for _ in range(200):
        factor, patience, delta, lowest = draw.choice((0.1, 0.5)), draw.randrange(4), draw.choice((0.0, 0.1)), 0.01
        rule = {"factor": factor, "patience": patience, "min_delta": delta, "lowest": lowest, "monitor": monitor}
        mine = pace(schedule={"type": "ReduceOnPlateau", "params": rule}, length={"epochs": 40})
        adapting = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.2)
        theirs = torch.optim.lr_scheduler.ReduceLROnPlateau(
            adapting, "min" if monitor == "loss" else "max", factor, patience, delta, "abs", min_lr=lowest, eps=0
        )
        for _ in range(30):
            score = round(draw.random(), 1)
            mine.hear({"train/loss": 7.0, f"validation/{monitor}": score})
            theirs.step(score)
            assert mine.rate == pytest.approx(adapting.param_groups[0]["lr"])


def test_a_rate_that_a_person_chooses_counts_from_there():
    made = pace(schedule=PLATEAU)
    for _ in range(5):
        made.hear({"validation/loss": 1.0})
    assert made.rate == pytest.approx(0.05)
    made.change(0.3)
    assert made.rate == pytest.approx(0.3)


def test_what_has_fallen_stays_fallen_after_a_pause_and_not_in_a_branch_with_another_rule():
    made = pace(schedule=PLATEAU)
    for score in (1.0, 1.0, 0.99):  # no better by 0.02
        made.hear({"validation/loss": score})
    again = pace(schedule=PLATEAU)
    again.go_on(made.state(), 9)
    assert (again.rate, again.step) == (pytest.approx(0.1), 9)
    again.hear({"validation/loss": 1.0})
    again.hear({"validation/loss": 1.0})
    assert again.rate == pytest.approx(0.05)
    other = pace(schedule={"type": "ReduceOnPlateau", "params": {"patience": 2}})
    other.go_on(made.state(), 9)
    assert other.rate == 0.2
    without = pace()
    without.go_on(made.state(), 9)
    assert without.rate == 0.2


def test_a_moment_of_before_there_were_plateaus_is_gone_on_from():
    made = pace(schedule=PLATEAU)
    made.go_on({"given": 0.2, "base": 0.1}, 3)
    assert made.rate == 0.1


def test_a_run_lowers_its_rate_where_validation_gets_no_better():
    experiment = changed(
        quick("playground"),
        schedule={"type": "ReduceOnPlateau", "params": {"patience": 0, "min_delta": 100.0}},
        length={"epochs": 4},
    )
    recorder = Silent()
    train(experiment, choose(experiment, "cpu"), load(experiment.data), recorder, recorder)
    base = experiment.recipe.optimizer.args()["lr"]
    assert isinstance(experiment.recipe.schedule, ReduceOnPlateau)
    rates = [rate for _, rate in recorder.series["rate"]]
    assert rates == pytest.approx([base, base, base / 10, base / 100]), "told before the epoch's score is looked at"


def test_the_learner_knows_how_many_steps_an_epoch_has():
    experiment = changed(quick("playground"), warm_up=1, length={"epochs": 5})
    made = Learner.of(experiment, choose(experiment, "cpu"), 7).pace
    assert (made.per_epoch, made.total) == (7, 35)
