"""Layers that change how numbers are arranged, not the numbers, and those that take or make positions."""

from math import prod
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from builder.catalog.layers.base import (
    Layer,
    ShapeProblem,
    Signals,
    Suggestion,
    Window,
    Worked,
    expect_axes,
    expect_floats,
    positions,
    single_positions,
    times,
)
from builder.catalog.layers.sides import LAST, Dim, at_side, known_axes
from builder.catalog.layers.window import AXES, Margins, Small, as_pad, margins, mirrors, padded
from builder.catalog.layers.window import Pad as Margin
from builder.catalog.signal import AXES_OF_RANK, Shape, Signal
from builder.problem import say

ADVANCED: dict[str, Any] = {"advanced": True}


class Identity(Layer):
    """Gives what it gets: a place to join at, and the activation of an output that may be any number."""

    group, target = "Shape", "nn.Identity"
    aliases = ("linear activation", "none", "noop", "pass through")
    formula = r"y = x"
    view = True
    pointwise = True


class Flatten(Layer):
    """Lays the numbers of a sample out in one row, so that a dense layer can read an image."""

    group, target = "Shape", "nn.Flatten"
    aliases = ("vectorize", "ravel")
    formula = r"y = (x_1, x_2, \dots, x_n)"
    view = True

    start_dim: Annotated[int, Field(ge=1, le=4)] = Field(1, description="First side to join; 0 is the batch and stays.")
    end_dim: Dim = Field(-1, description="Last side to join; -1 is the last one.")

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

    def sizes(self, x: Signals, y: Signals) -> tuple[Worked, ...]:
        joined = x[0].shape[self.start_dim - 1 : len(x[0].shape) - len(y[0].shape) + self.start_dim]
        return (Worked("size", times(joined), prod(joined)),) if len(joined) > 1 else ()


class Reshape(Layer):
    """Gives the numbers of a sample other sides, in the same order: 784 in a row become an image of 1 x 28 x 28."""

    group, target = "Shape", "Reshape"
    aliases = ("view", "unflatten")
    positional = 1
    formula = r"y_{1 \dots m} = x_{1 \dots n},\quad \text{number by number}"
    view = True

    shape: tuple[Annotated[int, Field(ge=-1, le=1_000_000)], ...] = Field(
        (-1,), max_length=4, description="Sides without the batch; one of them may be -1: what is left."
    )
    axes: Literal["F", "TF", "CL", "HW", "TT", "CHW", "CDHW"] | None = Field(
        None,
        description="What the sides are: C channel, L length, T time, F feature ...; empty: as usual for so many.",
        json_schema_extra=ADVANCED,
    )

    @model_validator(mode="after")
    def is_a_shape(self) -> Self:
        if 0 in self.shape or self.shape.count(-1) > 1:
            raise ValueError(say("shape is {shape}: no side can be 0, and one alone can be -1", shape=list(self.shape)))
        if self.axes is not None and len(self.axes) != len(self.shape):
            raise ValueError(
                say("axes {axes} name {named} sides, shape has {given}", axes=self.axes, named=len(self.axes), given=len(self.shape))
            )  # fmt: skip
        return self

    def args(self, *x: Signal) -> dict[str, Any]:
        return {"shape": self.shape}

    def infer(self, *x: Signal) -> Signals:
        given = prod(side for side in self.shape if side > 0)
        left, rest = divmod(x[0].numbers, given)
        if rest or (-1 not in self.shape and left != 1):
            raise ShapeProblem(
                "shape/reshape",
                "{node} cannot arrange its input so",
                say(
                    "{shape} holds {wanted} numbers, and {numbers} come in ({arithmetic}).",
                    shape=" x ".join("?" if side < 0 else str(side) for side in self.shape) or "1 number",
                    wanted=say("a multiple of {count}", count=given) if -1 in self.shape else given,
                    numbers=x[0].numbers, arithmetic=x[0],
                ),
                *self._left_open(),
                Suggestion(say("Lay them out in one row"), {"shape": [-1], "axes": None}),
            )  # fmt: skip
        shape = tuple(left if side < 0 else side for side in self.shape)
        return (Signal(shape, self.axes or AXES_OF_RANK[len(shape)], x[0].dtype, x[0].classes),)

    def _left_open(self) -> list[Suggestion]:
        """Each side in turn given what the others leave."""
        if -1 in self.shape:
            return []
        return [
            Suggestion(
                say("Let side {side} be what is left", side=at + 1),
                {"shape": [*self.shape[:at], -1, *self.shape[at + 1 :]]},
            )
            for at in range(len(self.shape))
        ]

    def sizes(self, x: Signals, y: Signals) -> tuple[Worked, ...]:
        if -1 not in self.shape:
            return ()
        left = y[0].shape[self.shape.index(-1)]
        others = times(side for side in self.shape if side > 0)
        numbers = times(x[0].shape)
        return (Worked("size", numbers if len(self.shape) == 1 else f"{numbers} // ({others})", left),)


