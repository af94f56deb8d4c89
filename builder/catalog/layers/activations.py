"""Activations: the bend between two layers, without which they would be one."""

from typing import Annotated

from pydantic import Field

from builder.catalog.layers.base import Layer, ShapeProblem, Signals, Suggestion, expect_floats
from builder.catalog.signal import Signal
from builder.problem import say


class _Activation(Layer):
    """What activations share: they work on one number at a time."""

    pointwise = True

    def infer(self, *x: Signal) -> Signals:
        expect_floats(x[0])
        return (x[0],)

    def operations(self, x: Signals, y: Signals) -> dict[str, int]:
        return {"activation": y[0].numbers}


class ReLU(_Activation):
    """Lets positive numbers through and makes the rest zero: cheap, and its gradient does not fade."""

    group, target = "Activation", "nn.ReLU"
    formula = r"y = \max(0, x)"


class LeakyReLU(_Activation):
    """A ReLU that lets a little of the negative side through, so that no unit dies for good."""

    group, target = "Activation", "nn.LeakyReLU"
    positional = 1
    formula = r"y = \max(0, x) + a \min(0, x)"

    negative_slope: Annotated[float, Field(ge=0, le=1)] = Field(
        0.01, title="Slope a", description="Slope of the negative side."
    )


class Sigmoid(_Activation):
    """Squeezes any number into 0 to 1: a probability. In hidden layers its gradient, at most 0.25, fades with depth."""

    group, target = "Activation", "nn.Sigmoid"
    formula = r"y = \frac{1}{1 + e^{-x}}"


class Tanh(_Activation):
    """Squeezes any number into -1 to 1, centred on zero."""

    group, target = "Activation", "nn.Tanh"
    formula = r"y = \frac{e^x - e^{-x}}{e^x + e^{-x}}"


class Softmax(_Activation):
    """Turns scores into probabilities that add up to 1 along one side. CrossEntropy already includes it."""

    group, target = "Activation", "nn.Softmax"
    positional = 1
    formula = r"y_i = \frac{e^{x_i}}{\sum_j e^{x_j}}"

    dim: Annotated[int, Field(ge=-4, le=4)] = Field(
        -1, title="Side", description="Side that adds up to 1; -1 is the last, 0 the batch."
    )

    def infer(self, *x: Signal) -> Signals:
        expect_floats(x[0])
        rank = len(x[0].shape) + 1
        side = self.dim + rank if self.dim < 0 else self.dim
        if not 1 <= side < rank:
            raise ShapeProblem(
                "shape/no-such-side",
                "{node} has no such side",
                say("With the batch there are {rank} sides, 0 to {last}; dim is {dim}, and samples must not be mixed.", rank=rank, last=rank - 1, dim=self.dim),
                Suggestion(say("Use the last side"), {"dim": -1}),
            )  # fmt: skip
        return (x[0],)

    def operations(self, x: Signals, y: Signals) -> dict[str, int]:
        """Per number: one exponential, one addition, one division."""
        return {"activation": 3 * y[0].numbers}
