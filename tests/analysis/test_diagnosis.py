"""Rules about a run, at both sides of each threshold, and which of their fixes a changed design still gets."""

import math
from collections.abc import Sequence

import pytest
from variants import changed

from builder.analysis import analyze, check
from builder.analysis.advice import Opened
from builder.analysis.course import LONGEST, Course
from builder.analysis.diagnosis import Pulse, Units, Weights, diagnosis
from builder.analysis.fixes import fitting
from builder.blocks import example
from builder.design import edits, read
from builder.design.experiment import Experiment
from builder.design.network import to_json
from builder.problem import Edit, Fix, Insert, Json, Problem, Remove, Set

DIGITS = example("digits-mlp")


def course_of(training: Sequence[float], validation: Sequence[float] | None = None) -> Course:
    """The course of one step an epoch."""
    course = Course()
    for loss, judged in zip(training, validation or [math.nan] * len(training), strict=True):
        course.step(loss)
        course.epoch(judged)
    return course


def told(experiment: Experiment, course: Course | None = None, pulse: Pulse | None = None) -> list[str]:
    opened = Opened(experiment.network, analyze(experiment.network))
    return [problem.code.removeprefix("run/") for problem in diagnosis(experiment, opened, course or Course(), pulse)]


def pulse_of(*weights: tuple[float, float, float | None], useless: float = 0.0, bend: str = "relu") -> Pulse:
    """Gradient, weight and update of each layer."""
    layers = ("hidden", "middle", "scores")
    measured = [
        Weights(layer=layer, gradient=gradient, weight=weight, update=update)
        for layer, (gradient, weight, update) in zip(layers, weights, strict=False)
    ]
    return Pulse(step=7, samples=100, weights=tuple(measured), units=(Units(layer=bend, units=200, useless=useless),))


# The course --------------------------------------------------------------------------------------------------------


def test_a_course_is_the_means_of_epochs():
    course = Course()
    for losses, judged in (([1.0, 3.0], 5.0), ([4.0], 6.0)):
        for loss in losses:
            course.step(loss)
        course.epoch(judged)
    course.step(9.0)
    assert (course.training, course.validation, course.width) == ([2.0, 4.0], [5.0, 6.0], 1)
    assert (course.total, course.steps) == (9.0, 1)


def test_a_long_course_is_the_means_of_some_epochs_each():
    course = course_of(range(5 * LONGEST), [-loss for loss in range(5 * LONGEST)])
    assert course.width == 8 and len(course.training) == 5 * LONGEST // 8
    assert course.training == [8 * at + 3.5 for at in range(len(course.training))]
    assert course.validation == [-loss for loss in course.training]


@pytest.mark.parametrize("epochs", [0, 3, LONGEST - 1, LONGEST, 2 * LONGEST + 5])
def test_a_course_comes_back_from_its_state(epochs: int):
    course = course_of([1 / (at + 3) for at in range(epochs)])
    course.step(0.1)
    back = Course.of(course.state())
    assert back.state() == course.state()
    for one in (course, back):
        one.step(0.2)
        one.epoch(0.7)
    assert (back.training, back.total, back.steps) == (course.training, course.total, course.steps)
    assert Course.of(None).state() == Course().state()


# Rules ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("losses", "code"),
    [
        ([4 - at / 10 for at in range(10)], []),
        ([4, 2] + [2.0] * 8, ["plateau"]),
        ([4, 2] + [2.0] * 7, []),  # nine epochs say little
        ([4, 2] + [2.0] * 7 + [1.97], []),  # 1.5 % better
        ([4, 2] + [2.0] * 7 + [1.99], ["plateau"]),
        ([4, 0.19] + [0.19] * 8, []),  # hardly anything is left to learn
        ([4.0] * 10, ["plateau"]),
    ],
)
def test_a_loss_that_gets_no_better_is_told(losses: list[float], code: list[str]):
    assert told(DIGITS, course_of(losses)) == code


