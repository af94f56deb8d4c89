"""Networks that were made to be small."""

from builder.blocks.chain import block, chain, layer
from builder.blocks.gallery.exhibit import Family, thousand_classes, torchvision
from builder.blocks.template import convolution
from builder.blocks.templates import make
from builder.problem import Json

FAMILY = Family("Small and fast")

SANDLER = "M. Sandler et al., MobileNetV2: inverted residuals and linear bottlenecks, 2018, arXiv:1801.04381"
IANDOLA = "F. Iandola et al., SqueezeNet: AlexNet-level accuracy with 50x fewer parameters and <0.5MB model size, 2016, arXiv:1602.07360"

STAGES = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))
"""Expansion, channels, blocks, stride of the first (table 2 of the paper)."""


def _normed(id: str, channels: int, kernel_size: int, **params: Json) -> list[dict[str, Json]]:
    return [
        convolution(id, channels, kernel_size, bias=False, **params),
        layer("BatchNorm2d", id=f"{id}_norm"),
        layer("ReLU6", id=f"{id}_relu"),
    ]


@FAMILY.exhibit("mobilenet-v2", SANDLER, torchvision(3_504_872, "0.30", "mobilenet_v2"), light=False)
def mobilenet_v2() -> dict[str, Json]:
    """A network for telephones: 0.3 billion multiply-adds, a fourteenth of ResNet-50.

    Each block widens, looks at every channel by itself, and narrows again; the skip path joins the narrow ends. Open
    one and compare what its three convolutions cost.
    """
    uses, blocks, before = [], {}, 32
    for at, (expand, channels, count, stride) in enumerate(STAGES, start=1):
        first = {"in_channels": before, "out_channels": channels, "stride": stride, "expand_ratio": expand}
        blocks[f"Stage{at}First"] = make("InvertedResidual", first)
        uses.append(block(f"Stage{at}First", id=f"stage{at}_first"))
        if count > 1:
            blocks[f"Stage{at}"] = make("InvertedResidual", {**first, "in_channels": channels, "stride": 1})
            uses.append(block(f"Stage{at}", id=f"stage{at}", repeat=count - 1))
        before = channels
    nodes = chain(
        layer("Input", id="image", shape=[3, 224, 224]),
        *_normed("stem", 32, 3, stride=2), *uses, *_normed("widen", 1_280, 1),
        layer("AdaptiveAvgPool2d", id="pool"), layer("Flatten"), layer("Dropout", id="drop", p=0.2),
        layer("Linear", id="scores", out_features=1_000),
    )  # fmt: skip
    return thousand_classes(nodes, blocks=blocks)


@FAMILY.exhibit("squeezenet", IANDOLA, torchvision(1_248_424, "0.82", "squeezenet1_0"), light=False)
def squeezenet() -> dict[str, Json]:
    """AlexNet's accuracy with a fiftieth of its parameters.

    Each fire block squeezes the channels with 1 x 1 filters, then looks with 1 x 1 and 3 x 3 side by side. There is no
    dense layer at all: the last convolution has a channel for every class, and their means are the scores.
    """
    fires = ((16, 64), (16, 64), (32, 128), (32, 128), (48, 192), (48, 192), (64, 256), (64, 256))

    def halve(id: str) -> dict[str, Json]:
        return layer("MaxPool2d", id=id, kernel_size=3, stride=2, ceil_mode=True)

    blocks = {
        f"Fire{at}": make("Fire", {"squeeze": squeeze, "expand": expand})
        for at, (squeeze, expand) in enumerate(fires, start=2)
    }
    uses = [block(name, id=name.lower()) for name in blocks]
    nodes = chain(
        layer("Input", id="image", shape=[3, 224, 224]),
        convolution("conv1", 96, 7, stride=2, padding=0), layer("ReLU", id="relu1"), halve("pool1"),
        *uses[:3], halve("pool4"), *uses[3:7], halve("pool8"), uses[7],
        layer("Dropout", id="drop"), convolution("conv10", 1_000, 1), layer("ReLU", id="relu10"),
        layer("AdaptiveAvgPool2d", id="pool"), layer("Flatten", id="scores"),
    )  # fmt: skip
    return thousand_classes(nodes, blocks=blocks)
