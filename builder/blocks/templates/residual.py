"""Residual blocks (He et al. 2015, arXiv:1512.03385)."""

from typing import Self

from pydantic import Field

from builder.blocks.chain import layer
from builder.blocks.template import Nodes, Template, convolution, graph, path
from builder.blocks.templates.fields import ACTIVATION, STRIDE, Activation, Count, Stride
from builder.catalog.signal import Signal
from builder.problem import Json

_PROJECTION = Field(
    False,
    description="The skip path goes through a 1 x 1 convolution: needed where channels or sides change.",
)


def _joined(nodes: Nodes, last: str, activation: str, projection: dict[str, Json] | None) -> Json:
    """The path and the skip path added up, and one more bend."""
    skip = "x"
    if projection:
        skip = "project_norm"
        nodes = [*nodes, projection, layer("BatchNorm2d", id=skip, inputs=["project"])]
    return graph([*nodes, *path(layer("Add", id="add", inputs=[last, skip]), layer(activation, id="out"))])


class Residual(Template):
    """Two 3 x 3 convolutions, and the input added to what they find: the block of ResNet-18 and -34.

    It has to learn only what should change.
    """

    group, target = "Residual", ""
    formula = r"y = \phi(x + F(x))"

    channels: Count = Field(64, title="Channels", description="Channels that come out.")
    stride: Stride = STRIDE
    projection: bool = _PROJECTION
    activation: Activation = ACTIVATION

    def following(self, given: Signal) -> Self:
        changes = given.axes == "CHW" and (self.stride > 1 or given.shape[0] != self.channels)
        return self.model_copy(update={"projection": True}) if changes else self

    def fitted(self, given: Signal) -> Self:
        return self.model_copy(update={"channels": given.shape[0]}) if given.axes == "CHW" else self

    def graph(self) -> Json:
        nodes = path(
            convolution("conv1", self.channels, 3, stride=self.stride, bias=False), layer("BatchNorm2d", id="norm1"), layer(self.activation, id="act1"),
            convolution("conv2", self.channels, 3, bias=False), layer("BatchNorm2d", id="norm2"),
        )  # fmt: skip
        skip = convolution("project", self.channels, 1, ["x"], stride=self.stride, bias=False)
        return _joined(nodes, "norm2", self.activation, skip if self.projection else None)


class Bottleneck(Template):
    """A 1 x 1 convolution narrows, a 3 x 3 looks, a 1 x 1 widens four times, and the input is added: the block of
    ResNet-50, -101 and -152.

    As in today's libraries the stride is that of the 3 x 3.
    """

    group, target = "Residual", ""
    formula = r"y = \phi(x + F(x))"

    width: Count = Field(64, title="Width", description="Channels in the middle; four times as many come out.")
    stride: Stride = STRIDE
    projection: bool = _PROJECTION
    activation: Activation = ACTIVATION

    def following(self, given: Signal) -> Self:
        changes = given.axes == "CHW" and (self.stride > 1 or given.shape[0] != 4 * self.width)
        return self.model_copy(update={"projection": True}) if changes else self

    def fitted(self, given: Signal) -> Self:
        """A quarter of what comes in is the width, and only what does not divide so has to be projected."""
        if given.axes != "CHW":
            return self
        return self.model_copy(update={"width": max(1, given.shape[0] // 4)}).following(given)

    def graph(self) -> Json:
        nodes = path(
            convolution("conv1", self.width, 1, bias=False), layer("BatchNorm2d", id="norm1"), layer(self.activation, id="act1"),
            convolution("conv2", self.width, 3, stride=self.stride, bias=False), layer("BatchNorm2d", id="norm2"), layer(self.activation, id="act2"),
            convolution("conv3", 4 * self.width, 1, bias=False), layer("BatchNorm2d", id="norm3"),
        )  # fmt: skip
        skip = convolution("project", 4 * self.width, 1, ["x"], stride=self.stride, bias=False)
        return _joined(nodes, "norm3", self.activation, skip if self.projection else None)
