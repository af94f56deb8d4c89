"""Every family learns: the loss of a small variant falls on data that are made here."""

import pytest
from variants import HEAVY, LIGHT, changed, quick

from builder.blocks import GALLERY
from builder.data import load
from builder.design.experiment import Experiment
from builder.train.execution import choose
from builder.train.recorder import Silent
from builder.train.run import train


def losses(experiment: Experiment) -> list[float]:
    """The training loss of every step."""
    recorder = Silent()
    outcome = train(experiment, choose(experiment, "cpu"), load(experiment.data), recorder, recorder)
    assert outcome.status == "finished", outcome.problem
    if any(objective.loss.decide for objective in experiment.recipe.objectives) and "train/accuracy" in outcome.metrics:
        assert 0 <= outcome.metrics["train/accuracy"] <= 1
    return [loss for _, loss in recorder.series["train/loss"]]


def mean(values: list[float]) -> float:
    return sum(values) / len(values)


EPOCHS_OF = {
    "alexnet-2012": 30, "vgg13": 30, "vgg13-bn": 40, "vgg16": 30, "vgg16-bn": 40, "vgg19": 40, "vgg19-bn": 40, "squeezenet": 80,
    "resnet20": 40, "plain20": 40, "inception": 20, "vgg11-bn": 40,
    "squared-error": 200,
}  # fmt: skip
"""Of exhibits that need more than others."""


@pytest.mark.parametrize("name", HEAVY)
def test_a_narrow_variant_of_a_large_network_learns(name: str):
    experiment = quick(name)
    adam = {"type": "Adam", "params": {"lr": 0.002}}
    curve = losses(
        changed(
            experiment, optimizer=adam, init=WELL_BEGUN, batch={"size": 40}, length={"epochs": EPOCHS_OF.get(name, 12)}
        )
    )
    assert mean(curve[-3:]) < 0.9 * curve[0]


EPOCHS_ON = {"Shapes": 12, "ShapeMasks": 6, "FirstSymbol": 20, "Digits": 4, "Circle": 20, "Gates": 10}
"""By the source of the data."""


SIDES = {"plain20": 16, "resnet20": 16}
"""Of the pictures, where twenty layers take long."""
WELL_BEGUN = {"weight": {"type": "HeNormal"}, "bias": {"type": "Zeros"}}
BEGUN = {"plain20": WELL_BEGUN}
"""First weights of what without skips hardly learns from others: that is what it is there to show."""


STUCK = ("deep-sigmoid", "dead-relu")
"""That they do not learn is what they are there to show."""
HOVERING = "constant-rate"
"""It learns within its first steps, and gets no better."""


@pytest.mark.parametrize("name", sorted(set(LIGHT) - {*STUCK, HOVERING}))
def test_a_light_exhibit_learns_from_few_samples(name: str):
    experiment = quick(name, SIDES.get(name))
    epochs = EPOCHS_OF.get(name) or EPOCHS_ON.get(experiment.data.source.name, 4)
    init = BEGUN.get(name, experiment.recipe.init.model_dump(mode="json"))
    curve = losses(changed(experiment, length={"epochs": epochs}, init=init))
    tenth = max(1, len(curve) // 10)
    # A gate is right from the start; there is little left to learn.
    assert mean(curve[-tenth:]) < (1 if name.endswith("-gate") else 0.95) * mean(curve[:tenth])


@pytest.mark.parametrize("name", STUCK)
def test_what_is_there_to_be_stuck_is_stuck(name: str):
    curve = losses(changed(quick(name), length={"epochs": 4}))
    tenth = len(curve) // 10
    assert mean(curve[-tenth:]) > 0.95 * mean(curve[:tenth])


def test_a_constant_rate_hovers_around_what_a_falling_one_comes_to():
    """A number from 0 to 1 that is not seen has a variance of 1/12: no answer has a smaller squared error."""
    least = 1 / 12
    hovering = quick(HOVERING)
    falling = changed(hovering, schedule={"type": "InverseTime", "params": {"decay": 10}})
    ends = [losses(changed(experiment, length={"epochs": 10}))[-2_500:] for experiment in (hovering, falling)]
    assert mean(ends[0]) > 2 * least
    assert 0.9 * least < mean(ends[1]) < 1.1 * least


def test_every_family_is_among_them():
    assert {GALLERY[name].family for name in (*HEAVY, *LIGHT)} == {exhibit.family for exhibit in GALLERY.values()}
