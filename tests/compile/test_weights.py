"""Which numbers are weights, what they cost, and what comes into a unit: PyTorch's own gradients are the judge."""

import math

import pytest
import torch
from mixed import Mixed
from torch import nn

from builder.catalog import Penalty
from builder.compile.build import resolve
from builder.compile.modules import weights_of_units, weights_that_learn

WEIGHTS = {
    "embedding.weight", "encoding.encoding", "recurrent.weight_ih_l0", "recurrent.weight_hh_l0", "convolution.weight",
    "attention.in_proj_weight", "attention.out_proj.weight", "again.weight",
}  # fmt: skip


def test_weights_are_neither_biases_nor_norms_nor_what_is_frozen():
    module = Mixed()
    names = {parameter: name for name, parameter in module.named_parameters()}
    weights = weights_that_learn(module)
    assert sorted(names[weight] for weight in weights) == sorted(WEIGHTS)


@pytest.mark.parametrize(("kind", "pull"), [("L1", [[1.0, -1.0]]), ("L2", [[6.0, -8.0]])])
def test_a_penalty_costs_weights_alone_and_pulls_at_them_alone(kind: str, pull: list[list[float]]):
    """Weights 3 and -4: 7 as L1, 25 as L2, with the gradients sign(W) and 2 W. The bias and the norm have none."""
    module = nn.Sequential(nn.Linear(2, 1), nn.BatchNorm1d(1))
    with torch.no_grad():
        module[0].weight.copy_(torch.tensor([[3.0, -4.0]]))
        module[0].bias.fill_(9.0)
    cost = resolve(Penalty.shelf[kind].target)(weights_that_learn(module))
    assert cost.item() == {"L1": 7, "L2": 25}[kind]
    cost.backward()
    assert module[0].weight.grad.tolist() == pull
    assert all(parameter.grad is None for parameter in module.parameters() if parameter is not module[0].weight)


def test_of_no_weights_there_is_nothing_to_cost():
    weights = weights_that_learn(nn.BatchNorm1d(3))
    assert [resolve(kind.target)(weights) for kind in Penalty.shelf.values()] == [0, 0]


@pytest.mark.parametrize(
    ("module", "given", "units"),
    [
        (nn.Linear(3, 4, bias=False), (2, 3), 4),
        (nn.Conv1d(4, 6, 3, groups=2, bias=False), (2, 4, 5), 6),
        (nn.Conv2d(2, 3, 3, bias=False), (2, 2, 5, 5), 3),
        (nn.ConvTranspose1d(2, 5, 3, bias=False), (2, 2, 5), 5),
        (nn.ConvTranspose2d(4, 6, 3, groups=2, bias=False), (2, 4, 5, 5), 6),
        (nn.ConvTranspose3d(2, 2, 2, groups=2, bias=False), (2, 2, 3, 3, 3), 2),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, nn.Module) else None,
)
def test_a_unit_is_the_weights_that_an_output_depends_on(module: nn.Module, given: tuple[int, ...], units: int):
    """Each unit is filled with a number of its own through the views; what a channel's gradient reaches is that unit alone."""
    filled = 0
    for weights, side in weights_of_units(module):
        for unit in weights.movedim(side, 0):
            filled += 1
            unit.fill_(filled)
    assert filled == units
    for channel in range(units):
        module.zero_grad()
        module(torch.rand(given) + 1)[:, channel].sum().backward()
        assert set(module.weight[module.weight.grad != 0].tolist()) == {channel + 1}
        assert int((module.weight.grad != 0).sum()) == module.weight.numel() // units


def test_units_of_a_frozen_layer_are_left_alone():
    assert weights_of_units(nn.Linear(2, 2).requires_grad_(False)) == []


def test_renorm_keeps_what_is_short_and_scales_what_is_long():
    """PyTorch's rule: rows (3, 4) and (0.3, 0.4) under a norm of 1 become (0.6, 0.8) and stay."""
    module = nn.Linear(2, 2)
    with torch.no_grad():
        module.weight.copy_(torch.tensor([[3.0, 4.0], [0.3, 0.4]]))
    ((weights, side),) = weights_of_units(module)
    weights.renorm_(2, side, 1.0)
    assert module.weight[0].tolist() == pytest.approx([0.6, 0.8], rel=1e-6)
    assert module.weight[1].tolist() == torch.tensor([0.3, 0.4]).tolist()
    assert math.hypot(*module.weight[0].tolist()) == pytest.approx(1, rel=1e-6)
