"""Initializers: a million draws have the distribution of the formula."""

from math import sqrt
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from random_entries import name_of
from scipy import stats
from torch import Tensor, nn

from builder import limits
from builder.catalog import Initializer
from builder.catalog.initializers import (
    Constant,
    Default,
    HeNormal,
    HeTruncated,
    HeUniform,
    Identity,
    LeCunNormal,
    LeCunUniform,
    Normal,
    Ones,
    Orthogonal,
    Sparse,
    Standard,
    Uniform,
    Values,
    XavierNormal,
    XavierUniform,
    Zeros,
)
from builder.compile.build import fill, resolve

DENSE, CONVOLUTION = (500, 2000), (100, 400, 5, 5)
"""Shapes of a million weights: 2,000 features in and 500 out, and 400 channels in and 100 out through 5 x 5 windows."""


def fans(shape: tuple[int, ...]) -> tuple[int, int]:
    """How many numbers a weighted sum reads, and how many sums read a number."""
    window = int(np.prod(shape[2:]))
    return shape[1] * window, shape[0] * window


def normal(spread: float, mean: float = 0) -> Any:
    return stats.norm(mean, spread)


def uniform(bound: float) -> Any:
    return stats.uniform(-bound, 2 * bound)


def truncated(spread: float) -> Any:
    """Normal within two of its own spreads, scaled to have this one."""
    within = stats.truncnorm(-2, 2)
    return stats.truncnorm(-2, 2, scale=spread / within.std())


def filled(rule: Initializer, shape: tuple[int, ...]) -> Tensor:
    parameter = nn.Parameter(torch.full(shape, 9.0))
    fill(parameter, rule)
    return parameter.detach()


def assert_drawn_from(distribution: Any, numbers: Tensor) -> None:
    """Mean and spread within five standard errors, nothing outside, and the shape by the Kolmogorov-Smirnov distance."""
    draws = numbers.flatten().double().numpy()
    count, spread = len(draws), distribution.std()
    assert abs(draws.mean() - distribution.mean()) < 5 * spread / sqrt(count)
    assert draws.std() == pytest.approx(spread, rel=5 / sqrt(2 * count))
    low, high = distribution.support()
    assert low * 1.000001 <= draws.min() and draws.max() <= high * 1.000001
    assert stats.kstest(draws, distribution.cdf).statistic < 1.95 / sqrt(count)  # exceeded once in a thousand


RULES = [
    (Normal(), lambda n_in, n_out: normal(1)),
    (Normal(mean=2, std=0.01), lambda n_in, n_out: normal(0.01, 2)),
    (XavierNormal(), lambda n_in, n_out: normal(sqrt(2 / (n_in + n_out)))),
    (XavierNormal(gain=5 / 3), lambda n_in, n_out: normal(5 / 3 * sqrt(2 / (n_in + n_out)))),
    (XavierUniform(), lambda n_in, n_out: uniform(sqrt(6 / (n_in + n_out)))),
    (XavierUniform(gain=2), lambda n_in, n_out: uniform(2 * sqrt(6 / (n_in + n_out)))),
    (HeNormal(), lambda n_in, n_out: normal(sqrt(2 / n_in))),
    (HeNormal(mode="fan_out"), lambda n_in, n_out: normal(sqrt(2 / n_out))),
    (HeUniform(), lambda n_in, n_out: uniform(sqrt(6 / n_in))),
    (HeUniform(mode="fan_out"), lambda n_in, n_out: uniform(sqrt(6 / n_out))),
    (HeUniform(negative_slope=0.5), lambda n_in, n_out: uniform(sqrt(6 / 1.25 / n_in))),
    (HeTruncated(), lambda n_in, n_out: truncated(sqrt(2 / n_in))),
    (HeTruncated(mode="fan_out", negative_slope=1), lambda n_in, n_out: truncated(sqrt(1 / n_out))),
    (LeCunNormal(), lambda n_in, n_out: normal(sqrt(1 / n_in))),
    (LeCunUniform(), lambda n_in, n_out: uniform(sqrt(3 / n_in))),
    (Uniform(a=-0.5, b=2), lambda n_in, n_out: stats.uniform(-0.5, 2.5)),
    (Standard(), lambda n_in, n_out: uniform(1 / sqrt(n_in))),
]
EXACT = (Default, Zeros, Ones, Constant, Orthogonal, Sparse, Identity, Values)


