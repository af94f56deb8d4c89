"""Merges: several signals become one."""

from typing import Any, ClassVar

from pydantic import Field

from builder.catalog.layers.base import (
    Layer,
    Saved,
    ShapeProblem,
    Signals,
    Suggestion,
    Window,
    Worked,
    expect_floats,
    single_positions,
)
from builder.catalog.layers.sides import Dim, at_side, known_axes
from builder.catalog.signal import AXES_OF_RANK, Shape, Signal
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


class _Alike(Layer):
    """What merges share that go number by number: every input has the same shape."""

    group: ClassVar[str] = "Merge"
    inputs: ClassVar[tuple[str, ...]] = ("x*",)
    pointwise = True
    floats: ClassVar[bool] = True
    """Whether only real numbers will do."""

    def infer(self, *x: Signal) -> Signals:
        if self.floats:
            for port, signal in enumerate(x):
                expect_floats(signal, port)
        if any(other.shape != x[0].shape or other.dtype != x[0].dtype for other in x[1:]):
            raise ShapeProblem(
                "shape/merge-mismatch",
                "{node} cannot join what does not match",
                say("Every input must have the same shape; they are {shapes}.", shapes=" and ".join(map(str, x))),
                *projections(x),
            )
        return (Signal(x[0].shape, x[0].axes, x[0].dtype),)  # a sum of class numbers is the number of no class

    def operations(self, x: Signals, y: Signals) -> dict[str, int]:
        return {"merge": (len(x) - 1) * y[0].numbers}


class Add(_Alike):
    """Adds its inputs number by number: the skip connection of residual networks."""

    target = "operator.add"
    aliases = ("sum", "plus", "skip", "shortcut", "skip connection", "residual connection")
    formula = r"y = x_1 + x_2 + \dots"
    infix = "+"
    floats = False


class Subtract(_Alike):
    """Takes the second input away from the first, number by number: what one path has and the other has not."""

    target = "operator.sub"
    aliases = ("minus", "difference")
    formula = r"y = x_1 - x_2"
    inputs = ("x", "minus")
    infix = "-"


class Average(_Alike):
    """The mean of its inputs, number by number: an ensemble whose members all have a say."""

    target = "Average"
    aliases = ("ensemble",)
    formula = r"y = \frac{1}{n} \sum_{i=1}^{n} x_i"

    def operations(self, x: Signals, y: Signals) -> dict[str, int]:
        return {"merge": len(x) * y[0].numbers}


class Maximum(_Alike):
    """The largest of its inputs, number by number: what any one of the branches found."""

    target = "Maximum"
    aliases = ("max", "maxout")
    formula = r"y = \max(x_1, x_2, \dots)"

    def saved(self, x: Signals, y: Signals) -> Saved:
        return Saved(outputs=True, besides=len(x) * y[0].numbers)


class Multiply(Layer):
    """Multiplies its inputs number by number, so that one path can gate another.

    A side of length 1 is stretched to the length that the others have: a factor for every channel, 16 x 1 x 1, scales
    a whole image, 16 x 28 x 28.
    """

    group, target = "Merge", "operator.mul"
    aliases = ("mul", "times", "product", "gate", "scale", "hadamard product")
    formula = r"y = x_1 \odot x_2 \odot \dots"
    inputs = ("x*",)
    infix = "*"
    pointwise = True

    def infer(self, *x: Signal) -> Signals:
        for port, signal in enumerate(x):
            expect_floats(signal, port)
        fits = len({len(signal.shape) for signal in x}) == 1
        sides = [
            {side for side in lengths if side > 1} for lengths in zip(*(signal.shape for signal in x), strict=False)
        ]
        if not fits or any(len(lengths) > 1 for lengths in sides):
            raise ShapeProblem(
                "shape/merge-mismatch",
                "{node} cannot multiply what does not match",
                say(
                    "Every side must be as long as that of the others, or 1, which is stretched; the inputs are {shapes}.",
                    shapes=" and ".join(map(str, x)),
                ),
                *_as_wide(x),
            )
        shape = tuple(max(lengths, default=1) for lengths in sides)
        whole = next((signal for signal in x if signal.shape == shape), x[0])
        return (Signal(shape, whole.axes),)

    def operations(self, x: Signals, y: Signals) -> dict[str, int]:
        return {"merge": (len(x) - 1) * y[0].numbers}

    def saved(self, x: Signals, y: Signals) -> Saved:
        """Of more than two also what comes of the first ones."""
        return Saved(inputs=True, besides=(len(x) - 2) * y[0].numbers)


