"""The value of every loss: its formula written out with numpy, and what PyTorch has for it under another name."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.distributions import Categorical, Normal, kl_divergence
from torch.nn import functional

from builder.catalog import Loss, Signal
from builder.compile import loss_function
from builder.compile.build import resolve

SCORES = [[0.3, -1.2, 2.0], [1.5, 0.1, -0.7], [-0.4, 0.9, 0.2], [2.5, -2.0, 0.6]]
CLASSES = [2, 1, 1, 0]
MARGINS = [[0.5], [-2.0], [-0.3], [3.1]]
SIDES = [1, 0, 1, 0]
GUESSES = [[1.5, -0.2], [2.0, 0.4], [5.0, 7.5], [0.1, 3.0]]
TRUTHS = [[1.0, 0.3], [2.0, 0.9], [3.0, 4.0], [2.5, 3.2]]
COUNTS = [[0.0, 3.0], [1.0, 2.0], [7.0, 40.0], [4.0, 0.0]]
DISTRIBUTIONS = [[0.2, 0.3, 0.5], [1.0, 0.0, 0.0], [0.1, 0.8, 0.1], [0.25, 0.5, 0.25]]

THREE, TWO = Signal((), "", "int64", 3), Signal((), "", "int64", 2)
NUMBERS, PLACES = Signal((2,), "F"), Signal((3,), "F")

Array = np.ndarray[Any, Any]


def logarithms(scores: Array) -> Array:
    """ln of softmax."""
    return np.asarray(scores - np.log(np.exp(scores).sum(1, keepdims=True)))


def of_class(numbers: Array, classes: Array) -> Array:
    return np.asarray(numbers[np.arange(len(classes)), classes])


def signs(classes: Array) -> Array:
    """0, 1 as a column of -1, +1."""
    return np.asarray(2 * classes[:, None] - 1)


@dataclass(frozen=True)
class Case:
    """A loss, what it compares, its formula on arrays, and the same by PyTorch on tensors (output, target as it is)."""

    params: dict[str, Any]
    output: list[list[float]]
    target: list[Any]
    signal: Signal
    formula: Callable[[Array, Array], Any]
    judge: Callable[[Tensor, Tensor], Tensor]


def cross_entropy(z: Array, y: Array, smoothing: float = 0.0, weights: tuple[float, ...] = (1, 1, 1)) -> Any:
    """Sum over samples and classes of w_j q_j (-ln p_j), by the weights of the samples' own classes."""
    q = (1 - smoothing) * np.eye(3)[y] + smoothing / 3
    return (q * -logarithms(z) * np.array(weights)).sum() / np.array(weights)[y].sum()


def focal(p: Array, y: Array, gamma: float, alpha: tuple[float, ...]) -> Any:
    p = of_class(p, y)
    return np.mean(np.array(alpha)[y] * (1 - p) ** gamma * -np.log(p))


def two(z: Array) -> Array:
    """Probabilities of both classes from one score."""
    p = 1 / (1 + np.exp(-z))
    return np.hstack([1 - p, p])


def softplus(x: Array) -> Array:
    return np.asarray(np.log1p(np.exp(x)))


def gaussian(x: Array, y: Array, eps: float, constant: float) -> Any:
    mean, variance = x[:, :2], softplus(x[:, 2:]) + eps
    return np.mean(0.5 * (np.log(variance) + (y - mean) ** 2 / variance) + constant)


def focal_by_torch(scores: Tensor, classes: Tensor, gamma: float, alpha: list[float]) -> Tensor:
    p = scores.softmax(1).gather(1, classes[:, None])[:, 0]
    return (torch.tensor(alpha)[classes] * (1 - p).pow(gamma) * -p.log()).mean()


def normal(x: Tensor, eps: float) -> Normal:
    return Normal(x[:, :2], (functional.softplus(x[:, 2:]) + eps).sqrt())


def poisson_nll(z: Tensor, y: Tensor) -> Tensor:
    return -(torch.distributions.Poisson(z.exp()).log_prob(y) + torch.lgamma(y + 1)).mean()


def clipped_logarithm(x: Array) -> Array:
    return np.asarray(np.log(np.clip(x, 1e-5, None) + 1))


def plus_minus(y: Tensor) -> Tensor:
    return torch.where(y == 1, 1.0, -1.0)[:, None]


