"""VGG: nothing but 3 x 3 convolutions, and many of them."""

from builder.blocks.chain import block, chain, layer
from builder.blocks.gallery.classic import dense_end
from builder.blocks.gallery.exhibit import Family, Make, thousand_classes, torchvision
from builder.blocks.template import convolution, graph, path
from builder.problem import Json

FAMILY = Family("VGG")

SIMONYAN = "K. Simonyan and A. Zisserman, Very deep convolutional networks for large-scale image recognition, 2014, arXiv:1409.1556"
IOFFE = "S. Ioffe and C. Szegedy, Batch normalization, 2015, arXiv:1502.03167"

CONVOLUTIONS = {11: (1, 1, 2, 2, 2), 13: (2, 2, 2, 2, 2), 16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}
"""In each of the five stages, by the number of layers that have weights."""

PUBLISHED = {
    (11, False): (132_863_336, "7.61"), (13, False): (133_047_848, "11.31"),
    (16, False): (138_357_544, "15.47"), (19, False): (143_667_240, "19.63"),
    (11, True): (132_868_840, "7.61"), (13, True): (133_053_736, "11.31"),
    (16, True): (138_365_992, "15.47"), (19, True): (143_678_248, "19.63"),
}  # fmt: skip

STORIES = {
    11: (
        "The smallest of the family, shallow enough to be trained from nothing; its weights were the start of the "
        "deeper ones."
    ),
    13: "Two convolutions in every stage: two 3 x 3 see as much as one 5 x 5, with fewer weights and a bend more.",
    16: (
        "Small filters all the way, sixteen layers with weights: for years the network that others borrowed "
        "features from. Three 3 x 3 convolutions see 7 x 7 pixels. Nearly 103 of its 138 million parameters are "
        "in one dense layer."
    ),
    19: (
        "The deepest of the family, more than twice the size of AlexNet, and 27 times its work. Without skip "
        "paths, going deeper still brought nothing: see plain20 and resnet20."
    ),
}


def _stage(channels: int, convolutions: int, normed: bool) -> Json:
    """Some 3 x 3 convolutions, and an image half as large."""
    nodes = []
    for at in range(1, convolutions + 1):
        nodes += [
            convolution(f"conv{at}", channels, 3),
            *([layer("BatchNorm2d", id=f"norm{at}")] if normed else []),
            layer("ReLU", id=f"relu{at}"),
        ]
    return graph(path(*nodes, layer("MaxPool2d", id="pool")))


def _vgg(depth: int, normed: bool) -> Make:
    def make() -> dict[str, Json]:
        widths = (64, 128, 256, 512, 512)
        stages = {
            f"Stage{at}": _stage(channels, count, normed)
            for at, (channels, count) in enumerate(zip(widths, CONVOLUTIONS[depth], strict=True), start=1)
        }
        nodes = chain(
            layer("Input", id="image", shape=[3, 224, 224]),
            *(block(name, id=name.lower()) for name in stages),
            layer("AdaptiveAvgPool2d", id="pool", output_size=7), layer("Flatten"), *dense_end(),
        )  # fmt: skip
        return thousand_classes(nodes, blocks=stages)

    return make


for (_depth, _normed), (_parameters, _gmacs) in PUBLISHED.items():
    FAMILY.exhibit(
        f"vgg{_depth}-bn" if _normed else f"vgg{_depth}",
        f"{SIMONYAN}; {IOFFE}" if _normed else SIMONYAN,
        torchvision(_parameters, _gmacs, f"vgg{_depth}_bn" if _normed else f"vgg{_depth}"),
        light=False,
        story=f"VGG-{_depth} with a batch norm behind every convolution: a little larger, and far easier to train."
        if _normed
        else STORIES[_depth],
    )(_vgg(_depth, _normed))
