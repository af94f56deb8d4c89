"""Small networks that read handwritten digits."""

from builder.blocks.chain import block, chain, layer
from builder.blocks.gallery.exhibit import Family, Published, digits, network, pick, recipe
from builder.blocks.templates import make
from builder.problem import Json

FAMILY = Family("Digits")

LECUN_1989 = "Y. LeCun et al., Backpropagation applied to handwritten zip code recognition, 1989"
LECUN_1998 = (
    "Y. LeCun, L. Bottou, Y. Bengio and P. Haffner, Gradient-based learning applied to document recognition, 1998"
)
HE_2015 = "K. He, X. Zhang, S. Ren and J. Sun, Deep residual learning for image recognition, 2015, arXiv:1512.03385"


@FAMILY.exhibit("digits-mlp", LECUN_1998)
def digits_mlp() -> dict[str, Json]:
    """Handwritten digits, 8 x 8 pixels, read by two dense layers that know nothing of what is next to what.

    Shuffle the pixels, and it would learn just as well.
    """
    nodes = chain(
        layer("Input", id="image", shape=[1, 8, 8]),
        layer("Flatten"),
        layer("Linear", id="hidden", out_features=64),
        layer("ReLU"),
        layer("Linear", id="scores", out_features=10),
    )
    return {
        "network": network(nodes),
        "data": digits(),
        "recipe": recipe("CrossEntropy", pick("Adam", lr=0.003), 32, 40),
    }


@FAMILY.exhibit("mlp-784", LECUN_1998, Published("784 x 500 + 500 + 500 x 10 + 10", 397_510, "0.000397"))
def mlp_784() -> dict[str, Json]:
    """The textbook's dense network, 784 - 500 - 10: nearly 400,000 parameters, all but 5,010 of them in the first
    layer.

    That is the price of joining every pixel with every unit, and the reason for convolutions.
    """
    nodes = chain(
        layer("Input", id="image", shape=[1, 28, 28]),
        layer("Flatten"),
        layer("Linear", id="hidden", out_features=500),
        layer("ReLU"),
        layer("Linear", id="scores", out_features=10),
    )
    return {
        "network": network(nodes),
        "data": digits(28),
        "recipe": recipe("CrossEntropy", pick("Adam", lr=0.001), 64, 10),
    }


@FAMILY.exhibit("digits-cnn", LECUN_1989)
def digits_cnn() -> dict[str, Json]:
    """The same digits seen through small filters: local patterns first, then what they make together.

    Fewer weights than a dense layer would have, and each is used everywhere.
    """
    nodes = chain(
        layer("Input", id="image", shape=[1, 8, 8]),
        layer("Conv2d", id="conv1", out_channels=16, padding=1, bias=False),
        layer("BatchNorm2d", id="norm1"),
        layer("ReLU", id="relu1"),
        layer("Conv2d", id="conv2", out_channels=32, padding=1, bias=False),
        layer("BatchNorm2d", id="norm2"),
        layer("ReLU", id="relu2"),
        layer("MaxPool2d", id="pool"),
        layer("Flatten"),
        layer("Dropout", id="dropout", p=0.3),
        layer("Linear", id="scores", out_features=10),
    )
    return {
        "network": network(nodes),
        "data": digits(),
        "recipe": recipe("CrossEntropy", pick("Adam", lr=0.003), 64, 30),
    }


@FAMILY.exhibit("digits-resnet", HE_2015)
def digits_resnet() -> dict[str, Json]:
    """A small residual network: each block adds what it finds to what it was given."""
    nodes = chain(
        layer("Input", id="image", shape=[1, 8, 8]),
        layer("Conv2d", id="stem", out_channels=16, padding=1, bias=False),
        layer("BatchNorm2d", id="norm"),
        layer("ReLU", id="relu"),
        block("Residual", id="stage1", repeat=2),
        block("ResidualDown", id="down"),
        block("ResidualWide", id="stage2"),
        layer("AdaptiveAvgPool2d", id="pool"),
        layer("Flatten"),
        layer("Linear", id="scores", out_features=10),
    )
    blocks = {
        "Residual": make("Residual", {"channels": 16}),
        "ResidualDown": make("Residual", {"channels": 32, "stride": 2, "projection": True}),
        "ResidualWide": make("Residual", {"channels": 32}),
    }
    return {
        "network": network(nodes, blocks=blocks),
        "data": digits(),
        "recipe": recipe("CrossEntropy", pick("SGD", lr=0.05, momentum=0.9, weight_decay=0.0005), 64, 15),
    }


@FAMILY.exhibit(
    "lenet5",
    LECUN_1998,
    Published("6 x 26 + 16 x 151 + 400 x 120 + 120 + 120 x 84 + 84 + 84 x 10 + 10", 61_706, "0.00042"),
)
def lenet5() -> dict[str, Json]:
    """LeNet-5 as it is taught: two convolutions with average pooling, three dense layers, tanh.

    Every network for pictures since has this plan: look at small windows, shrink, look again, then decide.
    """
    nodes = chain(
        layer("Input", id="image", shape=[1, 28, 28]),
        layer("Conv2d", id="c1", out_channels=6, kernel_size=5, padding=2),
        layer("Tanh", id="tanh1"),
        layer("AvgPool2d", id="s2"),
        layer("Conv2d", id="c3", out_channels=16, kernel_size=5),
        layer("Tanh", id="tanh2"),
        layer("AvgPool2d", id="s4"),
        layer("Flatten"),
        layer("Linear", id="f5", out_features=120),
        layer("Tanh", id="tanh3"),
        layer("Linear", id="f6", out_features=84),
        layer("Tanh", id="tanh4"),
        layer("Linear", id="scores", out_features=10),
    )
    return {
        "network": network(nodes),
        "data": digits(28),
        "recipe": recipe("CrossEntropy", pick("Adam", lr=0.002), 64, 15),
    }


