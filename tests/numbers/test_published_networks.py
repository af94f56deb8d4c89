"""Networks of the literature, put together from the catalog: their published sizes. `docs/numbers.md` lists the sources."""

from typing import Any

import pytest

from builder.analysis import Analysis, check
from builder.blocks.chain import block, chain, layer
from builder.blocks.residual import residual
from builder.design.network import Network

Json = dict[str, Any]


def analyzed(side: int, *nodes: Json, **blocks: Json) -> Analysis:
    """The layer table of layers behind a colour image of that side; nothing is wrong with them."""
    chained = chain(layer("Input", id="image", shape=[3, side, side]), *nodes)
    analysis, problems = check(
        Network.model_validate({"nodes": chained, "outputs": [chained[-1]["id"]], "blocks": blocks})
    )
    assert not problems
    assert [signal.shape for signal in analysis.outputs if signal] == [(1000,)]
    return analysis


def conv(channels: int, kernel_size: int, **params: Any) -> Json:
    return layer("Conv2d", out_channels=channels, kernel_size=kernel_size, **params)


def dense(*widths: int) -> list[Json]:
    return [layer("Flatten"), *(layer("Linear", out_features=width) for width in widths)]


def max_pool(kernel_size: int = 3, stride: int = 2, padding: int = 0) -> Json:
    return layer("MaxPool2d", kernel_size=kernel_size, stride=stride, padding=padding)


def convolutions_of_alexnet(filters: tuple[int, int, int, int, int], groups: int, padding: int) -> list[Json]:
    first, second, third, fourth, fifth = filters
    return [
        conv(first, 11, stride=4, padding=padding), max_pool(), conv(second, 5, padding=2, groups=groups), max_pool(),
        conv(third, 3, padding=1), conv(fourth, 3, padding=1, groups=groups), conv(fifth, 3, padding=1, groups=groups), max_pool(),
    ]  # fmt: skip


def test_alexnet_has_60965224_parameters_in_two_groups_and_61100840_in_one_w23():
    two_halves = analyzed(
        227, *convolutions_of_alexnet((96, 256, 384, 384, 256), groups=2, padding=0), *dense(4096, 4096, 1000)
    )
    one = analyzed(
        224, *convolutions_of_alexnet((64, 192, 384, 256, 256), groups=1, padding=2), *dense(4096, 4096, 1000)
    )
    assert two_halves.parameters == 60_965_224
    assert (one.parameters, one.macs) == (61_100_840, 714_188_480)
    assert [sum(row.type == kind for row in one.rows) for kind in ("Conv2d", "Linear")] == [5, 3]


@pytest.mark.parametrize(
    ("convolutions", "parameters", "macs"),
    [((2, 2, 3, 3, 3), 138_357_544, 15_470_264_320), ((2, 2, 4, 4, 4), 143_667_240, 19_632_062_464)],
    ids=["VGG-16", "VGG-19"],
)
def test_vgg_16_has_138357544_parameters_and_vgg_19_143667240_w24(
    convolutions: tuple[int, ...], parameters: int, macs: int
):
    nodes = []
    for channels, count in zip((64, 128, 256, 512, 512), convolutions, strict=True):
        nodes += [*[conv(channels, 3, padding=1)] * count, max_pool(2)]
    analysis = analyzed(224, *nodes, *dense(4096, 4096, 1000))
    assert (analysis.parameters, analysis.macs) == (parameters, macs)


def inception(one: int, three_in: int, three: int, five_in: int, five: int, pooled: int) -> Json:
    """Four ways to look at the same maps, side by side (Szegedy et al. 2014, figure 2b)."""
    nodes = [
        {**conv(one, 1), "id": "one", "inputs": ["x"]},
        {**conv(three_in, 1), "id": "three_in", "inputs": ["x"]},
        {**conv(three, 3, padding=1), "id": "three", "inputs": ["three_in"]},
        {**conv(five_in, 1), "id": "five_in", "inputs": ["x"]},
        {**conv(five, 5, padding=2), "id": "five", "inputs": ["five_in"]},
        {**max_pool(stride=1, padding=1), "id": "pool", "inputs": ["x"]},
        {**conv(pooled, 1), "id": "pooled", "inputs": ["pool"]},
        {"id": "join", "type": "Concat", "inputs": ["one", "three", "five", "pooled"]},
    ]
    return {"inputs": ["x"], "nodes": nodes, "outputs": ["join"]}


