"""Pooling: a line, an image or a volume is made smaller, without weights."""

from math import prod
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field

from builder.catalog.layers.base import (
    Layer,
    Saved,
    ShapeProblem,
    Signals,
    Suggestion,
    Window,
    Worked,
    expect_axes,
    times,
)
from builder.catalog.layers.window import (
    AXES,
    Margins,
    Pad,
    Pad2,
    Pad3,
    Small,
    Small2,
    Small3,
    per_side,
    reach,
    slide,
    slide_worked,
)
from builder.catalog.signal import Shape, Signal
from builder.problem import say

ADVANCED: dict[str, Any] = {"advanced": True}


class _Pool(Layer):
    """What pooling windows share in one, two and three dimensions."""

    group: ClassVar[str] = "Pooling"
    rank: ClassVar[int]
    inside: ClassVar[bool] = False
    """Whether the window has to fit without padding and `ceil_mode`, as PyTorch's means in three dimensions have to."""

    if TYPE_CHECKING:  # what every subclass has, in its own number of dimensions; some have dilation, some no padding
        kernel_size: Any
        stride: Any
        ceil_mode: Any

    def _per_side(self, value: int | Shape) -> Shape:
        return per_side(value, self.rank)

    def _sliding(self, x: Signal) -> tuple[Shape, Shape, Shape, Margins, Shape]:
        """Sides, window, stride, margins, dilation."""
        kernel = self._per_side(self.kernel_size)
        padding = self._per_side(getattr(self, "padding", 0))
        return (
            x.shape[1:],
            kernel,
            kernel if self.stride is None else self._per_side(self.stride),
            tuple((pad, pad) for pad in padding),
            self._per_side(getattr(self, "dilation", 1)),
        )

    def infer(self, *x: Signal) -> Signals:
        expect_axes(x[0], AXES[self.rank], layer=self)
        sides, kernel, stride, added, dilation = self._sliding(x[0])
        most = tuple(side // 2 for side in kernel)
        if any(pad > half for (pad, _), half in zip(added, most, strict=True)):
            raise ShapeProblem(
                "shape/padding-too-large",
                "{node} has too much padding",
                say(
                    "Padding may be at most half the window, {kernel} // 2 = {most}, and it is {padding}.",
                    kernel=times(kernel), most=times(most), padding=times(pad for pad, _ in added),
                ),
                Suggestion(say("Set padding to {padding}", padding=min(most)), {"padding": min(most)}),
            )  # fmt: skip
        self._sees_something(sides, kernel, stride, added, dilation)
        if self.inside and any(wide > side for wide, side in zip(kernel, sides, strict=True)):
            smaller = min(map(min, kernel, sides))
            raise ShapeProblem(
                "shape/window-too-large",
                "{node} does not fit",
                say(
                    "In three dimensions a mean's window has to fit without padding; it is {kernel}, and the sides are {sides}.",
                    kernel=times(kernel), sides=times(sides),
                ),
                Suggestion(say("Set kernel_size to {kernel}", kernel=smaller), {"kernel_size": smaller}),
            )  # fmt: skip
        return (
            Signal((x[0].shape[0], *slide(sides, kernel, stride, added, dilation, most, self.ceil_mode)), x[0].axes),
        )

    def _sees_something(self, sides: Shape, kernel: Shape, stride: Shape, added: Margins, dilation: Shape) -> None:
        """Refuse windows that begin in the padding and step over the whole side: PyTorch writes beyond its memory then."""
        for side, k, step, (before, _), d in zip(sides, kernel, stride, added, dilation, strict=True):
            for start in range(-before, 0, step):
                if start % d >= side or start % d - start > d * (k - 1):
                    raise ShapeProblem(
                        "shape/only-padding",
                        "{node} looks at nothing but padding",
                        say(
                            "A window that begins {before} before the side looks at every {d}th position, and steps over all {side} that there are.",
                            before=-start, d=d, side=side,
                        ),
                        Suggestion(say("Set dilation to 1"), {"dilation": 1}),
                        Suggestion(say("Set padding to 0"), {"padding": 0}),
                    )  # fmt: skip

    def operations(self, x: Signals, y: Signals) -> dict[str, int]:
        return {"pooling": y[0].numbers * prod(self._per_side(self.kernel_size))}

    def window(self, *x: Signal) -> Window:
        _, kernel, stride, _, dilation = self._sliding(x[0])
        return tuple(zip(reach(kernel, dilation), stride, strict=True))

    def sizes(self, x: Signals, y: Signals) -> tuple[Worked, ...]:
        return slide_worked(*self._sliding(x[0]), ceil=self.ceil_mode)

    def saved(self, x: Signals, y: Signals) -> Saved:
        return Saved(inputs=True)


_KERNEL: Any = Field(2, title="Window", description="Sides of the window; one number for all.")
_STRIDE: Any = Field(None, description="Positions to move between two looks; empty: as many as the window's side.")
_PADDING: Any = Field(
    0,
    description="Positions added around the border, at most half the window: one number for all sides, or one for each "
    "([depth,] height, width).",
)
_DILATION: Any = Field(1, description="Positions between neighbouring taps of the window.", json_schema_extra=ADVANCED)
_CEIL: Any = Field(
    False, description="Let a last window reach over the end, so that nothing is left out.", json_schema_extra=ADVANCED
)
_COUNT: Any = Field(True, description="Whether padding counts as zeros in the mean.", json_schema_extra=ADVANCED)
_NORM: Any = Field(
    2.0,
    title="Norm p",
    description="1 sums up, 2 is the length, large ones come near the maximum. Odd (3, 5 ...) and fractional ones need numbers "
    "that are not negative.",
)
_SIZE: Any = Field(1, title="Size", description="Sides of what comes out; one number for all.")

Norm = Annotated[float, Field(ge=1, le=100)]


class _MaxPool(_Pool):
    """What windows share that keep the largest number."""

    def saved(self, x: Signals, y: Signals) -> Saved:
        """And of each largest number where it was, in eight bytes."""
        return Saved(inputs=True, besides=2 * y[0].numbers)


class MaxPool1d(_MaxPool):
    """Keeps the largest number of each window along a line: whether a pattern is there, no longer where exactly."""

    target, rank = "nn.MaxPool1d", 1
    aliases = ("max pooling 1d",)
    positional = 1
    formula = r"y = \max_{i \in \text{window}} x_i"

    kernel_size: Small = _KERNEL
    stride: Small | None = _STRIDE
    padding: Pad = _PADDING
    dilation: Small = _DILATION
    ceil_mode: bool = _CEIL


class MaxPool2d(_MaxPool):
    """Keeps the largest number of each window: whether a pattern is there, no longer where exactly."""

    target, rank = "nn.MaxPool2d", 2
    aliases = ("maxpool", "max pooling", "pool", "pooling", "max pooling 2d", "subsampling")
    positional = 1
    formula = r"y = \max_{i \in \text{window}} x_i"

    kernel_size: Small2 = _KERNEL
    stride: Small2 | None = _STRIDE
    padding: Pad2 = _PADDING
    dilation: Small2 = _DILATION
    ceil_mode: bool = _CEIL


class MaxPool3d(_MaxPool):
    """Keeps the largest number of each window of a volume: whether a pattern is there, no longer where exactly."""

    target, rank = "nn.MaxPool3d", 3
    aliases = ("max pooling 3d",)
    positional = 1
    formula = r"y = \max_{i \in \text{window}} x_i"

    kernel_size: Small3 = _KERNEL
    stride: Small3 | None = _STRIDE
    padding: Pad3 = _PADDING
    dilation: Small3 = _DILATION
    ceil_mode: bool = _CEIL


class AvgPool1d(_Pool):
    """Replaces each window along a line by its mean, so that small shifts matter less."""

    target, rank = "nn.AvgPool1d", 1
    aliases = ("average pooling 1d",)
    positional = 1
    formula = r"y = \operatorname{mean}_{i \in \text{window}} x_i"

    kernel_size: Small = _KERNEL
    stride: Small | None = _STRIDE
    padding: Pad = _PADDING
    ceil_mode: bool = _CEIL
    count_include_pad: bool = _COUNT


class AvgPool2d(_Pool):
    """Replaces each window by its mean, so that small shifts of the image matter less."""

    target, rank = "nn.AvgPool2d", 2
    aliases = ("avgpool", "average pooling", "mean pooling", "average pooling 2d")
    positional = 1
    formula = r"y = \operatorname{mean}_{i \in \text{window}} x_i"

    kernel_size: Small2 = _KERNEL
    stride: Small2 | None = _STRIDE
    padding: Pad2 = _PADDING
    ceil_mode: bool = _CEIL
    count_include_pad: bool = _COUNT


class AvgPool3d(_Pool):
    """Replaces each window of a volume by its mean, so that small shifts matter less."""

    target, rank = "nn.AvgPool3d", 3
    aliases = ("average pooling 3d",)
    inside = True
    positional = 1
    formula = r"y = \operatorname{mean}_{i \in \text{window}} x_i"

    kernel_size: Small3 = _KERNEL
    stride: Small3 | None = _STRIDE
    padding: Pad3 = _PADDING
    ceil_mode: bool = _CEIL
    count_include_pad: bool = _COUNT


class _LPPool(_Pool):
    """What windows share that take a norm."""

    def saved(self, x: Signals, y: Signals) -> Saved:
        """Powers, their mean, and three steps on the way to its root."""
        return Saved(inputs=True, besides=x[0].numbers + 4 * y[0].numbers)


class LPPool1d(_LPPool):
    """Replaces each window along a line by its norm: between the sum (p = 1) and the maximum (p large).

    An odd or fractional p needs numbers that are not negative, as a ReLU gives them; others make roots that do not exist (NaN).
    """

    target, rank = "nn.LPPool1d", 1
    positional = 2
    formula = r"y = \left(\sum_{i \in \text{window}} x_i^p\right)^{1/p}"

    norm_type: Norm = _NORM
    kernel_size: Small = _KERNEL
    stride: Small | None = _STRIDE
    ceil_mode: bool = _CEIL


class LPPool2d(_LPPool):
    """Replaces each window by its norm: between the sum (p = 1) and the maximum (p large).

    An odd or fractional p needs numbers that are not negative, as a ReLU gives them; others make roots that do not exist (NaN).
    """

    target, rank = "nn.LPPool2d", 2
    aliases = ("lp pooling", "l2 pooling", "power average pooling")
    positional = 2
    formula = r"y = \left(\sum_{i \in \text{window}} x_i^p\right)^{1/p}"

    norm_type: Norm = _NORM
    kernel_size: Small2 = _KERNEL
    stride: Small2 | None = _STRIDE
    ceil_mode: bool = _CEIL


class LPPool3d(_LPPool):
    """Replaces each window of a volume by its norm: between the sum (p = 1) and the maximum (p large).

    An odd or fractional p needs numbers that are not negative, as a ReLU gives them; others make roots that do not exist (NaN).
    """

    target, rank = "nn.LPPool3d", 3
    inside = True
    positional = 2
    formula = r"y = \left(\sum_{i \in \text{window}} x_i^p\right)^{1/p}"

    norm_type: Norm = _NORM
    kernel_size: Small3 = _KERNEL
    stride: Small3 | None = _STRIDE
    ceil_mode: bool = _CEIL


class _Adaptive(Layer):
    """What adaptive pooling shares: what comes out has a fixed size, whatever comes in."""

    group: ClassVar[str] = "Pooling"
    rank: ClassVar[int]

    if TYPE_CHECKING:
        output_size: Any

    def infer(self, *x: Signal) -> Signals:
        expect_axes(x[0], AXES[self.rank], layer=self)
        return (Signal((x[0].shape[0], *per_side(self.output_size, self.rank)), x[0].axes),)

    def operations(self, x: Signals, y: Signals) -> dict[str, int]:
        return {"pooling": max(x[0].numbers, y[0].numbers)}

    def saved(self, x: Signals, y: Signals) -> Saved:
        """Nothing where one number is left of each channel: PyTorch takes the plain mean then."""
        return Saved(inputs=set(y[0].shape[1:]) != {1})


class AdaptiveAvgPool1d(_Adaptive):
    """Averages a line of any length down to a fixed one; with size 1, one number per channel (global average pooling)."""

    target, rank = "nn.AdaptiveAvgPool1d", 1
    aliases = ("global average pooling 1d",)
    positional = 1
    formula = r"y_i = \operatorname{mean} x_{\lfloor iL/s \rfloor : \lceil (i+1)L/s \rceil}"

    output_size: Small = _SIZE


class AdaptiveAvgPool2d(_Adaptive):
    """Averages an image of any size down to a fixed one; with size 1, one number per channel (global average pooling)."""

    target, rank = "nn.AdaptiveAvgPool2d", 2
    aliases = ("global average pooling", "global avg pool", "gap", "global average pooling 2d")
    positional = 1
    formula = r"y_{ij} = \operatorname{mean} x_{\lfloor iH/s \rfloor : \lceil (i+1)H/s \rceil,\ \lfloor jW/s \rfloor : \lceil (j+1)W/s \rceil}"

    output_size: Small2 = _SIZE


class AdaptiveAvgPool3d(_Adaptive):
    """Averages a volume of any size down to a fixed one; with size 1, one number per channel (global average pooling)."""

    target, rank = "nn.AdaptiveAvgPool3d", 3
    aliases = ("global average pooling 3d",)
    positional = 1
    formula = r"y = \operatorname{mean}_{\text{cell}} x"

    output_size: Small3 = _SIZE


class _AdaptiveMaxPool(_Adaptive):
    """What adaptive pooling shares that keeps the largest number."""

    def saved(self, x: Signals, y: Signals) -> Saved:
        """And of each largest number where it was, in eight bytes."""
        return Saved(inputs=True, besides=2 * y[0].numbers)


class AdaptiveMaxPool1d(_AdaptiveMaxPool):
    """Keeps the largest numbers of a line of any length; with size 1, one number per channel (global max pooling)."""

    target, rank = "nn.AdaptiveMaxPool1d", 1
    aliases = ("global max pooling 1d",)
    positional = 1
    formula = r"y_i = \max x_{\lfloor iL/s \rfloor : \lceil (i+1)L/s \rceil}"

    output_size: Small = _SIZE


class AdaptiveMaxPool2d(_AdaptiveMaxPool):
    """Keeps the largest numbers of an image of any size; with size 1, one number per channel (global max pooling)."""

    target, rank = "nn.AdaptiveMaxPool2d", 2
    aliases = ("global max pooling", "global max pool", "gmp", "global max pooling 2d")
    positional = 1
    formula = r"y_{ij} = \max x_{\lfloor iH/s \rfloor : \lceil (i+1)H/s \rceil,\ \lfloor jW/s \rfloor : \lceil (j+1)W/s \rceil}"

    output_size: Small2 = _SIZE


class AdaptiveMaxPool3d(_AdaptiveMaxPool):
    """Keeps the largest numbers of a volume of any size; with size 1, one number per channel (global max pooling)."""

    target, rank = "nn.AdaptiveMaxPool3d", 3
    aliases = ("global max pooling 3d",)
    positional = 1
    formula = r"y = \max_{\text{cell}} x"

    output_size: Small3 = _SIZE
