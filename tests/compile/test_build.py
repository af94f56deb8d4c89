"""The compiled module: the same numbers as code written by hand, the keys of the design, and no memory kept too long."""

import copy
import gc
import weakref

import pytest
import torch
from torch import Tensor, nn
from variants import LIGHT, inputs_of

from builder.analysis import analyze
from builder.blocks import example
from builder.blocks.chain import block, chain, layer
from builder.compile import build
from builder.design.network import Network
from builder.design.recipe import Init


def network(*nodes: dict, outputs: list[str], **rest: object) -> Network:
    return Network.model_validate({"nodes": chain(*nodes), "outputs": outputs, **rest})


class HandWrittenLeNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.c1, self.c3 = nn.Conv2d(1, 6, 5, padding=2), nn.Conv2d(6, 16, 5)
        self.f5, self.f6, self.scores = nn.Linear(400, 120), nn.Linear(120, 84), nn.Linear(84, 10)

    def forward(self, image: Tensor) -> Tensor:
        x = nn.functional.avg_pool2d(torch.tanh(self.c1(image)), 2)
        x = nn.functional.avg_pool2d(torch.tanh(self.c3(x)), 2)
        x = torch.tanh(self.f5(x.flatten(1)))
        return self.scores(torch.tanh(self.f6(x)))


def test_lenet_gives_what_a_hand_written_class_gives_and_learns_the_same():
    compiled = build(example("lenet5").network)
    by_hand = HandWrittenLeNet()
    by_hand.load_state_dict(compiled.state_dict())
    x = torch.randn(4, 1, 28, 28)
    (mine,), theirs = compiled(x), by_hand(x)
    assert torch.equal(mine, theirs)
    mine.square().sum().backward()
    theirs.square().sum().backward()
    theirs_by_name = dict(by_hand.named_parameters())
    for name, parameter in compiled.named_parameters():
        assert torch.equal(parameter.grad, theirs_by_name[name].grad), name


@pytest.mark.parametrize("name", LIGHT)
def test_a_copy_is_independent_and_gives_the_same(name: str):
    design = example(name).network
    module = build(design).eval()
    other = copy.deepcopy(module)
    x = inputs_of(design)
    assert all(torch.equal(a, b) for a, b in zip(module(*x), other(*x), strict=True))
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.add_(1)
    assert not all(torch.equal(a, b) for a, b in zip(module(*x), other(*x), strict=True))


def test_blocks_nest_and_repeat_under_their_own_keys():
    inner = {"inputs": ["x"], "nodes": chain(layer("Linear", id="fc", inputs=["x"], out_features=4)), "outputs": ["fc"]}
    outer = {
        "inputs": ["x"],
        "nodes": [
            *chain(block("Inner", id="twice", repeat=2, inputs=["x"])),
            {"id": "add", "type": "Add", "inputs": ["twice", "x"]},
        ],
        "outputs": ["add"],
    }
    design = network(
        layer("Input", id="features", shape=[4]),
        block("Outer", id="body", repeat=2),
        outputs=["body"],
        blocks={"Inner": inner, "Outer": outer},
    )
    module = build(design)
    assert list(module.state_dict()) == [
        f"body.{copy}.twice.{time}.fc.{name}" for copy in (0, 1) for time in (0, 1) for name in ("weight", "bias")
    ]
    x = torch.randn(2, 4)
    by_hand = x
    for copied in module.body.children():
        inside = by_hand
        for fc in copied.twice.children():
            inside = fc.fc(inside)
        by_hand = inside + by_hand
    assert torch.equal(module(x)[0], by_hand)


def test_every_port_of_an_lstm_is_what_pytorch_gives():
    design = network(
        layer("Input", id="sequence", shape=[5, 3]),
        layer("LSTM", id="lstm", hidden_size=4, num_layers=2, bidirectional=True),
        outputs=["lstm", "lstm:last", "lstm:state"],
    )
    module = build(design)
    x = torch.randn(2, 5, 3)
    sequence, last, state = module(x)
    reference = nn.LSTM(3, 4, num_layers=2, bidirectional=True, batch_first=True)
    reference.load_state_dict({name.removeprefix("lstm."): value for name, value in module.state_dict().items()})
    theirs, (hidden, cell) = reference(x)
    assert torch.equal(sequence, theirs)
    assert torch.equal(last, torch.cat((hidden[-2], hidden[-1]), dim=1))
    assert torch.equal(state, torch.cat([*hidden, *cell], dim=1))


def test_shared_weights_are_one_tensor():
    design = network(
        layer("Input", id="features", shape=[4]),
        layer("Linear", id="first", out_features=4),
        {"id": "second", "type": "Linear", "params": {"out_features": 4}, "shares": "first"},
        outputs=["second"],
    )
    module = build(design)
    assert sum(parameter.numel() for parameter in module.parameters()) == 20 == analyze(design).parameters
    x = torch.randn(2, 4)
    assert torch.equal(module(x)[0], module.first(module.first(x)))


def test_frozen_layers_do_not_learn():
    design = network(
        layer("Input", id="features", shape=[4]),
        {"id": "fixed", "type": "Linear", "frozen": True},
        layer("Linear", id="learning", out_features=2),
        outputs=["learning"],
    )
    learning = {name for name, parameter in build(design).named_parameters() if parameter.requires_grad}
    assert learning == {"learning.weight", "learning.bias"}
    assert analyze(design).trainable == 2 * 64 + 2


def test_initializers_fill_by_role_and_a_node_overrides_the_recipe():
    design = network(
        layer("Input", id="features", shape=[2]),
        {"id": "gate", "type": "Linear", "params": {"out_features": 1},
         "init": {"weight": {"type": "Values", "params": {"values": [[-2, -2]]}}, "bias": {"type": "Values", "params": {"values": [3]}}}},
        layer("Linear", id="rest", out_features=3),
        layer("BatchNorm1d", id="norm"),
        outputs=["norm"],
    )  # fmt: skip
    module = build(
        design,
        Init.model_validate(
            {"weight": {"type": "Zeros"}, "bias": {"type": "Normal", "params": {"mean": 5, "std": 0.001}}}
        ),
    )
    assert module.gate.weight.tolist() == [[-2, -2]] and module.gate.bias.tolist() == [3]
    assert module.rest.weight.count_nonzero() == 0
    assert (module.rest.bias - 5).abs().max() < 0.01
    assert module.norm.weight.tolist() == [1, 1, 1] and module.norm.bias.tolist() == [0, 0, 0]


def test_values_are_freed_after_their_last_use():
    design = network(
        layer("Input", id="features", shape=[64]), *(layer("ReLU", id=f"relu{at}") for at in range(6)), outputs=["relu5"]
    )  # fmt: skip
    module = build(design)
    seen: list[weakref.ref[Tensor]] = []
    alive: list[int] = []

    def look(_module: nn.Module, _inputs: object, output: Tensor) -> None:
        seen.append(weakref.ref(output))
        gc.collect()
        alive.append(sum(reference() is not None for reference in seen))

    for child in module.children():
        child.register_forward_hook(look)
    with torch.no_grad():
        module(torch.randn(2, 64))
    assert max(alive) <= 2  # what a layer reads and what it has just made


def test_a_network_with_problems_is_not_built():
    design = network(
        layer("Input", id="image", shape=[1, 4, 4]), layer("Conv2d", id="conv", kernel_size=9), outputs=["conv"]
    )
    with pytest.raises(ValueError, match="conv does not fit"):
        build(design)