def _as_wide(x: Signals) -> list[Suggestion]:
    """A projection on each path that makes it as wide as the largest, and leaves its positions as they are."""
    largest = max(x, key=lambda signal: signal.numbers)
    found = []
    for port, source in enumerate(x):
        if source.axes != largest.axes or not source.shape:
            continue
        at = 0 if source.axes.startswith("C") else len(source.shape) - 1
        shape = (*source.shape[:at], largest.shape[at], *source.shape[at + 1 :])
        if shape != source.shape and (layer := projection(source, Signal(shape, source.axes))):
            label = say("Make path {path} as wide as the largest, {width}", path=port + 1, width=largest.shape[at])
            found.append(Suggestion(label, insert=layer, port=port))
    return found


class MatMul(Layer):
    """The matrix product of two inputs, over their last two sides: every row of the first meets every column of the second.

    Attention is two of them; more sides in front are gone through one by one.
    """

    group, target = "Merge", "operator.matmul"
    aliases = ("dot", "bmm", "matrix product")
    formula = r"y_{ij} = \sum_k a_{ik}\, b_{kj}"
    inputs = ("a", "b")
    infix = "@"

    def infer(self, *x: Signal) -> Signals:
        a, b = x
        expect_floats(a)
        expect_floats(b, port=1)
        if not (1 < len(a.shape) == len(b.shape) and a.shape[:-2] == b.shape[:-2] and a.shape[-1] == b.shape[-2]):
            raise ShapeProblem(
                "shape/matrix-mismatch",
                "{node} cannot multiply these matrices",
                say(
                    "Both need rows and columns, with as many columns in the first as rows in the second, and the same sides in front; they are {a} and {b}.",
                    a=a, b=b,
                ),
                *(self._turned(a, b)),
            )  # fmt: skip
        axes = a.axes[:-1] + b.axes[-1]
        return (Signal((*a.shape[:-1], b.shape[-1]), "TT" if axes == "TL" else known_axes(axes)),)

    def _turned(self, a: Signal, b: Signal) -> list[Suggestion]:
        """Rows of both, as queries and keys are: the second has to be turned."""
        if len(a.shape) != 2 or a.shape[-1:] != b.shape[-1:]:
            return []
        return [Suggestion(say("Insert a Permute in front of the second"), insert=("Permute", {}), port=1)]

    def products(self, x: Signals, y: Signals) -> tuple[Shape, ...]:
        return ((*y[0].shape, x[0].shape[-1]),)

    def flops(self, x: Signals, y: Signals) -> int:
        return 2 * self.macs(x, y) - y[0].numbers

    def saved(self, x: Signals, y: Signals) -> Saved:
        return Saved(inputs=True)


class Concat(Layer):
    """Puts its inputs behind one another along one side: all that each branch found, side by side."""

    group, target = "Merge", "torch.cat"
    aliases = ("concatenate", "cat", "join", "concatenation")
    positional = 1
    formula = r"y = [x_1;\, x_2;\, \dots]"
    inputs = ("x*",)
    function = True

    dim: Dim = Field(1, title="Side", description="Side to join along; 0 is the batch and cannot be it.")

    def infer(self, *x: Signal) -> Signals:
        at, rank = at_side(self.dim, x[0], Suggestion(say("Join along side 1"), {"dim": 1})), len(x[0].shape) + 1
        rests = {(signal.shape[:at], signal.shape[at + 1 :], signal.dtype, len(signal.shape)) for signal in x}
        if len(rests) > 1:
            raise ShapeProblem(
                "shape/merge-mismatch",
                "{node} cannot join what does not match",
                say(
                    "Every side but side {side} must be the same; the inputs are {shapes}.",
                    side=at + 1,
                    shapes=" and ".join(map(str, x)),
                ),
                *(
                    Suggestion(say("Join along side {side}", side=other), {"dim": other})
                    for other in range(1, rank)
                    if other != at + 1
                ),
            )
        shape = (*x[0].shape[:at], sum(signal.shape[at] for signal in x), *x[0].shape[at + 1 :])
        axes = x[0].axes if len({signal.axes for signal in x}) == 1 else AXES_OF_RANK[len(shape)]
        same = len({signal.classes for signal in x}) == 1
        return (Signal(shape, axes, x[0].dtype, x[0].classes if same else None),)

    def sizes(self, x: Signals, y: Signals) -> tuple[Worked, ...]:
        at = at_side(self.dim, x[0])
        return (Worked("size", " + ".join(str(signal.shape[at]) for signal in x), y[0].shape[at]),)

    def window(self, *x: Signal) -> Window | None:
        return single_positions(x[0]) if at_side(self.dim, x[0]) == 0 else None