CASES = {
    "CrossEntropy": Case({}, SCORES, CLASSES, THREE, cross_entropy, functional.cross_entropy),
    "CrossEntropy smoothed": Case(
        {"label_smoothing": 0.2}, SCORES, CLASSES, THREE,
        lambda z, y: cross_entropy(z, y, 0.2),
        lambda z, y: functional.cross_entropy(z, y, label_smoothing=0.2),
    ),
    "CrossEntropy weighted": Case(
        {"weight": (0.5, 3, 1)}, SCORES, CLASSES, THREE,
        lambda z, y: cross_entropy(z, y, weights=(0.5, 3, 1)),
        lambda z, y: functional.cross_entropy(z, y, torch.tensor([0.5, 3, 1])),
    ),
    "CrossEntropy weighted, smoothed": Case(
        {"weight": (0.5, 3, 1), "label_smoothing": 0.1}, SCORES, CLASSES, THREE,
        lambda z, y: cross_entropy(z, y, 0.1, (0.5, 3, 1)),
        lambda z, y: functional.cross_entropy(z, y, torch.tensor([0.5, 3, 1]), label_smoothing=0.1),
    ),
    "BCEWithLogits": Case(
        {}, MARGINS, SIDES, TWO,
        lambda z, y: np.mean(-np.log(of_class(two(z), y))),
        lambda z, y: functional.soft_margin_loss(z, plus_minus(y)),
    ),
    "MSE": Case({}, GUESSES, TRUTHS, NUMBERS, lambda x, y: np.mean((x - y) ** 2), functional.mse_loss),
    "MSE of classes": Case(
        {}, SCORES, CLASSES, THREE,
        lambda x, y: np.mean((x - np.eye(3)[y]) ** 2),
        lambda x, y: functional.mse_loss(x, functional.one_hot(y, 3).float()),
    ),
    "NLL": Case(
        {}, logarithms(np.array(SCORES)).tolist(), CLASSES, THREE,
        lambda z, y: -np.mean(of_class(z, y)),
        lambda z, y: -Categorical(logits=z).log_prob(y).mean(),
    ),
    "BCE": Case(
        {}, [[0.2], [0.9], [0.5], [0.01]], SIDES, TWO,
        lambda p, y: np.mean(-np.log(of_class(np.hstack([1 - p, p]), y))),
        lambda p, y: -torch.distributions.Bernoulli(p).log_prob(y[:, None].float()).mean(),
    ),
    "Focal": Case(
        {}, SCORES, CLASSES, THREE,
        lambda z, y: focal(np.exp(logarithms(z)), y, 2, (1, 1, 1)),
        lambda z, y: focal_by_torch(z, y, 2, [1, 1, 1]),
    ),
    "Focal of one score": Case(
        {"gamma": 1.5, "alpha": (0.75, 0.25)}, MARGINS, SIDES, TWO,
        lambda z, y: focal(two(z), y, 1.5, (0.75, 0.25)),
        lambda z, y: focal_by_torch(torch.hstack([-z / 2, z / 2]), y, 1.5, [0.75, 0.25]),
    ),
    "Hinge": Case(
        {}, MARGINS, SIDES, TWO,
        lambda z, y: np.mean(np.maximum(0, 1 - signs(y) * z)),
        lambda z, y: functional.margin_ranking_loss(z, torch.zeros_like(z), plus_minus(y), margin=1),
    ),
    "Exponential": Case(
        {}, MARGINS, SIDES, TWO,
        lambda z, y: np.mean(np.exp(-signs(y) * z)),
        lambda z, y: functional.poisson_nll_loss(-plus_minus(y) * z, torch.zeros_like(z)),
    ),
    "Exponential, summed": Case(
        {"reduction": "sum"}, MARGINS, SIDES, TWO,
        lambda z, y: np.sum(np.exp(-signs(y) * z)),
        lambda z, y: functional.poisson_nll_loss(-plus_minus(y) * z, torch.zeros_like(z), reduction="sum"),
    ),
    "KLDiv": Case(
        {}, logarithms(np.array(SCORES)).tolist(), DISTRIBUTIONS, PLACES,
        lambda z, q: np.mean(np.sum(np.where(q > 0, q * (np.log(np.maximum(q, 1e-300)) - z), 0), axis=1)),
        lambda z, q: kl_divergence(Categorical(probs=q), Categorical(logits=z)).mean(),
    ),
    "KLDiv of classes": Case(
        {"label_smoothing": 0.3}, logarithms(np.array(SCORES)).tolist(), CLASSES, THREE,
        lambda z, y: np.mean(np.sum((q := 0.7 * np.eye(3)[y] + 0.1) * (np.log(q) - z), axis=1)),
        lambda z, y: kl_divergence(
            Categorical(probs=0.7 * functional.one_hot(y, 3).float() + 0.1), Categorical(logits=z)
        ).mean(),
    ),
    "MAE": Case({}, GUESSES, TRUTHS, NUMBERS, lambda x, y: np.mean(np.abs(x - y)), functional.l1_loss),
    "SmoothL1": Case(
        {"beta": 0.6}, GUESSES, TRUTHS, NUMBERS,
        lambda x, y: np.mean(np.where((d := np.abs(x - y)) < 0.6, d**2 / 1.2, d - 0.3)),
        lambda x, y: functional.smooth_l1_loss(x, y, beta=0.6),
    ),
    "Huber": Case(
        {"delta": 0.6}, GUESSES, TRUTHS, NUMBERS,
        lambda x, y: np.mean(np.where((d := np.abs(x - y)) < 0.6, d**2 / 2, 0.6 * (d - 0.3))),
        lambda x, y: functional.huber_loss(x, y, delta=0.6),
    ),
    "MSLE": Case(
        {}, GUESSES, TRUTHS, NUMBERS,
        lambda x, y: np.mean((clipped_logarithm(x) - clipped_logarithm(y)) ** 2),
        lambda x, y: functional.mse_loss(x.maximum(torch.tensor(1e-5)).log1p(), y.log1p()),
    ),
    "MAPE": Case(
        {}, GUESSES, TRUTHS, NUMBERS,
        lambda x, y: 100 * np.mean(np.abs((x - y) / y)),
        lambda x, y: 100 * functional.l1_loss(x / y, torch.ones_like(y)),
    ),
    "GaussianNLL": Case(
        {"eps": 0.01}, [[*g, *s] for g, s in zip(GUESSES, TRUTHS, strict=True)], TRUTHS, NUMBERS,
        lambda x, y: gaussian(x, y, 0.01, 0.0),
        lambda x, y: functional.gaussian_nll_loss(x[:, :2], y, normal(x, 0.01).variance),
    ),
    "GaussianNLL with its constant": Case(
        {"full": True}, [[*g, *s] for g, s in zip(GUESSES, TRUTHS, strict=True)], TRUTHS, NUMBERS,
        lambda x, y: gaussian(x, y, 1e-6, np.log(2 * np.pi) / 2),
        lambda x, y: -normal(x, 1e-6).log_prob(y).mean(),
    ),
    "Poisson": Case({}, GUESSES, COUNTS, NUMBERS, lambda z, y: np.mean(np.exp(z) - y * z), poisson_nll),
    "Poisson with its constant": Case(
        {"full": True}, GUESSES, COUNTS, NUMBERS,
        lambda z, y: np.mean(
            np.exp(z) - y * z + np.where(y > 1, y * np.log(np.maximum(y, 1)) - y + np.log(2 * np.pi * np.maximum(y, 1)) / 2, 0)
        ),
        lambda z, y: functional.poisson_nll_loss(z, y, full=True),
    ),
}  # fmt: skip


