"""Residual networks, and what happens without the skip paths."""

from builder.blocks.chain import block, chain, layer
from builder.blocks.gallery.digits import HE_2015
from builder.blocks.gallery.exhibit import (
    Family,
    Make,
    Published,
    network,
    pick,
    recipe,
    shapes,
    thousand_classes,
    torchvision,
)
from builder.blocks.template import convolution, graph, path
from builder.blocks.templates import make
from builder.problem import Json

FAMILY = Family("Residual")

DEPTHS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}
"""Blocks in each of the four stages (table 1 of the paper)."""

PUBLISHED = {
    18: (11_689_512, "1.81"), 34: (21_797_672, "3.66"), 50: (25_557_032, "4.09"),
    101: (44_549_160, "7.80"), 152: (60_192_808, "11.51"),
}  # fmt: skip

STORIES = {
    18: (
        "Eighteen layers with weights, in blocks of two convolutions that add what they find to what they were "
        "given. One dense layer is enough at the end. A fifth of AlexNet's parameters, and better."
    ),
    34: (
        "The same blocks, more of them: twice the work of ResNet-18, and every block still has to learn only what "
        "should change."
    ),
    50: (
        "Blocks of three convolutions now: narrow, look, widen. Half as many layers again as ResNet-34, for a "
        "ninth more work. The usual start of anything that has to do with pictures."
    ),
    101: "As ResNet-50, with 23 blocks in the third stage instead of 6.",
    152: (
        "152 layers deep, and it still trains: gradients reach the first layer along the skip paths. It won "
        "ImageNet 2015. Compare its parameters with VGG-19, which has an eighth of its layers."
    ),
}


def _stages(
    depths: tuple[int, ...], widths: tuple[int, ...], template: str, field: str
) -> tuple[list[dict[str, Json]], dict[str, Json]]:
    """Uses and blocks: in every stage a first block, which projects where channels or sides change, and its repeats."""
    uses, blocks = [], {}
    for at, (depth, width) in enumerate(zip(depths, widths, strict=True), start=1):
        first: dict[str, Json] = {field: width}
        if at > 1:
            first |= {"stride": 2, "projection": True}
        elif template == "Bottleneck":
            first |= {"projection": True}  # four times as many channels come out as go in
        others = depth
        if len(first) > 1:
            blocks[f"Stage{at}First"] = make(template, first)
            uses.append(block(f"Stage{at}First", id=f"stage{at}_first"))
            others = depth - 1
        blocks[f"Stage{at}"] = make(template, {field: width})
        uses.append(block(f"Stage{at}", id=f"stage{at}", repeat=others))
    return uses, blocks


def _resnet(depth: int) -> Make:
    def make_network() -> dict[str, Json]:
        template, field = ("Bottleneck", "width") if depth >= 50 else ("Residual", "channels")
        uses, blocks = _stages(DEPTHS[depth], (64, 128, 256, 512), template, field)
        nodes = chain(
            layer("Input", id="image", shape=[3, 224, 224]),
            convolution("stem", 64, 7, stride=2, bias=False), layer("BatchNorm2d", id="norm"), layer("ReLU", id="relu"),
            layer("MaxPool2d", id="max", kernel_size=3, stride=2, padding=1),
            *uses, layer("AdaptiveAvgPool2d", id="pool"), layer("Flatten"), layer("Linear", id="scores", out_features=1_000),
        )  # fmt: skip
        return thousand_classes(nodes, blocks=blocks)

    return make_network


for _depth, (_parameters, _gmacs) in PUBLISHED.items():
    FAMILY.exhibit(
        f"resnet{_depth}",
        HE_2015,
        torchvision(_parameters, _gmacs, f"resnet{_depth}"),
        light=False,
        story=STORIES[_depth],
    )(_resnet(_depth))


def _for_small_pictures(uses: list[dict[str, Json]], blocks: dict[str, Json]) -> dict[str, Json]:
    nodes = chain(
        layer("Input", id="image", shape=[3, 32, 32]),
        convolution("stem", 16, 3, bias=False), layer("BatchNorm2d", id="norm"), layer("ReLU", id="relu"),
        *uses, layer("AdaptiveAvgPool2d", id="pool"), layer("Flatten"), layer("Linear", id="scores", out_features=10),
    )  # fmt: skip
    return {
        "network": network(nodes, blocks=blocks),
        "data": shapes(),
        "recipe": recipe("CrossEntropy", pick("SGD", lr=0.05, momentum=0.9, weight_decay=0.0001), 50, 10),
    }


@FAMILY.exhibit(
    "resnet20",
    HE_2015,
    Published("He et al. 2015, table 6", remark="the paper says 0.27 million parameters, without projections"),
)
def resnet20() -> dict[str, Json]:
    """Twenty layers for pictures of 32 x 32: three stages of three residual blocks.

    Train it beside plain20, which has the same layers without the skip paths, and look at the losses.
    """
    return _for_small_pictures(*_stages((3, 3, 3), (16, 32, 64), "Residual", "channels"))


@FAMILY.exhibit(
    "plain20", HE_2015, Published("He et al. 2015, table 6", remark="the paper says 0.27 million parameters")
)
def plain20() -> dict[str, Json]:
    """The same twenty layers as resnet20, one behind the other and nothing else.

    Deeper plain networks learn worse, even the data they are trained on: that was the riddle to which skip paths were
    the answer.
    """
    uses, blocks = [], {}
    for at, width in enumerate((16, 32, 64), start=1):
        if at > 1:
            blocks[f"Stage{at}First"] = _plain(width, stride=2)
            uses.append(block(f"Stage{at}First", id=f"stage{at}_first"))
        blocks[f"Stage{at}"] = _plain(width, stride=1)
        uses.append(block(f"Stage{at}", id=f"stage{at}", repeat=2 if at > 1 else 3))
    return _for_small_pictures(uses, blocks)


def _plain(channels: int, stride: int) -> Json:
    """The two convolutions of a residual block, without the sum."""
    return graph(
        path(
            convolution("conv1", channels, 3, stride=stride, bias=False), layer("BatchNorm2d", id="norm1"), layer("ReLU", id="relu1"),
            convolution("conv2", channels, 3, bias=False), layer("BatchNorm2d", id="norm2"), layer("ReLU", id="relu2"),
        )
    )  # fmt: skip
