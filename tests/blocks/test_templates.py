"""Catalog blocks against modules written by hand."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from pydantic import ValidationError
from pydantic_core import PydanticCustomError
from torch import Tensor, nn
from variants import classes_of

from builder.analysis import analyze, check
from builder.blocks import Template, make
from builder.blocks.chain import block, chain, layer
from builder.compile import build
from builder.design import read
from builder.design.network import Network, to_json
from builder.source import network_source

Run = Callable[[list[nn.Module], Tensor], Tensor]


class ByHand(nn.Module):
    """Modules in the order of the block's nodes, and how they are run."""

    def __init__(self, parts: list[nn.Module], run: Run) -> None:
        super().__init__()
        self.parts, self.run = nn.ModuleList(parts), run

    def forward(self, x: Tensor) -> Tensor:
        return self.run(list(self.parts), x)


def in_a_row(parts: list[nn.Module], x: Tensor) -> Tensor:
    for part in parts:
        x = part(x)
    return x


def conv(before: int, channels: int, kernel: int, stride: int = 1, groups: int = 1, bias: bool = False) -> nn.Conv2d:
    return nn.Conv2d(before, channels, kernel, stride, kernel // 2, groups=groups, bias=bias)


def norms(*channels: int) -> list[nn.Module]:
    return [nn.BatchNorm2d(count) for count in channels]


def conv_norm_act(**params: Any) -> ByHand:
    stride, groups = params.get("stride", 1), params.get("groups", 1)
    if params.get("norm") == "none":
        return ByHand([conv(4, 8, 5, stride, groups, bias=True), nn.SiLU()], in_a_row)
    norm = nn.InstanceNorm2d(8) if params.get("norm") else nn.BatchNorm2d(8)
    return ByHand([conv(4, 8, 3, stride, groups), norm, nn.ReLU()], in_a_row)


def residual(stride: int = 1, projection: bool = False) -> ByHand:
    def run(parts: list[nn.Module], x: Tensor) -> Tensor:
        conv1, norm1, conv2, norm2, *skip = parts
        return (norm2(conv2(norm1(conv1(x)).relu())) + in_a_row(skip, x)).relu()

    channels = 6 if projection else 4
    skip = [conv(4, channels, 1, stride), nn.BatchNorm2d(channels)] if projection else []
    first, second = norms(channels, channels)
    return ByHand([conv(4, channels, 3, stride), first, conv(channels, channels, 3), second, *skip], run)


def bottleneck(stride: int = 1, projection: bool = False) -> ByHand:
    def run(parts: list[nn.Module], x: Tensor) -> Tensor:
        conv1, norm1, conv2, norm2, conv3, norm3, *skip = parts
        inside = norm2(conv2(norm1(conv1(x)).tanh())).tanh()
        return (norm3(conv3(inside)) + in_a_row(skip, x)).tanh()

    first, second, third, last = norms(2, 2, 8, 8)
    before = 4 if projection else 8
    skip = [conv(before, 8, 1, stride), last] if projection else []
    return ByHand([conv(before, 2, 1), first, conv(2, 2, 3, stride), second, conv(2, 8, 1), third, *skip], run)


def inception(normed: bool) -> ByHand:
    def seen(before: int, channels: int, kernel: int) -> nn.Sequential:
        norm = [nn.BatchNorm2d(channels, eps=0.001)] if normed else []
        return nn.Sequential(conv(before, channels, kernel, bias=not normed), *norm, nn.ReLU())

    def run(parts: list[nn.Module], x: Tensor) -> Tensor:
        one, three_reduce, three, five_reduce, five, pool = parts
        pooled = nn.functional.max_pool2d(x, 3, 1, 1)
        return torch.cat((one(x), three(three_reduce(x)), five(five_reduce(x)), pool(pooled)), 1)

    large = 3 if normed else 5
    parts = [seen(4, 1, 1), seen(4, 2, 1), seen(2, 3, 3), seen(4, 4, 1), seen(4, 5, large), seen(4, 6, 1)]
    return ByHand(parts, run)


def separable(stride: int) -> ByHand:
    first, second = norms(4, 8)
    return ByHand([conv(4, 4, 3, stride, 4), first, nn.ReLU(), conv(4, 8, 1), second, nn.ReLU()], in_a_row)


def inverted(expand: int, stride: int, channels: int) -> ByHand:
    hidden = 4 * expand
    widen = [conv(4, hidden, 1), nn.BatchNorm2d(hidden), nn.ReLU6()] if expand > 1 else []
    narrow = [conv(hidden, hidden, 3, stride, hidden), nn.BatchNorm2d(hidden), nn.ReLU6(), conv(hidden, channels, 1), nn.BatchNorm2d(channels)]  # fmt: skip
    skips = stride == 1 and channels == 4
    return ByHand([*widen, *narrow], lambda parts, x: in_a_row(parts, x) + x if skips else in_a_row(parts, x))


def squeeze_excite() -> ByHand:
    def run(parts: list[nn.Module], x: Tensor) -> Tensor:
        reduce, restore = parts
        return x * restore(reduce(x.mean((2, 3), keepdim=True)).relu()).sigmoid()

    return ByHand([conv(4, 2, 1, bias=True), conv(2, 4, 1, bias=True)], run)


def fire() -> ByHand:
    def run(parts: list[nn.Module], x: Tensor) -> Tensor:
        squeeze, small, large = parts
        squeezed = squeeze(x).relu()
        return torch.cat((small(squeezed).relu(), large(squeezed).relu()), 1)

    return ByHand([conv(4, 2, 1, bias=True), conv(2, 3, 1, bias=True), conv(2, 3, 3, bias=True)], run)


def dense_block() -> ByHand:
    def run(parts: list[nn.Module], x: Tensor) -> Tensor:
        for norm1, conv1, norm2, conv2 in zip(*[iter(parts)] * 4, strict=True):
            x = torch.cat((x, conv2(norm2(conv1(norm1(x).relu())).relu())), 1)
        return x

    parts: list[nn.Module] = []
    for before in (4, 7, 10):
        parts += [nn.BatchNorm2d(before), conv(before, 6, 1), nn.BatchNorm2d(6), conv(6, 3, 3)]
    return ByHand(parts, run)


def transition() -> ByHand:
    return ByHand([nn.BatchNorm2d(4), nn.ReLU(), conv(4, 2, 1), nn.AvgPool2d(2)], in_a_row)


def encoder(causal: bool) -> ByHand:
    def run(parts: list[nn.Module], x: Tensor) -> Tensor:
        norm1, attention, norm2, widen, narrow = parts
        seen, later = norm1(x), torch.ones(6, 6, dtype=torch.bool).triu(1)
        x = x + attention(seen, seen, seen, attn_mask=later if causal else None, need_weights=False)[0]
        return x + narrow(nn.functional.gelu(widen(norm2(x))))

    attention = nn.MultiheadAttention(8, 2, batch_first=True)
    return ByHand([nn.LayerNorm(8), attention, nn.LayerNorm(8), nn.Linear(8, 16), nn.Linear(16, 8)], run)


BRANCHES = {"one": 1, "three_reduce": 2, "three": 3, "five_reduce": 4, "five": 5, "pool": 6}
ENCODER = {"d_model": 8, "nhead": 2, "dim_feedforward": 16}
IMAGE, EIGHT, SEQUENCE = (4, 6, 7), (8, 6, 7), (6, 8)

CASES: list[tuple[str, dict[str, Any], tuple[int, ...], ByHand]] = [
    ("ConvNormAct", {"out_channels": 8}, IMAGE, conv_norm_act()),
    ("ConvNormAct", {"out_channels": 8, "stride": 2, "norm": "InstanceNorm2d"}, IMAGE, conv_norm_act(stride=2, norm=1)),
    ("ConvNormAct", {"out_channels": 8, "kernel_size": 5, "norm": "none", "activation": "SiLU", "groups": 2}, IMAGE, conv_norm_act(norm="none", groups=2)),
    ("DepthwiseSeparable", {"in_channels": 4, "out_channels": 8}, IMAGE, separable(1)),
    ("DepthwiseSeparable", {"in_channels": 4, "out_channels": 8, "stride": 2}, IMAGE, separable(2)),
    ("InvertedResidual", {"in_channels": 4, "out_channels": 4}, IMAGE, inverted(6, 1, 4)),
    ("InvertedResidual", {"in_channels": 4, "out_channels": 4, "stride": 2, "expand_ratio": 3}, IMAGE, inverted(3, 2, 4)),
    ("InvertedResidual", {"in_channels": 4, "out_channels": 6, "expand_ratio": 1}, IMAGE, inverted(1, 1, 6)),
    ("SqueezeExcite", {"channels": 4, "reduction": 2}, IMAGE, squeeze_excite()),
    ("Fire", {"squeeze": 2, "expand": 3}, IMAGE, fire()),
    ("Residual", {"channels": 4}, IMAGE, residual()),
    ("Residual", {"channels": 6, "stride": 2, "projection": True}, IMAGE, residual(2, True)),
    ("Bottleneck", {"width": 2, "activation": "Tanh"}, EIGHT, bottleneck()),
    ("Bottleneck", {"width": 2, "stride": 2, "projection": True, "activation": "Tanh"}, IMAGE, bottleneck(2, True)),
    ("Inception", BRANCHES, IMAGE, inception(normed=False)),
    ("Inception", {**BRANCHES, "batch_norm": True, "five_kernel": 3}, IMAGE, inception(normed=True)),
    ("DenseBlock", {"growth_rate": 3, "layers": 3, "bn_size": 2}, IMAGE, dense_block()),
    ("Transition", {"out_channels": 2}, IMAGE, transition()),
    ("TransformerEncoderBlock", ENCODER, SEQUENCE, encoder(causal=False)),
    ("TransformerEncoderBlock", {**ENCODER, "causal": True, "dropout": 0.0}, SEQUENCE, encoder(causal=True)),
]  # fmt: skip


def document(type: str, params: dict[str, Any], shape: tuple[int, ...]) -> dict[str, Any]:
    """A network of one block."""
    nodes = chain(layer("Input", id="given", shape=list(shape)), block("Made", id="made"))
    return {"format": "layerlab.network", "nodes": nodes, "outputs": ["made"], "blocks": {"Made": make(type, params)}}


def every(cases: list[Any]) -> Any:
    return pytest.mark.parametrize(
        ("type", "params", "shape", "by_hand"), cases, ids=[f"{case[0]}-{at}" for at, case in enumerate(cases)]
    )


def filled_alike(network: Network, by_hand: nn.Module) -> nn.Module:
    """The compiled network in evaluation mode, with numbers and statistics drawn anew, which `by_hand` gets too."""
    module = build(network).eval()
    theirs = by_hand.eval().state_dict()
    assert len(module.state_dict()) == len(theirs)
    with torch.no_grad():
        for (name, mine), other in zip(module.state_dict().items(), theirs.values(), strict=True):
            assert mine.shape == other.shape, name
            if mine.dtype == torch.float32:
                mine.copy_(torch.rand_like(mine) if "running_var" in name else torch.randn_like(mine) / 2)
                other.copy_(mine)
    return module


@every(CASES)
def test_a_block_is_the_module_that_one_writes_by_hand(type: str, params: Any, shape: Any, by_hand: ByHand):
    network = read.network(document(type, params, shape))
    analysis, problems = check(network)
    assert problems == []
    module = filled_alike(network, by_hand)
    assert analysis.parameters == sum(parameter.numel() for parameter in by_hand.parameters())
    x = torch.randn(2, *shape)
    (mine,), theirs = module(x), by_hand(x)
    assert mine.shape[1:] == analysis.outputs[0].shape
    assert mine.std() > 0
    torch.testing.assert_close(mine, theirs, rtol=1e-6, atol=1e-6)


@every(CASES)
def test_a_block_is_exported_as_a_class_that_runs(type: str, params: Any, shape: Any, by_hand: ByHand):
    network = read.network(document(type, params, shape))
    module, written = build(network).eval(), classes_of(network_source(network))["Network"]().eval()
    written.load_state_dict(module.state_dict())
    x = torch.randn(2, *shape)
    assert torch.equal(module(x)[0], written(x))
    assert list(written.state_dict()) == list(module.state_dict())


@every(CASES)
def test_a_block_says_what_made_it_and_can_be_made_again(type: str, params: Any, shape: Any, by_hand: ByHand):
    network = read.network(document(type, params, shape))
    made = network.blocks["Made"].made
    assert made is not None and made.type == type
    assert make(made.type, made.params) == make(type, params)
    written = to_json(network)
    assert to_json(read.network(written)) == written


def test_every_catalog_block_is_compared_with_one_by_hand():
    assert {case[0] for case in CASES} == set(Template.shelf)


@pytest.mark.parametrize("template", Template.shelf.values(), ids=lambda template: template.__name__)
def test_a_catalog_block_explains_itself(template: type[Template]):
    about = template.about()
    assert template.__doc__ in vars(template).values()
    assert about[0].isupper() and about[-1] == "."
    assert template.group and template.formula.count("{") == template.formula.count("}")
    fields = template.model_json_schema()["properties"]
    assert all(schema.get("description", "").endswith(".") for schema in fields.values())
    assert sum(not schema.get("advanced") for schema in fields.values()) <= 6
    with pytest.raises(ValidationError, match="nonsense"):
        make(template.__name__, {"nonsense": 1})


@pytest.mark.parametrize("template", Template.shelf, ids=str)
def test_a_catalog_block_can_be_used_as_it_stands(template: str):
    """Its defaults fit one another: some signal goes through without a problem."""
    shape = (16, 64) if template == "TransformerEncoderBlock" else (32, 8, 8) if template == "InvertedResidual" else (64, 8, 8)  # fmt: skip
    shape = (256, 8, 8) if template == "Bottleneck" else shape
    assert check(read.network(document(template, {}, shape)))[1] == []


def test_a_name_that_is_not_there_gets_the_nearest_suggested():
    with pytest.raises(PydanticCustomError) as refused:
        make("inverted_residual", {})
    assert Template.meant("inverted_residual") == "InvertedResidual"
    assert refused.value.context["shelf"] is Template


def test_an_even_kernel_is_refused():
    with pytest.raises(ValidationError, match="4 is even"):
        make("ConvNormAct", {"kernel_size": 4})


@pytest.mark.parametrize("channels", [1, 3, 9])
def test_blocks_take_whatever_channels_come_in(channels: int):
    for type in ("ConvNormAct", "Fire", "Inception", "DenseBlock", "Transition"):
        analysis = analyze(read.network(document(type, {}, (channels, 8, 8))))
        assert not analysis.problems and analysis.outputs[0] is not None
