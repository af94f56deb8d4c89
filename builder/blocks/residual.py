"""Residual blocks (He et al. 2015, arXiv:1512.03385)."""

from builder.blocks.chain import chain, layer
from builder.problem import Json


def residual(channels: int, stride: int = 1) -> dict[str, Json]:
    """The basic block: two 3 x 3 convolutions with batch norm, and the input added to what they find.

    With a stride the image shrinks, and the input goes through a 1 x 1 convolution so that it can still be added.
    """
    path = chain(
        layer(
            "Conv2d",
            id="conv1",
            inputs=["x"],
            out_channels=channels,
            kernel_size=3,
            stride=stride,
            padding=1,
            bias=False,
        ),
        layer("BatchNorm2d", id="norm1"),
        layer("ReLU", id="relu1"),
        layer("Conv2d", id="conv2", out_channels=channels, kernel_size=3, padding=1, bias=False),
        layer("BatchNorm2d", id="norm2"),
    )
    skip = "x"
    if stride > 1:
        path += chain(
            layer(
                "Conv2d", id="project", inputs=["x"], out_channels=channels, kernel_size=1, stride=stride, bias=False
            ),
            layer("BatchNorm2d", id="norm3"),
        )
        skip = "norm3"
    path += [
        {"id": "add", "type": "Add", "inputs": ["norm2", skip]},
        {"id": "relu2", "type": "ReLU", "inputs": ["add"]},
    ]
    return {"inputs": ["x"], "nodes": path, "outputs": ["relu2"]}