class Permute(Layer):
    """Puts the sides of every sample in another order: channels along a line become a sequence of features, and back."""

    group, target = "Shape", "Permute"
    aliases = ("transpose", "swap", "rearrange")
    positional = 1
    formula = r"y_{ji} = x_{ij}"
    view = True

    dims: tuple[Annotated[int, Field(ge=1, le=4)], ...] = Field(
        (2, 1), title="Order", max_length=4, description="Sides in their new order, counted from 1; 0 is the batch and stays."
    )  # fmt: skip

    def infer(self, *x: Signal) -> Signals:
        rank = len(x[0].shape)
        if sorted(self.dims) != list(range(1, rank + 1)):
            raise ShapeProblem(
                "shape/no-such-side",
                "{node} has not got these sides",
                say("Each side from 1 to {rank} has to stand in dims once; dims is {dims}.", rank=rank, dims=list(self.dims)),
                *([Suggestion(say("Turn the order round"), {"dims": list(range(rank, 0, -1))})] if rank > 1 else []),
            )  # fmt: skip
        turned = "".join(x[0].axes[side - 1] for side in self.dims)
        axes = _TURNED.get(turned) or known_axes(turned)
        return (Signal(tuple(x[0].shape[side - 1] for side in self.dims), axes, x[0].dtype, x[0].classes),)


_TURNED = {"LC": "TF", "FT": "CL", "WH": "HW"}
"""What two sides are after a change of places: a channel at every place of a line is a feature at every time."""


_PADS = {"reflect": "nn.ReflectionPad", "replicate": "nn.ReplicationPad", "circular": "nn.CircularPad"}


class Pad(Layer):
    """Adds positions around a line, an image or a volume: zeros, another number, or what is inside."""

    group, target = "Shape", "nn.ZeroPad2d"
    aliases = ("zeropad", "zero padding", "padding", "zero padding 2d")
    positional = 1
    formula = r"y_{i + p} = x_i"

    padding: (
        Margin
        | tuple[Margin, Margin]
        | tuple[Margin, Margin, Margin]
        | tuple[Margin, Margin, Margin, Margin]
        | tuple[Margin, Margin, Margin, Margin, Margin, Margin]
    ) = Field(
        1,
        description="Positions added: one number for all sides, one for each ([depth,] height, width), or two for each: (left, right) of a line, "
        "(left, right, top, bottom) of an image, (left, right, top, bottom, front, back) of a volume.",
    )
    mode: Literal["constant", "reflect", "replicate", "circular"] = Field(
        "constant", description="What stands there: a number, a mirror image, the edge again, the other end."
    )
    value: Annotated[float, Field(ge=-1e6, le=1e6)] = Field(0.0, description="The number, where it is one.")

    def _added(self, x: Signal) -> Margins:
        return margins(self.padding, x.shape[1:], x.shape[1:], x.shape[1:])

    def runs(self, *x: Signal) -> str:
        usual = "nn.ConstantPad" if self.value else "nn.ZeroPad"
        return f"{_PADS.get(self.mode, usual)}{positions(x[0])}d"

    def args(self, *x: Signal) -> dict[str, Any]:
        given: dict[str, Any] = {"padding": as_pad(self._added(x[0]))}
        return given | {"value": self.value} if self.mode == "constant" and self.value else given

    def infer(self, *x: Signal) -> Signals:
        expect_axes(x[0], *AXES.values())
        rank = positions(x[0])
        if isinstance(self.padding, tuple) and len(self.padding) not in (rank, 2 * rank):
            raise ShapeProblem(
                "shape/padding-count",
                "{node} has the wrong number of paddings",
                say("{shape} takes one number, or {rank}, or {both}; there are {given}.", shape=x[0], rank=rank, both=2 * rank, given=len(self.padding)),
                Suggestion(say("Pad every side by {padding}", padding=max(self.padding)), {"padding": max(self.padding)}),
            )  # fmt: skip
        added = self._added(x[0])
        mirrors(self.mode, x[0].shape[1:], added, Suggestion(say("Pad with zeros"), {"mode": "constant"}))
        sides = tuple(side + sum(pair) for side, pair in zip(x[0].shape[1:], added, strict=True))
        return (Signal((x[0].shape[0], *sides), x[0].axes),)

    def window(self, *x: Signal) -> Window | None:
        return single_positions(x[0])

    def sizes(self, x: Signals, y: Signals) -> tuple[Worked, ...]:
        pairs = zip(x[0].shape[1:], self._added(x[0]), y[0].shape[1:], strict=True)
        return tuple(dict.fromkeys(Worked("size", padded(side, pair), result) for side, pair, result in pairs))


