"""Losses: they compare what they say they compare, decide for the right class, and have the values of their formulas."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from random_entries import entries, name_of
from torch import Tensor

from builder.catalog import Layer, Loss, Signal
from builder.catalog.losses import MSE, BCEWithLogits, CrossEntropy
from builder.compile import loss_function
from builder.compile.build import resolve

BATCH = 4
every_loss = pytest.mark.parametrize("kind", Loss.shelf.values(), ids=name_of)


TARGETS = [
    Signal(shape, axes, dtype, classes)
    for axes, shape in {"": (), "F": (3,), "T": (4,), "HW": (2, 3), "TF": (3, 1), "CHW": (1, 2, 2)}.items()
    for dtype, classes in [("float32", None), ("int64", 2), ("int64", 7), ("int64", None), ("bool", None)]
]
"""Targets of every kind: real numbers, classes, and what nothing can be learned from."""


def learnable(loss: type[Loss]) -> list[Signal]:
    """The targets that a loss says it can use."""
    return [target for target in TARGETS if loss().shapes(target)]


def truth_of(target: Signal) -> Tensor:
    """Classes, or numbers of which at least one is above 0, as counts and probabilities are."""
    shape = (BATCH, *target.shape)
    if target.classes:
        return torch.randint(target.classes, shape)
    numbers = torch.randn(shape)
    numbers.view(-1)[0] = 1
    return numbers


def fits(entry: Loss, target: Signal) -> bool:
    """Whether a loss with numbers for each class has one for each of the target's."""
    return entry.class_numbers is None or len(entry.class_numbers) == target.classes


def answer(entry: Loss, scores: Tensor) -> Tensor:
    """Scores as the loss takes them: some want to be given probabilities, or their logarithms."""
    if entry.ending is None:
        return scores
    ending = Layer.pick(entry.ending["type"], entry.ending.get("params", {}))
    return resolve(ending.target)(**ending.args())(scores)


def descent(cost: Callable[[Tensor], Tensor], start: Tensor) -> Tensor:
    """Down the slope, each step as long as lets the cost fall."""
    at, length = start, 1.0
    for _ in range(60):
        at = at.detach().requires_grad_()
        before = cost(at)
        (slope,) = torch.autograd.grad(before, at)
        length *= 4
        while length > 1e-12 and not cost(at - length * slope) < before:
            length /= 2
        at = at - length * slope
    return at.detach()


def function(name: str | None) -> Any:
    return resolve(name) if name else None


@every_loss
@given(data=st.data())
def test_an_output_of_a_shape_that_is_asked_for_is_compared_and_learns_the_target(
    kind: type[Loss], data: st.DataObject
):
    entry, target = data.draw(entries(kind)), data.draw(st.sampled_from(learnable(kind)))
    assume(fits(entry, target))
    output = Signal(data.draw(st.sampled_from(entry.shapes(target))), "F")
    names = (getattr(entry, name)(output, target) for name in ("encode", "decide", "side", "predict"))
    encode, decide, side, predict = map(function, names)
    truth = truth_of(target)
    goal = encode(truth, target.classes) if encode else truth
    loss = loss_function(entry)

    def cost(scores: Tensor) -> Tensor:
        return loss(answer(entry, scores), goal)

    start = torch.full((BATCH, *output.shape), 0.01)
    before = cost(start)
    assert before.shape == () and before.dtype == torch.float32
    scores = descent(cost, start)
    guess = answer(entry, scores)
    assert cost(scores) < before
    assert (decide is None) == (target.classes is None)
    if decide:
        decided = decide(guess)
        assert decided.dtype == torch.int64 and torch.equal(decided, truth)
    if predict:
        assert predict(guess).numel() == truth.numel()
    assert (side is None) == (target.classes != 2)
    if side:
        sure = side(guess)
        assert sure.shape == truth.shape and (sure.abs() <= 1).all()
        assert torch.equal(sure.sign().long(), 2 * truth - 1)


@every_loss
def test_truth_values_and_numbers_without_classes_cannot_be_learned(kind: type[Loss]):
    assert all(target.classes or target.dtype == "float32" for target in learnable(kind))


def test_classes_go_with_classification_and_real_numbers_with_regression():
    def kinds(loss: type[Loss]) -> set[int | None]:
        return {target.classes for target in learnable(loss)}

    assert (kinds(CrossEntropy), kinds(BCEWithLogits), kinds(MSE)) == ({2, 7}, {2}, {None, 2, 7})
    assert CrossEntropy().shapes(Signal((2, 3), "HW", "int64", 7)) == ((7, 2, 3),)
    assert MSE().shapes(Signal((), "", "int64", 2)) == ((1,), (2,))


