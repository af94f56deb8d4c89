"""Merges: several signals become one."""

from typing import Annotated, Any

from pydantic import Field

from builder.catalog.layers.base import Layer, ShapeProblem, Signals, Suggestion
from builder.catalog.signal import AXES_OF_RANK, Signal
from builder.problem import say


def projection(source: Signal, wanted: Signal) -> tuple[str, dict[str, Any]] | None:
    """A layer that gives `source` the shape of `wanted`, as skip paths use: a dense layer, or a 1 x 1 convolution with a stride."""
    if source.axes != wanted.axes or source.dtype != "float32":
        return None
    if source.axes in ("F", "TF") and source.shape[:-1] == wanted.shape[:-1]:
        return "Linear", {"out_features": wanted.shape[-1]}
    if source.axes == "CHW":
        stride = -(-source.shape[1] // wanted.shape[1])
        if tuple((side - 1) // stride + 1 for side in source.shape[1:]) == wanted.shape[1:]:
            return "Conv2d", {"out_channels": wanted.shape[0], "kernel_size": 1, "stride": stride, "bias": False}
    return None


def projections(x: Signals) -> list[Suggestion]:
    """A projection on each path that differs from another."""
    found = []
    for port, source in enumerate(x):
        for wanted in x:
            if source.shape != wanted.shape and (layer := projection(source, wanted)):
                kind = "1 x 1 convolution" if layer[0] == "Conv2d" else layer[0]
                label = say(
                    "Insert a {kind} on path {path} that makes it {shape}", kind=kind, path=port + 1, shape=wanted
                )
                found.append(Suggestion(label, insert=layer, port=port))
    return found


class Add(Layer):
    """Adds its inputs number by number: the skip connection of residual networks."""

    group, target = "Merge", "operator.add"
    formula = r"y = x_1 + x_2 + \dots"
    inputs = ("x*",)
    infix = "+"
    pointwise = True

    def infer(self, *x: Signal) -> Signals:
        if any(other.shape != x[0].shape or other.dtype != x[0].dtype for other in x[1:]):
            raise ShapeProblem(
                "shape/merge-mismatch",
                "{node} cannot add what does not match",
                say("Every input must have the same shape; they are {shapes}.", shapes=" and ".join(map(str, x))),
                *projections(x),
            )
        return (Signal(x[0].shape, x[0].axes, x[0].dtype),)  # a sum of class numbers is the number of no class

    def operations(self, x: Signals, y: Signals) -> dict[str, int]:
        return {"merge": (len(x) - 1) * y[0].numbers}


class Concat(Layer):
    """Puts its inputs behind one another along one side: all that each branch found, side by side."""

    group, target = "Merge", "torch.cat"
    positional = 1
    formula = r"y = [x_1;\, x_2;\, \dots]"
    inputs = ("x*",)
    function = True

    dim: Annotated[int, Field(ge=-4, le=4)] = Field(
        1, title="Side", description="Side to join along; 0 is the batch and cannot be it."
    )

    def infer(self, *x: Signal) -> Signals:
        rank = len(x[0].shape) + 1
        side = self.dim + rank if self.dim < 0 else self.dim
        if not 1 <= side < rank:
            raise ShapeProblem(
                "shape/no-such-side",
                "{node} has no such side to join along",
                say(
                    "With the batch there are {rank} sides, 0 to {last}; dim is {dim}, and the batch cannot be joined.",
                    rank=rank, last=rank - 1, dim=self.dim,
                ),
                Suggestion(say("Join along side 1"), {"dim": 1}),
            )  # fmt: skip
        at = side - 1
        rests = {(signal.shape[:at], signal.shape[at + 1 :], signal.dtype, len(signal.shape)) for signal in x}
        if len(rests) > 1:
            raise ShapeProblem(
                "shape/merge-mismatch",
                "{node} cannot join what does not match",
                say(
                    "Every side but side {side} must be the same; the inputs are {shapes}.",
                    side=side,
                    shapes=" and ".join(map(str, x)),
                ),
                *(
                    Suggestion(say("Join along side {side}", side=other), {"dim": other})
                    for other in range(1, rank)
                    if other != side
                ),
            )
        shape = (*x[0].shape[:at], sum(signal.shape[at] for signal in x), *x[0].shape[at + 1 :])
        axes = x[0].axes if len({signal.axes for signal in x}) == 1 else AXES_OF_RANK[len(shape)]
        same = len({signal.classes for signal in x}) == 1
        return (Signal(shape, axes, x[0].dtype, x[0].classes if same else None),)