@pytest.mark.parametrize(("kind", "is_offered"), [("Adam", True), ("RMSprop", True), ("Rprop", False)])
def test_a_rate_that_falls_is_offered_where_it_is_followed(kind: str, is_offered: bool):
    experiment = changed(DIGITS, optimizer={"type": kind})
    opened = Opened(experiment.network, analyze(experiment.network))
    (plateau,) = diagnosis(experiment, opened, course_of([4, 2] + [2.0] * 8), None)
    labels = [fix.label for fix in plateau.fixes]
    assert ("Let the rate fall along a cosine" in labels) is is_offered


@pytest.mark.parametrize(
    ("losses", "code"),
    [
        ([4, 1] + [1, 1.4, 0.9] * 4, ["rate-too-high"]),  # 3.1 were learned; it rises by 0.4 three times in ten epochs
        ([4, 1] + [1, 1.25, 0.9] * 4, ["plateau"]),
        ([4, 1, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 1.0, 0.3, 0.9, 0.2], []),  # twice
        ([1.0] + [0.99, 1.0] * 5, ["plateau"]),  # up and down, by no more than chance
        ([1, 1, 1.2, 1.2, 1.2], ["rate-too-high"]),
        ([1, 1.2, 1.2, 1.2], []),
        ([1, 1.5, 1.05, 1.5, 1.5], []),
    ],
)
def test_a_loss_that_jumps_or_rises_is_told(losses: list[float], code: list[str]):
    assert told(DIGITS, course_of(losses)) == code


FALLING = [1 / (at + 1) for at in range(12)]


@pytest.mark.parametrize(
    ("validation", "code"),
    [
        ([1, 0.9, 0.8, 0.7, 0.6, 0.5] + [0.56] * 6, ["overfitting"]),
        ([1, 0.9, 0.8, 0.7, 0.6, 0.5] + [0.54] * 6, []),
        ([1, 0.9, 0.8, 0.7, 0.6, 0.5] + [0.56] * 5 + [0.52], []),
        ([1] * 7 + [0.5] + [0.56] * 4, []),  # four epochs say little
        ([math.nan] * 12, []),
    ],
)
def test_a_validation_loss_that_rises_while_training_falls_is_told(validation: list[float], code: list[str]):
    course = course_of(FALLING, validation)
    assert told(DIGITS, course) == code
    assert not told(changed(DIGITS, early_stopping={"patience": 3}), course)
    rising = course_of([1, 0.9, 0.8, 0.7, 0.6, 0.5] + [0.52] * 6, validation)
    assert "overfitting" not in told(DIGITS, rising), "training got worse too"


@pytest.mark.parametrize(("useless", "code"), [(0.8, []), (0.81, ["dead-units"])])
def test_dead_units_are_told_with_their_number(useless: float, code: list[str]):
    activation = next(node.id for node in DIGITS.network.nodes if node.type == "ReLU")
    pulse = pulse_of((1, 1, None), useless=useless, bend=activation)
    assert told(DIGITS, pulse=pulse) == code
    if code:
        opened = Opened(DIGITS.network, analyze(DIGITS.network))
        (problem,) = diagnosis(DIGITS, opened, Course(), pulse)
        assert "162 of 200" in problem.because and "step 7" in problem.because and "100 samples" in problem.because
        assert problem.node == activation


@pytest.mark.parametrize(
    ("first", "code"), [((0.0049, 1.0), ["vanishing-gradient"]), ((0.0051, 1.0), []), ((0.0049, 0.5), [])]
)
def test_gradients_are_measured_by_the_size_of_their_weights(first: tuple[float, float], code: list[str]):
    assert told(DIGITS, pulse=pulse_of((*first, None), (1, 1, None), (2, 2, None))) == code
    assert not told(DIGITS, pulse=pulse_of((*first, None), (2, 2, None))), "two layers are not deep"


