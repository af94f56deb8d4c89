"""GoogLeNet and its Inception blocks."""

from builder.blocks.chain import block, chain, layer
from builder.blocks.gallery.exhibit import Family, Published, pick, ten_classes, thousand_classes, torchvision
from builder.blocks.template import convolution
from builder.blocks.templates import make
from builder.problem import Json

FAMILY = Family("Inception")

SZEGEDY = "C. Szegedy et al., Going deeper with convolutions, 2014, arXiv:1409.4842"

WIDTHS = {
    "3a": (64, 96, 128, 16, 32, 32), "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 208, 16, 48, 64), "4b": (160, 112, 224, 24, 64, 64), "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64), "4e": (256, 160, 320, 32, 128, 128),
    "5a": (256, 160, 320, 32, 128, 128), "5b": (384, 192, 384, 48, 128, 128),
}  # fmt: skip
"""Filters of each branch (table 1 of the paper)."""

FIELDS = ("one", "three_reduce", "three", "five_reduce", "five", "pool")


def _inceptions(**options: Json) -> dict[str, Json]:
    return {
        f"Inception{at}": make("Inception", {**dict(zip(FIELDS, widths, strict=True)), **options})
        for at, widths in WIDTHS.items()
    }


def _uses(stage: str) -> list[dict[str, Json]]:
    return [block(f"Inception{at}", id=f"inception{at}") for at in WIDTHS if at.startswith(stage)]


@FAMILY.exhibit("inception", SZEGEDY)
def inception() -> dict[str, Json]:
    """One Inception block between a small stem and an end.

    Open it: four branches look at the same maps with windows of 1, 3 and 5 pixels and with pooling, and what they find
    is put side by side, 64 + 128 + 32 + 32 = 256 channels.
    """
    nodes = chain(
        layer("Input", id="image", shape=[3, 32, 32]),
        convolution("stem", 32, 3, stride=2), layer("ReLU"), layer("MaxPool2d", id="halve"),
        block("Inception", id="inception"),
        layer("AdaptiveMaxPool2d", id="pool"), layer("Flatten"), layer("Linear", id="scores", out_features=10),
    )  # fmt: skip
    return ten_classes(nodes, pick("Adam", lr=0.003), 10, blocks={"Inception": make("Inception", {})})


def _normed(id: str, channels: int, kernel_size: int, **params: Json) -> list[dict[str, Json]]:
    return [
        convolution(id, channels, kernel_size, bias=False, **params),
        layer("BatchNorm2d", id=f"{id}_norm", eps=0.001),
        layer("ReLU", id=f"{id}_relu"),
    ]


@FAMILY.exhibit(
    "googlenet",
    SZEGEDY,
    torchvision(6_624_904, "1.50", "googlenet", "without its side outputs, which are for training alone"),
    light=False,
)
def googlenet() -> dict[str, Json]:
    """GoogLeNet as torchvision has it: with batch norm, and with 3 x 3 filters in the branch that should have 5 x 5.

    A ninth of AlexNet's parameters, since there is one dense layer alone, behind a mean over all positions.
    """

    def halve(id: str, kernel_size: int = 3) -> dict[str, Json]:
        return layer("MaxPool2d", id=id, kernel_size=kernel_size, stride=2, ceil_mode=True)

    nodes = chain(
        layer("Input", id="image", shape=[3, 224, 224]),
        *_normed("conv1", 64, 7, stride=2), halve("pool1"), *_normed("conv2", 64, 1), *_normed("conv3", 192, 3), halve("pool2"),
        *_uses("3"), halve("pool3"), *_uses("4"), halve("pool4", 2), *_uses("5"),
        layer("AdaptiveAvgPool2d", id="pool"), layer("Flatten"), layer("Dropout", id="drop", p=0.2),
        layer("Linear", id="scores", out_features=1_000),
    )  # fmt: skip
    return thousand_classes(nodes, blocks=_inceptions(batch_norm=True, five_kernel=3))


@FAMILY.exhibit(
    "googlenet-2014",
    SZEGEDY,
    Published(
        "Szegedy et al. 2014, table 1 (sizes), arithmetic",
        6_998_552,
        "1.58",
        "the paper says about 1.5 billion multiply-adds; without its side outputs",
    ),
    light=False,
)
def googlenet_2014() -> dict[str, Json]:
    """GoogLeNet of the paper: 22 layers deep, no batch norm yet, and under seven million parameters where AlexNet has
    sixty.

    It won ImageNet 2014 by looking with windows of several sizes at once, and by 1 x 1 convolutions that make this
    affordable.
    """

    def halve(id: str) -> dict[str, Json]:
        return layer("MaxPool2d", id=id, kernel_size=3, stride=2, padding=1)

    def dampened(id: str) -> dict[str, Json]:
        return layer("LocalResponseNorm", id=id, size=5)

    nodes = chain(
        layer("Input", id="image", shape=[3, 224, 224]),
        convolution("conv1", 64, 7, stride=2), layer("ReLU", id="relu1"), halve("pool1"), dampened("norm1"),
        convolution("conv2", 64, 1), layer("ReLU", id="relu2"),
        convolution("conv3", 192, 3), layer("ReLU", id="relu3"), dampened("norm2"), halve("pool2"),
        *_uses("3"), halve("pool3"), *_uses("4"), halve("pool4"), *_uses("5"),
        layer("AdaptiveAvgPool2d", id="pool"), layer("Flatten"), layer("Dropout", id="drop", p=0.4),
        layer("Linear", id="scores", out_features=1_000),
    )  # fmt: skip
    return thousand_classes(nodes, blocks=_inceptions())
