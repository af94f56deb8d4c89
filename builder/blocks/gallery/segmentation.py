"""Networks that say for every pixel what it belongs to."""

from builder.blocks.chain import block, chain, layer
from builder.blocks.gallery.exhibit import Family, network, pick, recipe
from builder.blocks.template import convolution, graph, path
from builder.problem import Json

FAMILY = Family("Segmentation")

RONNEBERGER = "O. Ronneberger, P. Fischer and T. Brox, U-Net: convolutional networks for biomedical image segmentation, 2015, arXiv:1505.04597"


def _double(channels: int) -> Json:
    """Two convolutions, each with norm and ReLU."""
    return graph(
        path(
            convolution("conv1", channels, 3, bias=False), layer("BatchNorm2d", id="norm1"), layer("ReLU", id="relu1"),
            convolution("conv2", channels, 3, bias=False), layer("BatchNorm2d", id="norm2"), layer("ReLU", id="relu2"),
        )
    )  # fmt: skip


def _up(id: str, channels: int) -> dict[str, Json]:
    return layer("ConvTranspose2d", id=id, out_channels=channels, kernel_size=2, stride=2)


@FAMILY.exhibit("unet-small", RONNEBERGER)
def unet_small() -> dict[str, Json]:
    """Which shape does each pixel belong to?

    On the way down the network sees more and more of the picture and forgets where things are; on the way up it gets
    the places back, joined in from the way down. Its answer is a picture, too.
    """
    nodes = chain(
        layer("Input", id="image", shape=[3, 32, 32]),
        block("Double16", id="down1"), layer("MaxPool2d", id="pool1"),
        block("Double32", id="down2"), layer("MaxPool2d", id="pool2"),
        block("Double64", id="bottom"),
        _up("up2", 32), layer("Concat", id="join2", inputs=["up2", "down2"]), block("Double32", id="back2"),
        _up("up1", 16), layer("Concat", id="join1", inputs=["up1", "down1"]), block("Double16", id="back1"),
        convolution("scores", 4, 1),
    )  # fmt: skip
    blocks = {f"Double{channels}": _double(channels) for channels in (16, 32, 64)}
    return {
        "network": network(nodes, blocks=blocks),
        "data": {"source": pick("ShapeMasks", samples=600, size=32, forms=3)},
        "recipe": recipe("CrossEntropy", pick("Adam", lr=0.005), 10, 15),
    }