@FAMILY.exhibit(
    "lenet5-1998",
    LECUN_1998,
    Published(
        "LeCun et al. 1998, section II.B",
        60_000,
        remark="60,000 that learn, besides 840 fixed ones in the last layer; 340,908 connections",
    ),
)
def lenet5_1998() -> dict[str, Json]:
    """LeNet-5 as it was: 60,000 numbers that learn.

    Pooling has a factor and a bias for each map, the maps of C3 see only some of those before them, so that they have
    to differ, and the last layer measures how far 84 numbers are from a drawing of each digit, 7 x 12 pixels of -1 and
    1 that nobody learns.
    """
    nodes = chain(
        layer("Input", id="image", shape=[1, 28, 28]),
        layer("Pad", id="margin", padding=2),
        layer("Conv2d", id="c1", out_channels=6, kernel_size=5),
        layer("Tanh", id="tanh1"),
        *_subsampling("s2", 6),
        block("SomeMaps", id="c3"),
        layer("Tanh", id="tanh3"),
        *_subsampling("s4", 16),
        layer("Conv2d", id="c5", out_channels=120, kernel_size=5),
        layer("Tanh", id="tanh5"),
        layer("Flatten"),
        layer("Linear", id="f6", out_features=84),
        layer("Tanh", id="tanh6"),
        {
            **layer("RBF", id="scores", out_features=10),
            "frozen": True,
            "init": {"weight": pick("Values", values=codes())},
        },
    )
    return {
        "network": network(nodes, blocks={"SomeMaps": some_maps()}),
        "data": digits(28),
        "recipe": recipe("CrossEntropy", pick("Adam", lr=0.002), 64, 15),
    }


def _subsampling(id: str, maps: int) -> list[dict[str, Json]]:
    """Each map's means of 2 x 2, times a factor of its own, plus a bias of its own."""
    return [
        layer("AvgPool2d", id=f"{id}_mean"),
        layer("Conv2d", id=id, out_channels=maps, kernel_size=1, groups=maps),
        layer("Tanh", id=f"tanh{id[1:]}"),
    ]


def some_maps() -> Json:
    """C3: six maps read three neighbours of the six before them, six read four, three read two and two, one reads all.

    Neighbours go round, so that all are cut out of the six maps laid out twice. Maps that read as many each are the
    groups of one convolution.
    """

    def cut(start: int, count: int) -> dict[str, Json]:
        return layer("Slice", id=f"from{start}_{count}", inputs=["twice"], dim=1, start=start, stop=start + count)

    def read(name: str, cuts: list[dict[str, Json]], maps: int) -> list[dict[str, Json]]:
        joined = layer("Concat", id=f"{name}_read", inputs=[node["id"] for node in cuts])
        return [joined, layer("Conv2d", id=name, out_channels=maps, kernel_size=5, groups=maps, inputs=[joined["id"]])]

    threes, fours = [cut(at, 3) for at in range(6)], [cut(at, 4) for at in range(6)]
    twos = [cut(start, 2) for at in range(3) for start in (at, at + 3)]
    nodes = [
        layer("Concat", id="twice", inputs=["x", "x"]),
        *threes, *read("three", threes, 6),
        *fours, *read("four", fours, 6),
        *twos, *read("two_and_two", twos, 3),
        layer("Conv2d", id="six", out_channels=1, kernel_size=5, inputs=["x"]),
        layer("Concat", id="maps", inputs=["three", "four", "two_and_two", "six"]),
    ]  # fmt: skip
    return {"inputs": ["x"], "nodes": nodes, "outputs": ["maps"]}


_BARS = {
    0: "abcdef",
    1: "bc",
    2: "abged",
    3: "abgcd",
    4: "fgbc",
    5: "afgcd",
    6: "afgecd",
    7: "abc",
    8: "abcdefg",
    9: "abcdfg",
}
"""Which of the seven bars of a calculator's display make each digit."""


def codes() -> list[list[int]]:
    """A drawing of each digit, 12 rows of 7 pixels one behind the other: 1 is ink, -1 is paper."""
    bars = {
        "a": {(0, x) for x in range(1, 6)}, "g": {(6, x) for x in range(1, 6)}, "d": {(11, x) for x in range(1, 6)},
        "f": {(y, 0) for y in range(1, 6)}, "b": {(y, 6) for y in range(1, 6)},
        "e": {(y, 0) for y in range(7, 11)}, "c": {(y, 6) for y in range(7, 11)},
    }  # fmt: skip
    inked = [set().union(*(bars[bar] for bar in _BARS[digit])) for digit in range(10)]
    return [[1 if (y, x) in ink else -1 for y in range(12) for x in range(7)] for ink in inked]
