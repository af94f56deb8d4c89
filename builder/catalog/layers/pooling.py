"""Pooling: an image is made smaller, without weights."""

from typing import Any

from pydantic import Field

from builder.catalog.layers.base import Layer, ShapeProblem, Signals, Suggestion, expect_axes
from builder.catalog.layers.convolution import Pad, Small, slide
from builder.catalog.signal import Signal
from builder.problem import say


class _Window(Layer):
    """What pooling windows share."""

    kernel_size: Small = Field(2, title="Window", description="Side of the window, in pixels.")
    stride: Small | None = Field(
        None, description="Pixels to move between positions; empty: as many as the window's side."
    )
    padding: Pad = Field(0, description="Pixels added around the border, at most half the window.")

    def infer(self, *x: Signal) -> Signals:
        expect_axes(x[0], "CHW")
        most = self.kernel_size // 2
        if self.padding > most:
            raise ShapeProblem(
                "shape/padding-too-large",
                "{node} has too much padding",
                say(
                    "Padding may be at most half the window, {kernel} // 2 = {most}, and it is {padding}.",
                    kernel=self.kernel_size, most=most, padding=self.padding,
                ),
                Suggestion(say("Set padding to {padding}", padding=most), {"padding": most}),
            )  # fmt: skip
        stride = self.stride or self.kernel_size
        return (
            Signal(
                (x[0].shape[0], *slide(x[0].shape[1:], self.kernel_size, stride, self.padding, most_padding=most)),
                "CHW",
            ),
        )

    def operations(self, x: Signals, y: Signals) -> dict[str, int]:
        return {"pooling": y[0].numbers * self.kernel_size**2}


class MaxPool2d(_Window):
    """Keeps the largest number of each window: whether a pattern is there, no longer where exactly."""

    group, target = "Pooling", "nn.MaxPool2d"
    positional = 1
    formula = r"y = \max_{i \in \text{window}} x_i"


class AvgPool2d(_Window):
    """Replaces each window by its mean, so that small shifts of the image matter less. Padding counts as zeros."""

    group, target = "Pooling", "nn.AvgPool2d"
    positional = 1
    formula = r"y = \operatorname{mean}_{i \in \text{window}} x_i"


class AdaptiveAvgPool2d(Layer):
    """Averages an image of any size down to a fixed one; with size 1, one number per channel (global average pooling)."""

    group, target = "Pooling", "nn.AdaptiveAvgPool2d"
    positional = 1
    formula = r"y_{ij} = \operatorname{mean} x_{\lfloor iH/s \rfloor : \lceil (i+1)H/s \rceil,\ \lfloor jW/s \rfloor : \lceil (j+1)W/s \rceil}"

    output_size: Small = Field(1, title="Size", description="Height and width of what comes out, in pixels.")

    def infer(self, *x: Signal) -> Signals:
        expect_axes(x[0], "CHW")
        return (Signal((x[0].shape[0], self.output_size, self.output_size), "CHW"),)

    def operations(self, x: Signals, y: Signals) -> dict[str, int]:
        return {"pooling": max(x[0].numbers, y[0].numbers)}

    def args(self, *x: Signal) -> dict[str, Any]:
        return {"output_size": self.output_size}
