"""Convolutions."""

from typing import Annotated, Any

from pydantic import Field

from builder.catalog.layers.base import (
    Layer,
    ShapeProblem,
    Signals,
    Suggestion,
    expect_axes,
    tried_windows,
    weighted_flops,
)
from builder.catalog.layers.dense import Count
from builder.catalog.signal import Shape, Signal
from builder.problem import say

Small = Annotated[int, Field(ge=1, le=255)]
Pad = Annotated[int, Field(ge=0, le=255)]


def slide(
    sides: Shape, kernel: int, stride: int, padding: int, dilation: int = 1, most_padding: int | None = None
) -> Shape:
    """How many positions a window has along each side: floor((n + 2p - d(k - 1) - 1) / s) + 1 (torch.nn.Conv2d)."""
    reach = dilation * (kernel - 1) + 1
    smallest = min(sides)
    if reach > smallest + 2 * padding:
        raise ShapeProblem(
            "shape/window-too-large",
            "{node} does not fit",
            say(
                "A window of {kernel} x {kernel} needs a side of at least {reach}; here the shorter side is "
                "{smallest} + 2*{padding} padding = {side}.",
                kernel=kernel, reach=reach, smallest=smallest, padding=padding, side=smallest + 2 * padding,
            ),
            *tried_windows(sides, reach, padding, most_padding) if dilation == 1 else (),
            *() if dilation == 1 else (Suggestion(say("Set dilation to 1"), {"dilation": 1}),),
        )  # fmt: skip
    return tuple((side + 2 * padding - reach) // stride + 1 for side in sides)


class Conv2d(Layer):
    """Slides learned filters over an image; each filter reports where its pattern appears."""

    group, target = "Convolution", "nn.Conv2d"
    positional = 3
    formula = r"y_o = b_o + \sum_i W_{o,i} \star x_i"
    initialized = True

    out_channels: Count = Field(32, title="Filters", description="Patterns to look for: one output channel each.")
    kernel_size: Small = Field(3, title="Kernel", description="Side of each filter, in pixels.")
    stride: Small = Field(1, description="Pixels to move between positions.")
    padding: Pad = Field(0, description="Zeros added around the border, in pixels.")
    dilation: Small = Field(
        1, description="Pixels between neighbouring taps of a filter.", json_schema_extra={"advanced": True}
    )
    groups: Count = Field(
        1, description="Channels are split into this many groups that do not mix.", json_schema_extra={"advanced": True}
    )
    bias: bool = Field(
        True, description="Add a learned number to every filter's output.", json_schema_extra={"advanced": True}
    )

    def args(self, *x: Signal) -> dict[str, Any]:
        return {"in_channels": x[0].shape[0], **self.model_dump()}

    def infer(self, *x: Signal) -> Signals:
        expect_axes(x[0], "CHW")
        self._groups_divide(x[0].shape[0])
        sides = slide(x[0].shape[1:], self.kernel_size, self.stride, self.padding, self.dilation)
        return (Signal((self.out_channels, *sides), "CHW"),)

    def _groups_divide(self, channels: int) -> None:
        if channels % self.groups or self.out_channels % self.groups:
            raise ShapeProblem(
                "shape/groups",
                "{node} cannot be split into groups",
                say(
                    "Both the {channels} channels that come in and the {filters} filters must be a multiple of groups = {groups}.",
                    channels=channels, filters=self.out_channels, groups=self.groups,
                ),
                Suggestion(say("Set groups to 1"), {"groups": 1}),
            )  # fmt: skip

    def parameters(self, *x: Signal) -> dict[str, Shape]:
        weight: dict[str, Shape] = {
            "weight": (self.out_channels, x[0].shape[0] // self.groups, self.kernel_size, self.kernel_size)
        }
        return weight | {"bias": (self.out_channels,)} if self.bias else weight

    def macs(self, x: Signals, y: Signals) -> int:
        return y[0].numbers * (x[0].shape[0] // self.groups) * self.kernel_size**2

    def flops(self, x: Signals, y: Signals) -> int:
        return weighted_flops(self.macs(x, y), y[0].numbers, self.bias)