Place = Annotated[int, Field(ge=-1_000_000, le=1_000_000)]


class Slice(Layer):
    """Takes a part of one side: some steps of a sequence, some channels, the middle of an image."""

    group, target = "Shape", "Slice"
    aliases = ("crop", "cropping", "select", "narrow", "cropping 2d")
    formula = r"y = x_{\text{start} : \text{stop} : \text{step}}"
    view = True

    dim: Dim = Field(1, title="Side", description="Side to take a part of; -1 is the last, 0 the batch.")
    start: Place = Field(0, description="First position taken, from 0; negative ones count from the end.")
    stop: Place | None = Field(
        None, description="First position not taken; negative ones count from the end, empty: to the end."
    )
    step: Annotated[int, Field(ge=1, le=1_000_000)] = Field(
        1, description="Take every so many-th.", json_schema_extra=ADVANCED
    )

    def _taken(self, x: Signal) -> range:
        return range(x.shape[at_side(self.dim, x, LAST)])[self.start : self.stop : self.step]

    def infer(self, *x: Signal) -> Signals:
        taken, at = self._taken(x[0]), at_side(self.dim, x[0])
        if not taken:
            raise ShapeProblem(
                "shape/nothing-left",
                "{node} gives nothing",
                say(
                    "From {start} to before {stop} there is none of the {count} positions of side {side}.",
                    start=taken.start, stop=taken.stop, count=x[0].shape[at], side=at + 1,
                ),
                Suggestion(say("Take all of it"), {"start": 0, "stop": None}),
            )  # fmt: skip
        shape = (*x[0].shape[:at], len(taken), *x[0].shape[at + 1 :])
        return (Signal(shape, x[0].axes, x[0].dtype, x[0].classes),)

    def window(self, *x: Signal) -> Window | None:
        at = at_side(self.dim, x[0])
        return tuple((1, self.step if at == side else 1) for side in range(1, positions(x[0]) + 1)) or None

    def sizes(self, x: Signals, y: Signals) -> tuple[Worked, ...]:
        taken = self._taken(x[0])
        expression = f"{taken.stop} - {taken.start}"
        if self.step > 1:
            expression = f"({expression} - 1) // {self.step} + 1"
        return (Worked("size", expression, len(taken)),)


class Mean(Layer):
    """The mean along one side: of all steps of a sequence, of all positions of a line."""

    group, target = "Shape", "Mean"
    aliases = ("reduce mean", "temporal average pooling")
    formula = r"y = \frac{1}{n} \sum_{i=1}^{n} x_i"

    dim: Dim = Field(1, title="Side", description="Side to go along; -1 is the last, 0 the batch.")
    keepdim: bool = Field(False, title="Keep the side", description="Keep the side, with length 1.")

    def infer(self, *x: Signal) -> Signals:
        expect_floats(x[0])
        at, before = at_side(self.dim, x[0], LAST), x[0]
        if self.keepdim:
            return (Signal((*before.shape[:at], 1, *before.shape[at + 1 :]), before.axes),)
        axes = known_axes(before.axes[:at] + before.axes[at + 1 :])
        return (Signal((*before.shape[:at], *before.shape[at + 1 :]), axes),)

    def operations(self, x: Signals, y: Signals) -> dict[str, int]:
        return {"pooling": x[0].numbers}

    def window(self, *x: Signal) -> Window | None:
        return single_positions(x[0]) if self.keepdim and at_side(self.dim, x[0]) == 0 else None