@given(
    scores=st.lists(st.lists(st.floats(-20, 20), min_size=3, max_size=3), min_size=1, max_size=5),
    smoothing=st.floats(0, 0.9),
)
def test_cross_entropy_is_the_mean_surprise_at_the_true_class(scores: list[list[float]], smoothing: float):
    z = np.array(scores)
    classes = np.arange(len(z)) % 3
    logarithms = z - z.max(1, keepdims=True)
    logarithms -= np.log(np.exp(logarithms).sum(1, keepdims=True))
    goal = (1 - smoothing) * np.eye(3)[classes] + smoothing / 3
    loss = loss_function(CrossEntropy(label_smoothing=smoothing))
    assert float(loss(torch.tensor(z), torch.tensor(classes))) == pytest.approx(-(goal * logarithms).sum(1).mean())


@given(scores=st.lists(st.floats(-30, 30), min_size=1, max_size=6))
def test_binary_cross_entropy_is_the_mean_surprise_at_the_truth(scores: list[float]):
    z, truth = np.array(scores)[:, None], np.arange(len(scores)) % 2
    encoded = resolve("zero_one")(torch.tensor(truth), 2)
    assert encoded.tolist() == [[float(value)] for value in truth]
    expected = np.where(truth[:, None] == 1, np.log1p(np.exp(-z)), np.log1p(np.exp(z))).mean()
    assert float(loss_function(BCEWithLogits())(torch.tensor(z), encoded.double())) == pytest.approx(expected)


@given(pairs=st.lists(st.tuples(st.floats(-9, 9), st.floats(-9, 9)), min_size=1, max_size=6))
def test_mean_squared_error_is_the_mean_of_the_squared_differences(pairs: list[tuple[float, float]]):
    output, target = np.array(pairs).T
    loss = loss_function(MSE())(torch.tensor(output), torch.tensor(target))
    assert float(loss) == pytest.approx(np.mean((output - target) ** 2), abs=1e-12)


def test_two_classes_become_minus_and_plus_one_or_a_row_with_a_one_at_its_place():
    truth = torch.tensor([0, 1, 1])
    assert resolve("plus_minus_one")(truth, 2).tolist() == [[-1.0], [1.0], [1.0]]
    assert resolve("one_hot")(truth, 3).tolist() == [[1, 0, 0], [0, 1, 0], [0, 1, 0]]


@pytest.mark.parametrize("score", [-5.0, -0.3, 0.4, 6.0])
def test_how_sure_an_output_is_is_the_difference_of_the_two_probabilities(score: float):
    probability = 1 / (1 + np.exp(-score))
    one, two = torch.tensor([[score]]), torch.tensor([[1.0, 1.0 + score]])
    assert float(resolve("side_by_score")(one)) == pytest.approx(2 * probability - 1, abs=1e-6)
    assert float(resolve("side_by_scores")(two)) == pytest.approx(2 * probability - 1, abs=1e-6)
    assert float(resolve("side_by_value")(one)) == pytest.approx(max(-1, min(1, score)))


@pytest.mark.parametrize("probability", [0.02, 0.4, 0.51, 0.99])
def test_a_probability_and_a_margin_say_how_sure_they_are(probability: float):
    given_one = torch.tensor([[probability]])
    assert float(resolve("side_by_probability")(given_one)) == pytest.approx(2 * probability - 1, abs=1e-6)
    assert int(resolve("probable")(given_one)) == (probability > 0.5)
    best = torch.tensor([[np.log(probability / (1 - probability)) / 2]])  # of p exp(-z) + (1 - p) exp(z)
    assert float(resolve("side_by_margin")(best)) == pytest.approx(2 * probability - 1, abs=1e-6)


def test_what_an_output_predicts_are_the_means_or_the_rate():
    assert resolve("first_half")(torch.tensor([[1.0, 2, 3, 4]])).tolist() == [[1, 2]]
    assert resolve("rate")(torch.tensor([[0.0, np.log(3)]])).tolist() == [pytest.approx([1, 3])]


def test_kl_divergence_and_focal_loss_take_what_has_as_many_places():
    assert Loss.shelf["KLDiv"]().shapes(Signal((5,), "F")) == ((5,),)
    assert Loss.shelf["KLDiv"]().shapes(Signal((2, 5), "TF")) == ()
    assert Loss.shelf["KLDiv"]().shapes(Signal((2, 2), "HW", "int64", 3)) == ()
    assert Loss.shelf["Focal"]().shapes(Signal((), "", "int64", 2)) == ((1,), (2,))
    assert Loss.shelf["Focal"]().shapes(Signal((2, 2), "HW", "int64", 2)) == ((2, 2, 2),)
    assert Loss.shelf["GaussianNLL"]().shapes(Signal((3, 8, 8), "CHW")) == ((6, 8, 8),)


def test_cross_entropy_is_the_first_on_the_shelf_and_prints_as_before():
    assert next(iter(Loss.shelf)) == "CrossEntropy"
    assert type(loss_function(CrossEntropy())) is torch.nn.CrossEntropyLoss
    assert CrossEntropy().json_pick() == {"type": "CrossEntropy"}