def compared(entry: Loss, output: Tensor, target: Tensor, signal: Signal) -> float:
    """The loss of an output and a target as the data have it."""
    encode = entry.encode(Signal(tuple(output.shape[1:]), "F"), signal)
    return float(loss_function(entry)(output, resolve(encode)(target, signal.classes) if encode else target))


@pytest.mark.parametrize("name", CASES)
def test_a_loss_is_what_its_formula_says_and_what_pytorch_says(name: str):
    case = CASES[name]
    entry = Loss.pick(name.split(",")[0].split()[0], case.params)
    output, target = torch.tensor(case.output), torch.tensor(case.target)
    value = compared(entry, output, target, case.signal)
    assert value == pytest.approx(float(case.formula(np.array(case.output), np.array(case.target))), rel=2e-6)
    assert value == pytest.approx(float(case.judge(output, target)), rel=2e-6)


def test_every_loss_has_its_formula_here():
    assert {name.split(",")[0].split()[0] for name in CASES} == set(Loss.shelf)


def test_focal_loss_without_focus_is_cross_entropy():
    scores, classes = torch.randn(50, 4) * 9, torch.arange(50) % 4
    focal, plain = Loss.pick("Focal", {"gamma": 0}), Loss.pick("CrossEntropy", {})
    losses = [loss_function(entry)(scores, classes) for entry in (focal, plain)]
    assert float(losses[0]) == pytest.approx(float(losses[1]), rel=1e-6)
    one = Loss.pick("BCEWithLogits", {})
    target = Signal((), "", "int64", 2)
    assert compared(focal, scores[:, :1], classes % 2, target) == pytest.approx(
        compared(one, scores[:, :1], classes % 2, target)
    )


