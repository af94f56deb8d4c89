"""Layers that measure distances."""

from typing import Any

from pydantic import Field

from builder.catalog.layers.base import Layer, Saved, Signals, expect_axes
from builder.catalog.layers.dense import Count
from builder.catalog.signal import Shape, Signal


class RBF(Layer):
    """How near its input is to each of some codes: minus the squared distance, so that the nearest scores highest.

    The last layer of LeNet-5 (LeCun et al. 1998), there with drawings of the digits as fixed codes.
    """

    group, target = "Dense", "RBF"
    aliases = ("radialbasis", "radial basis function", "euclidean", "prototypes")
    positional = 2
    formula = r"y_k = -\sum_i (x_i - w_{ki})^2"
    initialized = ("RBF",)

    out_features: Count = Field(10, title="Codes", description="How many codes it knows: one score for each.")

    def args(self, *x: Signal) -> dict[str, Any]:
        return {"in_features": x[0].shape[-1], "out_features": self.out_features}

    def infer(self, *x: Signal) -> Signals:
        expect_axes(x[0], "F", "TF")
        return (Signal((*x[0].shape[:-1], self.out_features), x[0].axes),)

    def parameters(self, *x: Signal) -> dict[str, Shape]:
        return {"weight": (self.out_features, x[0].shape[-1])}

    def operations(self, x: Signals, y: Signals) -> dict[str, int]:
        """Per code and number: a difference, a square, a sum."""
        return {"distance": 3 * x[0].numbers * self.out_features}

    def saved(self, x: Signals, y: Signals) -> Saved:
        """Every difference."""
        return Saved(besides=x[0].numbers * self.out_features)
