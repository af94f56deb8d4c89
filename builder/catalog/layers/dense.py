"""Dense layers."""

from typing import Annotated, Any

from pydantic import Field

from builder.catalog.layers.base import Layer, Saved, ShapeProblem, Signals, expect_axes, weighted_flops
from builder.catalog.signal import Shape, Signal
from builder.problem import say

Count = Annotated[int, Field(ge=1, le=65_536)]


class Linear(Layer):
    """Mixes every input feature with every other: one weighted sum per output feature. On a sequence, the same mix at every step."""

    group, target = "Dense", "nn.Linear"
    aliases = (
        "dense",
        "fc",
        "fully connected",
        "fully connected layer",
        "affine",
        "inner product",
        "perceptron",
        "neuron",
    )
    positional = 2
    formula = r"y = W x + b"
    initialized = ("nn.Linear",)

    out_features: Count = Field(64, title="Units", description="Numbers that this layer gives.")
    bias: bool = Field(True, description="Add a learned number to every output.")

    def args(self, *x: Signal) -> dict[str, Any]:
        return {"in_features": x[0].shape[-1], **self.model_dump()}

    def infer(self, *x: Signal) -> Signals:
        expect_axes(x[0], "F", "TF")
        return (Signal((*x[0].shape[:-1], self.out_features), x[0].axes),)

    def parameters(self, *x: Signal) -> dict[str, Shape]:
        weight: dict[str, Shape] = {"weight": (self.out_features, x[0].shape[-1])}
        return weight | {"bias": (self.out_features,)} if self.bias else weight

    def products(self, x: Signals, y: Signals) -> tuple[Shape, ...]:
        return ((*x[0].shape, self.out_features),)

    def flops(self, x: Signals, y: Signals) -> int:
        return weighted_flops(self.macs(x, y), y[0].numbers, self.bias)

    def saved(self, x: Signals, y: Signals) -> Saved:
        return Saved(inputs=True)


class Bilinear(Layer):
    """Weighs every pair of features, one from each input: what neither says alone. On sequences, at every step."""

    group, target = "Dense", "nn.Bilinear"
    positional = 3
    formula = r"y_o = x_1^\top W_o\, x_2 + b_o"
    inputs = ("x1", "x2")
    initialized = ("nn.Bilinear",)

    out_features: Count = Field(64, title="Units", description="Numbers that this layer gives.")
    bias: bool = Field(True, description="Add a learned number to every output.")

    def args(self, *x: Signal) -> dict[str, Any]:
        return {"in1_features": x[0].shape[-1], "in2_features": x[1].shape[-1], **self.model_dump()}

    def infer(self, *x: Signal) -> Signals:
        for port, signal in enumerate(x):
            expect_axes(signal, "F", "TF", port=port)
        if x[0].shape[:-1] != x[1].shape[:-1]:
            raise ShapeProblem(
                "shape/merge-mismatch",
                "{node} cannot pair what does not match",
                say(
                    "Both inputs must be rows of features, or sequences of the same length; they are {shapes}.",
                    shapes=" and ".join(map(str, x)),
                ),
            )
        return (Signal((*x[0].shape[:-1], self.out_features), x[0].axes),)

    def parameters(self, *x: Signal) -> dict[str, Shape]:
        weight: dict[str, Shape] = {"weight": (self.out_features, x[0].shape[-1], x[1].shape[-1])}
        return weight | {"bias": (self.out_features,)} if self.bias else weight

    def products(self, x: Signals, y: Signals) -> tuple[Shape, ...]:
        """First every weight meets the first input, then what comes of it meets the second."""
        return (*y[0].shape, *x[1].shape[-1:], *x[0].shape[-1:]), (*y[0].shape, *x[1].shape[-1:])

    def flops(self, x: Signals, y: Signals) -> int:
        halfway = y[0].numbers * x[1].shape[-1]
        return weighted_flops(self.macs(x, y), y[0].numbers, self.bias) - halfway

    def saved(self, x: Signals, y: Signals) -> Saved:
        return Saved(inputs=True)