@pytest.mark.parametrize("gamma", [0.0, 0.3, 1.0, 2.0])
def test_the_slope_of_a_focal_loss_is_finite_however_sure_it_is(gamma: float):
    scores = torch.tensor([[0.0, 200.0], [200.0, 0.0], [0.0, 30.0], [0.0, 0.0]], requires_grad=True)
    (slope,) = torch.autograd.grad(
        loss_function(Loss.pick("Focal", {"gamma": gamma}))(scores, torch.ones(4, dtype=torch.int64)), scores
    )
    assert slope.isfinite().all() and not slope[0].any() and slope[1, 1] < -0.2


def test_huber_is_smooth_l1_times_its_width():
    x, y = torch.tensor(GUESSES), torch.tensor(TRUTHS)
    huber, smooth = Loss.pick("Huber", {"delta": 0.6}), Loss.pick("SmoothL1", {"beta": 0.6})
    assert compared(huber, x, y, NUMBERS) == pytest.approx(0.6 * compared(smooth, x, y, NUMBERS))


def test_logarithms_of_probabilities_stop_at_minus_a_hundred():
    certain = torch.tensor([[0.0], [1.0]])
    assert compared(Loss.pick("BCE", {}), certain, torch.tensor([1, 0]), TWO) == 100
    assert compared(Loss.pick("BCE", {}), certain, torch.tensor([0, 1]), TWO) == 0


def test_a_variance_is_never_so_small_that_the_loss_is_no_number():
    x = torch.tensor([[0.0, -1000.0], [3.0, 1000.0]], requires_grad=True)
    loss = loss_function(Loss.pick("GaussianNLL", {}))(x, torch.tensor([[1.0], [1.0]]))
    (slope,) = torch.autograd.grad(loss, x)
    assert loss.isfinite() and slope.isfinite().all()
    flat = loss_function(Loss.pick("GaussianNLL", {}))(torch.tensor([[1.0, 0.0]]), torch.tensor([1.0]))
    assert float(flat) == pytest.approx(np.log(np.log(2) + 1e-6) / 2)  # a target that is one number


def test_what_is_no_probability_counts_as_zero_in_a_target_distribution():
    z = nn.functional.log_softmax(torch.tensor(SCORES), 1)
    q = torch.tensor(DISTRIBUTIONS)
    assert compared(Loss.pick("KLDiv", {}), z, torch.where(q == 0, -3.0, q), PLACES) == compared(
        Loss.pick("KLDiv", {}), z, q, PLACES
    )


def test_focal_and_cross_entropy_compare_every_pixel_of_a_mask():
    mask = torch.tensor([[[0, 1], [2, 1]], [[2, 2], [0, 0]]])
    scores = torch.randn(2, 3, 2, 2)
    rows, flat = scores.movedim(1, -1).reshape(-1, 3), mask.flatten()
    for name, params in (
        ("CrossEntropy", {"weight": (1, 2, 3)}),
        ("Focal", {"alpha": (1, 2, 3)}),
        ("NLL", {}),
    ):
        loss = loss_function(Loss.pick(name, params))
        assert float(loss(scores, mask)) == pytest.approx(float(loss(rows, flat)), rel=1e-6)


@pytest.mark.parametrize(
    ("name", "told"),
    [("CrossEntropy", "gets 1/C"), ("Hinge", "with y = 0 the loss is 1 whatever the score"), ("BCEWithLogits", "Also called logistic"),
     ("Exponential", "AdaBoost takes the sum"), ("MSLE", "-5 is as good as -100"), ("MAPE", "well away from 0"),
     ("MAE", "not the L1 penalty"), ("NLL", "two or more")],
)  # fmt: skip
def test_the_help_says_where_course_code_differs_and_what_to_beware_of(name: str, told: str):
    assert told in Loss.shelf[name].about()