def test_behind_a_norm_the_size_of_a_weight_says_nothing():
    node = {"id": "norm", "type": "BatchNorm1d", "inputs": [HIDDEN]}
    with_norm = edits.apply(DOCUMENT, [Insert(node=node, after=HIDDEN)])
    faded = pulse_of((1e-6, 1, None), (1, 1, None), (1, 1, None))
    assert told(DIGITS, pulse=faded) == ["vanishing-gradient"]
    assert told(read.experiment(with_norm), pulse=faded) == []


@pytest.mark.parametrize(("share", "code"), [(0.11, ["large-steps"]), (0.09, [])])
def test_updates_are_measured_by_the_size_of_their_weights(share: float, code: list[str]):
    assert told(DIGITS, pulse=pulse_of((1, 2, 2 * share), (1, 1, share), (1, 1, 0.001))) == code
    assert not told(DIGITS, pulse=pulse_of((1, 2, 2 * share), (1, 1, 0.001), (1, 1, 0.001))), "one layer of three"


def test_what_has_a_cause_is_not_told_as_if_it_had_none():
    activation = next(node.id for node in DIGITS.network.nodes if node.type == "ReLU")
    dead = pulse_of((1, 1, 1.0), useless=1.0, bend=activation)
    assert told(DIGITS, course_of([2.3] * 12), dead) == ["dead-units"]


def test_a_pulse_of_layers_that_are_not_there_is_told_all_the_same():
    assert told(DIGITS, pulse=pulse_of((0, 0, None), (1, 1, None), (1, 1, None), useless=1.0, bend="gone")) == []


# Fixes for a design that has changed -----------------------------------------------------------------------------------

DOCUMENT = to_json(DIGITS)
HIDDEN, RELU, SCORES = (node["id"] for node in DOCUMENT["network"]["nodes"][-3:])
SLOWER = Fix(label="slower", edits=(Set(path="recipe.optimizer.params.lr", value=0.0003),))
LEAKY = Fix(label="leaky", edits=(Set(path=f"network.nodes.{RELU}.type", value="LeakyReLU"),))
STOP = Fix(label="stop", edits=(Set(path="recipe.early_stopping", value={}),))
BROKEN = Fix(label="broken", edits=(Set(path=f"network.nodes.{SCORES}.params.out_features", value=3),))


@pytest.mark.parametrize(
    ("since", "left"),
    [
        ([], ["slower", "leaky", "stop"]),
        ([Set(path="name", value="other")], ["slower", "leaky", "stop"]),
        ([Set(path="recipe.optimizer.params.lr", value=0.001)], ["leaky", "stop"]),
        ([Set(path="recipe.optimizer", value={"type": "SGD", "params": {"lr": 0.003}})], ["leaky", "stop"]),
        ([Set(path=f"network.nodes.{RELU}.type", value="GELU")], ["slower", "stop"]),
        ([Remove(node=RELU)], ["slower", "stop"]),
        ([Set(path="recipe.early_stopping", value={"patience": 3})], ["slower", "leaky"]),
    ],
)
def test_a_fix_is_offered_as_long_as_what_it_changes_is_as_it_was(since: list[Edit], left: list[str]):
    now = edits.apply(DOCUMENT, since)
    assert offered(now, SLOWER, LEAKY, STOP) == left


def offered(now: Json, *fixes: Fix) -> list[str]:
    problem = Problem(code="run/some", severity="warning", title="t", because="b", fixes=fixes)
    (found,) = fitting([problem], DOCUMENT, now, lambda document: check(read.experiment(document))[1])
    return [fix.label for fix in found.fixes]


def test_a_fix_that_brings_a_problem_is_not_offered():
    assert offered(DOCUMENT, BROKEN, LEAKY) == ["leaky"]


def test_a_design_that_cannot_be_read_gets_no_fix():
    assert offered({**DOCUMENT, "recipe": DOCUMENT["recipe"] | {"seed": "none"}}, LEAKY) == []
