"""Optimizers: every step is that of the formula, in both of PyTorch's implementations."""

import inspect
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from random_entries import entries, name_of
from torch import nn

from builder.catalog import Optimizer
from builder.catalog.optimizers import LBFGS
from builder.compile import optimizer
from builder.compile.build import resolve

Numbers = NDArray[np.float64]
STEPS = 4
every_optimizer = pytest.mark.parametrize("kind", Optimizer.shelf.values(), ids=name_of)


def sgd(entry: Optimizer, weights: Numbers, gradients: list[Numbers]) -> Numbers:
    velocity = None
    for gradient in gradients:
        pulled = gradient + entry.weight_decay * weights
        velocity = pulled if velocity is None else entry.momentum * velocity + pulled
        weights = weights - entry.lr * (pulled + entry.momentum * velocity if entry.nesterov else velocity)
    return weights


def adam(entry: Optimizer, weights: Numbers, gradients: list[Numbers], decoupled: bool = False) -> Numbers:
    beta1, beta2 = entry.betas
    mean = square = np.zeros_like(weights)
    for step, gradient in enumerate(gradients, start=1):
        if decoupled:
            weights = (1 - entry.lr * entry.weight_decay) * weights
        else:
            gradient = gradient + entry.weight_decay * weights
        mean = beta1 * mean + (1 - beta1) * gradient
        square = beta2 * square + (1 - beta2) * gradient**2
        weights = weights - entry.lr * (mean / (1 - beta1**step)) / (np.sqrt(square / (1 - beta2**step)) + entry.eps)
    return weights


def adamw(entry: Optimizer, weights: Numbers, gradients: list[Numbers]) -> Numbers:
    return adam(entry, weights, gradients, decoupled=True)


CLOSED_FORMS: dict[str, Callable[[Optimizer, Numbers, list[Numbers]], Numbers]] = {
    "SGD": sgd, "Adam": adam, "AdamW": adamw
}  # fmt: skip
"""The textbook's update rule of every optimizer, written down a second time."""


@pytest.mark.parametrize("fused", [False, True], ids=["default", "fused"])
@pytest.mark.parametrize("kind", [kind for kind in Optimizer.shelf.values() if not kind.repeats], ids=name_of)
@given(data=st.data())
def test_the_first_steps_are_those_of_the_formula(kind: type[Optimizer], fused: bool, data: st.DataObject):
    if fused and not kind.fused:
        pytest.skip("PyTorch has no fused implementation")
    entry = data.draw(entries(kind))
    start = np.array([1.0, -2.0, 0.5, 30.0])
    gradients = [np.random.default_rng(step).normal(size=4) for step in range(STEPS)]
    module = nn.ParameterList([nn.Parameter(torch.tensor(start))])
    runs = optimizer(entry, module, fused)
    for gradient in gradients:
        module[0].grad = torch.tensor(gradient)
        runs.step()
    expected = CLOSED_FORMS[kind.__name__](entry, start, gradients)
    np.testing.assert_allclose(module[0].detach().numpy(), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("search", [None, "strong_wolfe"])
def test_lbfgs_finds_the_bottom_of_a_bowl_that_algebra_knows(search: str | None):
    bowl = np.array([[3.0, 1.0, 0.0], [1.0, 2.0, 0.5], [0.0, 0.5, 1.0]])
    pull = np.array([1.0, -2.0, 0.5])
    module = nn.ParameterList([nn.Parameter(torch.zeros(3, dtype=torch.float64))])
    runs = optimizer(LBFGS(line_search_fn=search, lr=1.0 if search else 0.5, max_iter=100), module, fused=False)

    def look() -> torch.Tensor:
        runs.zero_grad()
        loss = 0.5 * module[0] @ torch.tensor(bowl) @ module[0] - torch.tensor(pull) @ module[0]
        loss.backward()
        return loss

    runs.step(look)
    np.testing.assert_allclose(module[0].detach().numpy(), np.linalg.solve(bowl, pull), atol=1e-4)


@every_optimizer
def test_fused_is_said_of_those_that_pytorch_has_fused_and_asked_for_by_name(kind: type[Optimizer]):
    assert kind.fused == ("fused" in inspect.signature(resolve(kind.target)).parameters)
    module = nn.Linear(2, 1)
    assert not optimizer(kind(), module, fused=False).param_groups[0].get("fused")
    if kind.fused:
        assert optimizer(kind(), module, fused=True).param_groups[0]["fused"] is True


@every_optimizer
def test_what_is_frozen_is_left_out(kind: type[Optimizer]):
    module = nn.Sequential(nn.Linear(2, 3).requires_grad_(False), nn.Linear(3, 1))
    (group,) = optimizer(kind(), module, fused=False).param_groups
    assert [id(parameter) for parameter in group["params"]] == [id(parameter) for parameter in module[1].parameters()]


def test_nesterov_without_momentum_is_refused_as_pytorch_refuses_it():
    with pytest.raises(ValueError, match="nesterov needs a momentum above 0"):
        Optimizer.pick("SGD", {"nesterov": True})
    with pytest.raises(ValueError, match="Nesterov"):
        torch.optim.SGD([nn.Parameter(torch.zeros(1))], nesterov=True)