@pytest.mark.parametrize("shape", [DENSE, CONVOLUTION], ids=["dense", "convolution"])
@pytest.mark.parametrize(("rule", "distribution"), RULES, ids=[repr(rule) for rule, _ in RULES])
def test_a_million_draws_have_the_distribution_of_the_formula(
    rule: Initializer, distribution: Any, shape: tuple[int, ...]
):
    assert_drawn_from(distribution(*fans(shape)), filled(rule, shape))


@pytest.mark.parametrize("kind", Initializer.shelf.values(), ids=name_of)
def test_every_initializer_is_held_against_its_formula(kind: type[Initializer]):
    assert kind in EXACT or kind in {type(rule) for rule, _ in RULES}


@pytest.mark.parametrize(
    ("module", "fan_in"),
    [(nn.Linear(1000, 1000), 1000), (nn.Conv2d(400, 100, 5), 10_000)],
    ids=["dense", "convolution"],
)
def test_the_default_is_uniform_within_one_over_the_root_of_the_fan_in(module: nn.Module, fan_in: int):
    drawn = module.weight.detach().clone()
    fill(module.weight, Default())
    assert torch.equal(module.weight, drawn)
    assert_drawn_from(uniform(1 / sqrt(fan_in)), drawn)
    assert 0 < module.bias.abs().max() <= 1 / sqrt(fan_in)


@pytest.mark.parametrize(("rule", "number"), [(Zeros(), 0), (Ones(), 1), (Constant(val=-2.5), -2.5)], ids=repr)
def test_a_constant_is_the_same_everywhere(rule: Initializer, number: float):
    assert (filled(rule, DENSE) == number).all()


@pytest.mark.parametrize("shape", [(50, 200), (200, 50), (30, 5, 3, 3)], ids=str)
def test_orthogonal_rows_or_columns_are_at_right_angles_and_as_long_as_the_gain(shape: tuple[int, ...]):
    matrix = filled(Orthogonal(gain=1.5), shape).flatten(1)
    product = matrix @ matrix.T if len(matrix) <= matrix.shape[1] else matrix.T @ matrix
    assert torch.allclose(product, 2.25 * torch.eye(len(product)), atol=1e-4)


@pytest.mark.parametrize("shape", [DENSE, CONVOLUTION], ids=["dense", "convolution"])
def test_sparse_leaves_the_same_few_weights_to_each_number_that_is_read(shape: tuple[int, ...]):
    matrix = filled(Sparse(sparsity=0.8, std=0.5), shape).flatten(1)
    zeros = (matrix == 0).sum(0)
    assert (zeros == 0.8 * len(matrix)).all()
    assert matrix[matrix != 0].std() == pytest.approx(0.5, rel=0.02)


def test_the_identity_hands_on_what_comes_in():
    x = torch.randn(3, 7)
    assert torch.equal(x @ filled(Identity(), (7, 7)).T, x)
    image = torch.randn(2, 4, 8, 8)
    assert torch.equal(nn.functional.conv2d(image, filled(Identity(), (4, 4, 3, 3)), padding=1), image)


@pytest.mark.parametrize("wrong", [{"a": 1, "b": 1}, {"a": 2, "b": -2}], ids=str)
def test_an_interval_without_length_is_refused(wrong: dict[str, float]):
    with pytest.raises(ValidationError, match="has to be below the highest"):
        Uniform.model_validate(wrong)


@pytest.mark.parametrize("values", [((1.5, -2.0), (0.25, 1e6)), ((0.1,),), (3.0, 2.0, 1.0)], ids=str)
def test_values_are_written_as_they_are(values: Any):
    rule = Values(values=values)
    assert torch.equal(filled(rule, rule.shape), torch.tensor(values))


@pytest.mark.parametrize(
    "values", [((1.0, 2.0), (3.0,)), tuple([0.0] * (limits.LITERAL_VALUES + 1))], ids=["ragged", "many"]
)
def test_values_that_are_no_table_or_too_many_are_refused(values: Any):
    with pytest.raises(ValidationError):
        Values(values=values)


def test_values_come_back_from_json_as_the_rows_that_they_were():
    rule = Values(values=((-2, -2),))
    assert Initializer.pick("Values", rule.json_pick()["params"]) == rule and rule.shape == (1, 2)
    assert resolve(rule.target) is not None
