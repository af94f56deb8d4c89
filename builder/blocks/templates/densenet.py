"""Blocks of DenseNet (Huang et al. 2016, arXiv:1608.06993)."""

from typing import Annotated, Self

from pydantic import Field

from builder.blocks.chain import layer
from builder.blocks.template import Nodes, Template, convolution, graph, path
from builder.blocks.templates.fields import ACTIVATION, Activation, Count
from builder.catalog.signal import Signal
from builder.problem import Json


class DenseBlock(Template):
    """Every layer reads all that the layers before it found, and adds a little of its own.

    Nothing that was seen once has to be found again.
    """

    group, target = "Dense connections", ""
    formula = r"x_{n+1} = [x_n;\, F_n(x_n)]"

    growth_rate: Count = Field(32, title="Growth rate", description="Channels that each layer adds.")
    layers: Annotated[int, Field(ge=1, le=64)] = Field(6, description="Layers in the block.")
    bn_size: Annotated[int, Field(ge=1, le=16)] = Field(
        4, title="Bottleneck", description="Channels behind each 1 x 1 convolution, in growth rates."
    )
    activation: Activation = ACTIVATION

    def graph(self) -> Json:
        nodes: Nodes = []
        seen = "x"
        for at in range(1, self.layers + 1):
            nodes += path(
                layer("BatchNorm2d", id=f"norm{at}_1"), layer(self.activation, id=f"act{at}_1"),
                convolution(f"conv{at}_1", self.bn_size * self.growth_rate, 1, bias=False),
                layer("BatchNorm2d", id=f"norm{at}_2"), layer(self.activation, id=f"act{at}_2"),
                convolution(f"conv{at}_2", self.growth_rate, 3, bias=False),
                layer("Concat", id=f"join{at}", inputs=[seen, f"conv{at}_2"]),
                start=seen,
            )  # fmt: skip
            seen = f"join{at}"
        return graph(nodes)


class Transition(Template):
    """Between two dense blocks: fewer channels, and an image half as large."""

    group, target = "Dense connections", ""
    formula = r"y = \operatorname{mean}_{2 \times 2}(W_{1 \times 1} \star \phi(\operatorname{BN}(x)))"

    out_channels: Count = Field(
        128, title="Channels", description="Channels that come out; half of those that come in are usual."
    )
    activation: Activation = ACTIVATION

    def fitted(self, given: Signal) -> Self:
        return self.model_copy(update={"out_channels": max(1, given.shape[0] // 2)}) if given.axes == "CHW" else self

    def graph(self) -> Json:
        return graph(
            path(
                layer("BatchNorm2d", id="norm"), layer(self.activation, id="act"),
                convolution("conv", self.out_channels, 1, bias=False), layer("AvgPool2d", id="pool"),
            )
        )  # fmt: skip
