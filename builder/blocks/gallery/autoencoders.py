"""Networks that learn to give back what they get, through a narrow place."""

from builder.blocks.chain import chain, layer
from builder.blocks.gallery.exhibit import Family, digits, network, pick, recipe, shapes
from builder.blocks.template import convolution
from builder.problem import Json

FAMILY = Family("Autoencoders")

HINTON = "G. Hinton and R. Salakhutdinov, Reducing the dimensionality of data with neural networks, 2006"
MASCI = "J. Masci, U. Meier, D. Cireşan and J. Schmidhuber, Stacked convolutional auto-encoders for hierarchical feature extraction, 2011"


@FAMILY.exhibit("autoencoder-dense", HINTON)
def autoencoder_dense() -> dict[str, Json]:
    """A digit of 64 pixels goes through 8 numbers and has to come out as it was.

    Nobody says which digit it is: what it is judged by is its own input. What the 8 numbers hold is what matters about
    a digit.
    """
    nodes = chain(
        layer("Input", id="image", shape=[1, 8, 8]),
        layer("Flatten"),
        layer("Linear", id="encode1", out_features=32), layer("ReLU", id="relu1"),
        layer("Linear", id="code", out_features=8),
        layer("Linear", id="decode1", out_features=32), layer("ReLU", id="relu2"),
        layer("Linear", id="decode2", out_features=64), layer("Sigmoid", id="pixels"),
        layer("Reshape", id="copy", shape=[1, 8, 8]),
    )  # fmt: skip
    return {
        "network": network(nodes),
        "data": digits(),
        "recipe": recipe("MSE", pick("Adam", lr=0.003), 32, 40, target="image"),
    }


@FAMILY.exhibit("autoencoder-conv", MASCI)
def autoencoder_conv() -> dict[str, Json]:
    """The same with convolutions: a picture of 3,072 numbers is squeezed to 512 and painted again.

    It learns where shapes are and what colour they have, and leaves out the noise, which nothing foretells.
    """
    nodes = chain(
        layer("Input", id="image", shape=[3, 32, 32]),
        convolution("encode1", 16, 3, stride=2), layer("ReLU", id="relu1"),
        convolution("encode2", 32, 3, stride=2), layer("ReLU", id="relu2"),
        convolution("code", 8, 1),
        layer("ConvTranspose2d", id="decode1", out_channels=16, kernel_size=2, stride=2), layer("ReLU", id="relu3"),
        layer("ConvTranspose2d", id="copy", out_channels=3, kernel_size=2, stride=2),
    )  # fmt: skip
    return {
        "network": network(nodes),
        "data": shapes(),
        "recipe": recipe("MSE", pick("Adam", lr=0.003), 50, 10, target="image"),
    }
