"""DenseNet."""

from builder.blocks.chain import block, chain, layer
from builder.blocks.gallery.exhibit import Family, thousand_classes, torchvision
from builder.blocks.template import convolution
from builder.blocks.templates import make
from builder.problem import Json

FAMILY = Family("DenseNet")

HUANG = "G. Huang, Z. Liu, L. van der Maaten and K. Weinberger, Densely connected convolutional networks, 2016, arXiv:1608.06993"


@FAMILY.exhibit("densenet121", HUANG, torchvision(7_978_856, "2.83", "densenet121"), light=False)
def densenet121() -> dict[str, Json]:
    """Where a residual network adds, this one keeps: every layer reads all that the layers before it in its block
    found, and adds 32 channels.

    Nothing has to be found twice, so that it does with a third of ResNet-50's parameters. Look at the memory: what is
    kept has to be kept somewhere.
    """
    channels, blocks, uses = 64, {}, []
    for at, layers in enumerate((6, 12, 24, 16), start=1):
        blocks[f"Dense{at}"] = make("DenseBlock", {"layers": layers})
        uses.append(block(f"Dense{at}", id=f"dense{at}"))
        channels += 32 * layers
        if at < 4:
            channels //= 2
            blocks[f"Transition{at}"] = make("Transition", {"out_channels": channels})
            uses.append(block(f"Transition{at}", id=f"transition{at}"))
    nodes = chain(
        layer("Input", id="image", shape=[3, 224, 224]),
        convolution("stem", 64, 7, stride=2, bias=False), layer("BatchNorm2d", id="norm0"), layer("ReLU", id="relu0"),
        layer("MaxPool2d", id="max", kernel_size=3, stride=2, padding=1),
        *uses, layer("BatchNorm2d", id="norm5"), layer("ReLU", id="relu5"),
        layer("AdaptiveAvgPool2d", id="pool"), layer("Flatten"), layer("Linear", id="scores", out_features=1_000),
    )  # fmt: skip
    return thousand_classes(nodes, blocks=blocks)
