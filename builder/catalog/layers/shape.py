"""Layers that change how numbers are arranged, not the numbers."""

from math import prod
from typing import Annotated, Any

from pydantic import Field

from builder.catalog.layers.base import Layer, ShapeProblem, Signals, Suggestion
from builder.catalog.signal import AXES_OF_RANK, Signal
from builder.problem import say


class Flatten(Layer):
    """Lays the numbers of a sample out in one row, so that a dense layer can read an image."""

    group, target = "Shape", "nn.Flatten"
    formula = r"y = (x_1, x_2, \dots, x_n)"
    view = True

    start_dim: Annotated[int, Field(ge=1, le=4)] = Field(1, description="First side to join; 0 is the batch and stays.")
    end_dim: Annotated[int, Field(ge=-4, le=4)] = Field(-1, description="Last side to join; -1 is the last one.")

    def args(self, *x: Signal) -> dict[str, Any]:
        return {"start_dim": self.start_dim, "end_dim": self.end_dim}

    def infer(self, *x: Signal) -> Signals:
        rank = len(x[0].shape) + 1
        end = self.end_dim + rank if self.end_dim < 0 else self.end_dim
        if not 1 <= self.start_dim <= end < rank:
            raise ShapeProblem(
                "shape/no-such-side",
                "{node} has no such sides to join",
                say(
                    "With the batch there are {rank} sides, 0 to {last}; start_dim is {start} and end_dim is {end}.",
                    rank=rank, last=rank - 1, start=self.start_dim, end=self.end_dim,
                ),
                Suggestion(say("Join all sides"), {"start_dim": 1, "end_dim": -1}),
            )  # fmt: skip
        shape = (*x[0].shape[: self.start_dim - 1], prod(x[0].shape[self.start_dim - 1 : end]), *x[0].shape[end:])
        axes = AXES_OF_RANK[len(shape)]
        if len(shape) == 2 and x[0].axes.startswith("C"):
            axes = "CL"
        elif 1 < len(shape) == len(x[0].shape):
            axes = x[0].axes  # nothing was joined; only a single row is always one of features
        return (Signal(shape, axes, x[0].dtype, x[0].classes),)