INCEPTIONS = {
    "A3": (64, 96, 128, 16, 32, 32), "B3": (128, 128, 192, 32, 96, 64),
    "A4": (192, 96, 208, 16, 48, 64), "B4": (160, 112, 224, 24, 64, 64), "C4": (128, 128, 256, 24, 64, 64),
    "D4": (112, 144, 288, 32, 64, 64), "E4": (256, 160, 320, 32, 128, 128),
    "A5": (256, 160, 320, 32, 128, 128), "B5": (384, 192, 384, 48, 128, 128),
}  # fmt: skip
"""Channels of each branch (the same paper, table 1)."""


def test_googlenet_has_6998552_parameters_without_its_side_outputs_w25():
    stages: list[list[Json]] = [
        [block(name, id=name.lower()) for name in INCEPTIONS if name.endswith(stage)] for stage in "345"
    ]
    halve = max_pool(padding=1)  # the sizes of the paper, which rounds up
    analysis = analyzed(
        224,
        conv(64, 7, stride=2, padding=3), halve, conv(64, 1), conv(192, 3, padding=1), halve,
        *stages[0], halve, *stages[1], halve, *stages[2], layer("AdaptiveAvgPool2d"), *dense(1000),
        **{name: inception(*channels) for name, channels in INCEPTIONS.items()},
    )  # fmt: skip
    assert analysis.parameters == 6_998_552
    assert analysis.macs == pytest.approx(1.58e9, rel=0.005)
    assert [signal.shape for signal in next(row for row in analysis.rows if row.id == "b5").outputs] == [(1024, 7, 7)]


def bottleneck(width: int, stride: int, project: bool) -> Json:
    """1 x 1, 3 x 3 and 1 x 1 convolutions beside a skip path (He et al. 2015, figure 5)."""

    def normed(channels: int, kernel_size: int, **params: Any) -> list[Json]:
        return [conv(channels, kernel_size, bias=False, **params), layer("BatchNorm2d")]

    path = chain(
        *[{**node, **({"inputs": ["x"]} if at == 0 else {})} for at, node in enumerate(normed(width, 1))],
        layer("ReLU"), *normed(width, 3, stride=stride, padding=1), layer("ReLU"), *normed(4 * width, 1),
    )  # fmt: skip
    skip = "x"
    if project:
        skip = "project_norm"
        path += [
            {**conv(4 * width, 1, stride=stride, bias=False), "id": "project", "inputs": ["x"]},
            {"id": skip, "type": "BatchNorm2d", "inputs": ["project"]},
        ]
    end = [
        {"id": "add", "type": "Add", "inputs": ["batchnorm2d3", skip]},
        {"id": "end", "type": "ReLU", "inputs": ["add"]},
    ]
    return {"inputs": ["x"], "nodes": [*path, *end], "outputs": ["end"]}


STEM = [conv(64, 7, stride=2, padding=3, bias=False), layer("BatchNorm2d"), layer("ReLU"), max_pool(padding=1)]
END = [layer("AdaptiveAvgPool2d"), *dense(1000)]


@pytest.mark.parametrize(
    ("depths", "parameters", "macs"),
    [((3, 4, 6, 3), 25_557_032, 4_089_184_256), ((3, 8, 36, 3), 60_192_808, 11_513_626_624)],
    ids=["ResNet-50", "ResNet-152"],
)
def test_resnet_152_has_60192808_parameters_and_resnet_50_25557032_w26(
    depths: tuple[int, ...], parameters: int, macs: int
):
    nodes, blocks = [], {}
    for stage, depth in enumerate(depths):
        blocks[f"First{stage}"] = bottleneck(64 * 2**stage, stride=2 if stage else 1, project=True)
        blocks[f"Other{stage}"] = bottleneck(64 * 2**stage, stride=1, project=False)
        nodes += [
            block(f"First{stage}", id=f"first{stage}"),
            block(f"Other{stage}", id=f"other{stage}", repeat=depth - 1),
        ]
    analysis = analyzed(224, *STEM, *nodes, *END, **blocks)
    assert (analysis.parameters, analysis.macs) == (parameters, macs)


def test_resnet_18_of_the_residual_blocks_of_the_shelf_has_11689512_parameters_w26():
    nodes, blocks = [block("Same0", id="stage0", repeat=2)], {"Same0": residual(64)}
    for stage in (1, 2, 3):
        blocks |= {f"Down{stage}": residual(64 * 2**stage, stride=2), f"Same{stage}": residual(64 * 2**stage)}
        nodes += [block(f"Down{stage}", id=f"down{stage}"), block(f"Same{stage}", id=f"stage{stage}")]
    analysis = analyzed(224, *STEM, *nodes, *END, **blocks)
    assert analysis.parameters == 11_689_512
    assert analysis.macs == pytest.approx(1.81e9, rel=0.005)