class Upsample(Layer):
    """Makes a line, an image or a volume larger (or smaller): repeats the nearest position, or blends its neighbours."""

    group, target = "Shape", "nn.Upsample"
    aliases = ("resize", "interpolate", "upsampling", "unpool", "upsampling 2d", "resizing")
    formula = r"y_i = x_{\lfloor i / s \rfloor}"

    size: Small | tuple[Small, Small] | tuple[Small, Small, Small] | None = Field(
        None, description="Sides of what comes out, one number for all; empty: by the factor."
    )
    scale_factor: Annotated[float, Field(gt=0, le=16)] | None = Field(
        None, title="Factor", description="How many times longer each side becomes, where no size is given; empty: 2."
    )
    mode: Literal["nearest", "nearest-exact", "linear", "bilinear", "bicubic", "trilinear"] = Field(
        "nearest", description="'nearest' repeats; 'linear' (lines), 'bilinear', 'bicubic' (images), 'trilinear' blend."
    )
    align_corners: bool | None = Field(
        None,
        description="Let the corners of both fall together. Counts where neighbours are blended alone: linear, bilinear, bicubic, trilinear.",
        json_schema_extra=ADVANCED,
    )

    def args(self, *x: Signal) -> dict[str, Any]:
        given: dict[str, Any] = {"scale_factor": self._factor} if self.size is None else {"size": self.size}
        blends = not self.mode.startswith("nearest")
        return given | {"mode": self.mode, "align_corners": self.align_corners if blends else None}

    def infer(self, *x: Signal) -> Signals:
        expect_axes(x[0], *AXES.values())
        rank = positions(x[0])
        if _ONLY_FOR.get(self.mode, rank) != rank:
            fitting = {1: "linear", 2: "bilinear", 3: "trilinear"}[rank]
            raise ShapeProblem(
                "shape/wrong-mode",
                "{node} cannot blend so",
                say("{mode} blends along {sides} sides, and {given} has {rank}.", mode=self.mode, sides=_ONLY_FOR[self.mode], given=x[0], rank=rank),
                Suggestion(say("Use {mode}", mode=fitting), {"mode": fitting}),
                Suggestion(say("Use nearest"), {"mode": "nearest"}),
            )  # fmt: skip
        if isinstance(self.size, tuple) and len(self.size) != rank:
            raise ShapeProblem(
                "shape/size-count",
                "{node} has the wrong number of sizes",
                say("{shape} takes one number, or {rank}; there are {given}.", shape=x[0], rank=rank, given=len(self.size)),
                Suggestion(say("Make every side {size}", size=max(self.size)), {"size": max(self.size)}),
            )  # fmt: skip
        sides = self._sides(x[0])
        if min(sides) < 1:
            raise ShapeProblem(
                "shape/nothing-left",
                "{node} gives nothing",
                say("{factor} x {shape} leaves sides of {sides}.", factor=self._factor, shape=times(x[0].shape[1:]), sides=times(sides)),
                Suggestion(say("Set scale_factor to 1"), {"scale_factor": 1.0}),
            )  # fmt: skip
        return (Signal((x[0].shape[0], *sides), x[0].axes),)

    @property
    def _factor(self) -> float:
        return self.scale_factor or 2.0

    def _sides(self, x: Signal) -> Shape:
        if self.size is None:
            return tuple(int(side * self._factor) for side in x.shape[1:])
        return self.size if isinstance(self.size, tuple) else (self.size,) * positions(x)

    def sizes(self, x: Signals, y: Signals) -> tuple[Worked, ...]:
        if self.size is not None or self._factor % 1:
            return ()
        factor = int(self._factor)
        return tuple(dict.fromkeys(Worked("size", f"{side} x {factor}", side * factor) for side in x[0].shape[1:]))

    def _taps(self) -> int:
        """How many neighbours along each side are blended."""
        return 1 if self.mode.startswith("nearest") else 4 if self.mode == "bicubic" else 2

    def operations(self, x: Signals, y: Signals) -> dict[str, int]:
        """Per number: a product and a sum for every neighbour that is blended in."""
        taps = self._taps() ** positions(x[0])
        return {"interpolation": 2 * taps * y[0].numbers} if taps > 1 else {}

    def window(self, *x: Signal) -> Window:
        return tuple(
            (self._taps(), before / after) for before, after in zip(x[0].shape[1:], self._sides(x[0]), strict=True)
        )


_ONLY_FOR = {"linear": 1, "bilinear": 2, "bicubic": 2, "trilinear": 3}
"""Along how many sides a mode of Upsample blends."""
