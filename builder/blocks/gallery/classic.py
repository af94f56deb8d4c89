"""AlexNet, with which deep networks came back."""

from builder.blocks.chain import chain, layer
from builder.blocks.gallery.exhibit import Family, Published, thousand_classes, torchvision
from builder.blocks.template import convolution
from builder.problem import Json

FAMILY = Family("AlexNet")

KRIZHEVSKY = (
    "A. Krizhevsky, I. Sutskever and G. Hinton, ImageNet classification with deep convolutional neural networks, 2012"
)


def _pool(id: str) -> dict[str, Json]:
    return layer("MaxPool2d", id=id, kernel_size=3, stride=2)


def dense_end(classes: int = 1_000) -> list[dict[str, Json]]:
    """Two wide dense layers and the scores."""
    return [
        layer("Linear", id="fc6", out_features=4096), layer("ReLU", id="relu6"), layer("Dropout", id="drop6"),
        layer("Linear", id="fc7", out_features=4096), layer("ReLU", id="relu7"), layer("Dropout", id="drop7"),
        layer("Linear", id="scores", out_features=classes),
    ]  # fmt: skip


@FAMILY.exhibit(
    "alexnet",
    f"{KRIZHEVSKY}; this form: A. Krizhevsky, One weird trick for parallelizing convolutional neural networks, 2014, arXiv:1404.5997",
    torchvision(61_100_840, "0.71", "alexnet"),
    light=False,
)
def alexnet() -> dict[str, Json]:
    """AlexNet as libraries have it today: five convolutions find, three dense layers decide.

    Look at the last column: nearly 59 of its 61 million parameters are in the dense layers, nearly all the work is in the
    convolutions.
    """
    nodes = chain(
        layer("Input", id="image", shape=[3, 224, 224]),
        convolution("conv1", 64, 11, stride=4, padding=2), layer("ReLU", id="relu1"), _pool("pool1"),
        convolution("conv2", 192, 5), layer("ReLU", id="relu2"), _pool("pool2"),
        convolution("conv3", 384, 3), layer("ReLU", id="relu3"),
        convolution("conv4", 256, 3), layer("ReLU", id="relu4"),
        convolution("conv5", 256, 3), layer("ReLU", id="relu5"), _pool("pool5"),
        layer("AdaptiveAvgPool2d", id="pool", output_size=6), layer("Flatten"), *dense_end(),
    )  # fmt: skip
    return thousand_classes(nodes)


@FAMILY.exhibit(
    "alexnet-2012",
    KRIZHEVSKY,
    Published("Krizhevsky et al. 2012 (sizes), arithmetic", 60_965_224, remark="the paper says 60 million"),
    light=False,
)
def alexnet_2012() -> dict[str, Json]:
    """The network that won ImageNet 2012 by ten points.

    It was cut in two halves, one for each of two graphics cards of 3 GB; the halves still show as convolutions in two
    groups. Neighbouring channels dampen each other (local response normalization), which nobody does any more.
    """

    def dampened(id: str) -> dict[str, Json]:
        # PyTorch divides alpha by the number of channels; the paper's 0.0001 is not divided.
        return layer("LocalResponseNorm", id=id, size=5, alpha=0.0005, k=2.0)

    nodes = chain(
        layer("Input", id="image", shape=[3, 227, 227]),
        convolution("conv1", 96, 11, stride=4, padding=0), layer("ReLU", id="relu1"), dampened("norm1"), _pool("pool1"),
        convolution("conv2", 256, 5, groups=2), layer("ReLU", id="relu2"), dampened("norm2"), _pool("pool2"),
        convolution("conv3", 384, 3), layer("ReLU", id="relu3"),
        convolution("conv4", 384, 3, groups=2), layer("ReLU", id="relu4"),
        convolution("conv5", 256, 3, groups=2), layer("ReLU", id="relu5"), _pool("pool5"),
        layer("Flatten"), *dense_end(),
    )  # fmt: skip
    return thousand_classes(nodes, side=227)
