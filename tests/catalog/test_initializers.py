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
    Default,
    HeNormal,
    HeUniform,
    Normal,
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
]
EXACT = (Default, Zeros, Values)


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


def test_zeros_are_zero():
    assert filled(Zeros(), DENSE).count_nonzero() == 0


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
