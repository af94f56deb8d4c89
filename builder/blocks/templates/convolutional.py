"""Blocks of convolutional networks that have one path."""

from typing import Annotated, Self

from pydantic import Field

from builder.blocks.chain import layer
from builder.blocks.template import Template, convolution, graph, path
from builder.blocks.templates.fields import ACTIVATION, ADVANCED, STRIDE, Activation, Count, Norm, Odd, Stride
from builder.catalog.signal import Signal
from builder.problem import Json


class ConvNormAct(Template):
    """A convolution, a norm and an activation: the brick that most image networks are built of.

    The norm makes the convolution's bias needless.
    """

    group, target = "Convolution", ""
    formula = r"y = \phi(\operatorname{norm}(W \star x))"

    out_channels: Count = Field(64, title="Filters", description="Channels that come out.")
    kernel_size: Odd = Field(3, title="Kernel", description="Side of each filter; the border is padded by half of it.")
    stride: Stride = STRIDE
    activation: Activation = ACTIVATION
    norm: Norm = Field("BatchNorm2d", description="What brings the numbers back to a common scale.")
    groups: Count = Field(1, description="Channels are split into this many groups.", json_schema_extra=ADVANCED)

    def graph(self) -> Json:
        normed = self.norm != "none"
        return graph(
            path(
                convolution(
                    "conv", self.out_channels, self.kernel_size, stride=self.stride, groups=self.groups, bias=not normed
                ),
                *([layer(self.norm, id="norm")] if normed else []),
                layer(self.activation, id="act"),
            )
        )


class DepthwiseSeparable(Template):
    """Looks at each channel by itself, then mixes the channels pixel by pixel: nearly a convolution, at a fraction of
    its price (MobileNet, Howard et al. 2017, arXiv:1704.04861).
    """

    group, target = "Convolution", ""
    formula = r"y = \phi(\operatorname{BN}(W_{1 \times 1} \star \phi(\operatorname{BN}(W_{\text{depthwise}} \star x))))"

    in_channels: Count = Field(64, title="Channels in", description="Channels that come in: one filter for each.")
    out_channels: Count = Field(128, title="Filters", description="Channels that come out.")
    stride: Stride = STRIDE
    kernel_size: Odd = Field(3, title="Kernel", description="Side of the filters of the first convolution.")
    activation: Activation = ACTIVATION

    def following(self, given: Signal) -> Self:
        return self.model_copy(update={"in_channels": given.shape[0]}) if given.axes == "CHW" else self

    def graph(self) -> Json:
        depthwise = convolution(
            "depthwise", self.in_channels, self.kernel_size, stride=self.stride, groups=self.in_channels, bias=False
        )
        return graph(
            path(
                depthwise, layer("BatchNorm2d", id="norm1"), layer(self.activation, id="act1"),
                convolution("pointwise", self.out_channels, 1, bias=False), layer("BatchNorm2d", id="norm2"), layer(self.activation, id="act2"),
            )
        )  # fmt: skip


class InvertedResidual(Template):
    """Widens the image, looks at each channel by itself, and narrows it again without a bend.

    Where sides and channels stay the same, the input is added (MobileNetV2, Sandler et al. 2018, arXiv:1801.04381).
    """

    group, target = "Residual", ""
    formula = r"y = x + \operatorname{narrow}(\operatorname{depthwise}(\operatorname{widen}(x)))"

    in_channels: Count = Field(32, title="Channels in", description="Channels that come in.")
    out_channels: Count = Field(32, title="Channels out", description="Channels that come out.")
    stride: Stride = STRIDE
    expand_ratio: Annotated[int, Field(ge=1, le=16)] = Field(
        6, title="Expansion", description="How many times more channels there are inside."
    )
    kernel_size: Odd = Field(3, title="Kernel", description="Side of the filters of the middle convolution.")
    activation: Activation = Field("ReLU6", description="The bend behind the first two norms.")

    def following(self, given: Signal) -> Self:
        return self.model_copy(update={"in_channels": given.shape[0]}) if given.axes == "CHW" else self

    def fitted(self, given: Signal) -> Self:
        fitting = self.following(given)
        return fitting.model_copy(update={"out_channels": fitting.in_channels}) if given.axes == "CHW" else fitting

    def graph(self) -> Json:
        hidden = self.in_channels * self.expand_ratio
        widen = [convolution("expand", hidden, 1, bias=False), layer("BatchNorm2d", id="norm1"), layer(self.activation, id="act1")]  # fmt: skip
        nodes = path(
            *(widen if self.expand_ratio > 1 else []),
            convolution("depthwise", hidden, self.kernel_size, stride=self.stride, groups=hidden, bias=False),
            layer("BatchNorm2d", id="norm2"), layer(self.activation, id="act2"),
            convolution("project", self.out_channels, 1, bias=False), layer("BatchNorm2d", id="norm3"),
        )  # fmt: skip
        if self.stride == 1 and self.in_channels == self.out_channels:
            nodes.append(layer("Add", id="add", inputs=["norm3", "x"]))
        return graph(nodes)


class SqueezeExcite(Template):
    """Sums each channel up in one number, and from these decides how much of each channel to let through (Hu et al.
    2017, arXiv:1709.01507).
    """

    group, target = "Attention", ""
    formula = r"y_c = x_c\,\sigma(W_2\,\phi(W_1 \operatorname{mean} x))_c"

    channels: Count = Field(64, description="Channels that come in, and come out.")
    reduction: Annotated[int, Field(ge=1, le=256)] = Field(
        16, description="How many times fewer numbers there are in the middle."
    )
    activation: Activation = Field("ReLU", description="The bend in the middle.")
    gate: Activation = Field("Sigmoid", description="What makes a share of a number.", json_schema_extra=ADVANCED)

    def following(self, given: Signal) -> Self:
        return self.model_copy(update={"channels": given.shape[0]}) if given.axes == "CHW" else self

    def graph(self) -> Json:
        gate = path(
            layer("AdaptiveAvgPool2d", id="squeeze"),
            convolution("reduce", max(1, self.channels // self.reduction), 1), layer(self.activation, id="act"),
            convolution("restore", self.channels, 1), layer(self.gate, id="gate"),
        )  # fmt: skip
        return graph([*gate, layer("Multiply", id="scale", inputs=["x", "gate"])])


class Fire(Template):
    """Squeezes the channels with 1 x 1 filters, then looks with 1 x 1 and 3 x 3 filters side by side: few channels
    stand in front of the dear ones (SqueezeNet, Iandola et al. 2016, arXiv:1602.07360).
    """

    group, target = "Convolution", ""
    formula = r"y = [\phi(W_{1 \times 1} \star s);\, \phi(W_{3 \times 3} \star s)],\quad s = \phi(W \star x)"

    squeeze: Count = Field(16, description="1 x 1 filters that squeeze.")
    expand: Count = Field(64, description="Filters of each of the two sizes; twice as many channels come out.")
    activation: Activation = ACTIVATION

    def graph(self) -> Json:
        squeeze = path(convolution("squeeze", self.squeeze, 1), layer(self.activation, id="act"))
        small, large = (
            path(convolution(f"expand{side}", self.expand, side), layer(self.activation, id=f"act{side}"), start="act")
            for side in (1, 3)
        )
        return graph([*squeeze, *small, *large, layer("Concat", id="join", inputs=["act1", "act3"])])
