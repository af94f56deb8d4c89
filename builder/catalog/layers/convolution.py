"""Convolutions."""

from collections.abc import Iterator
from math import gcd
from typing import TYPE_CHECKING, Any, ClassVar, Literal

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
    weighted_flops,
)
from builder.catalog.layers.dense import Count
from builder.catalog.layers.window import (
    AXES,
    Margins,
    Pad,
    Pad2,
    Pad3,
    Rule,
    Small,
    Small2,
    Small3,
    as_pad,
    is_even,
    margins,
    mirrors,
    per_side,
    reach,
    slide,
    slide_worked,
)
from builder.catalog.signal import Shape, Signal
from builder.problem import say

ADVANCED: dict[str, Any] = {"advanced": True}


ZEROS = Suggestion(say("Pad with zeros"), {"padding_mode": "zeros"})


class _Sliding(Layer):
    """What convolutions in one, two and three dimensions share, forward and transposed."""

    rank: ClassVar[int]

    out_channels: Count = Field(32, title="Filters", description="Patterns to look for: one output channel each.")

    if TYPE_CHECKING:  # what every subclass has, in its own number of dimensions and in PyTorch's order
        kernel_size: Any
        stride: Any
        padding: Any
        dilation: Any
        groups: Any
        bias: Any

    def _fits(self, x: Signal) -> None:
        """Refuse what has another number of dimensions, and channels that do not fall into the groups."""
        expect_axes(x, AXES[self.rank], layer=self)
        channels, common = x.shape[0], gcd(x.shape[0], self.out_channels)
        if common % self.groups:
            raise ShapeProblem(
                "shape/groups",
                "{node} cannot be split into groups",
                say(
                    "Both the {channels} channels that come in and the {filters} filters must be a multiple of groups = {groups}.",
                    channels=channels, filters=self.out_channels, groups=self.groups,
                ),
                Suggestion(say("Set groups to 1"), {"groups": 1}),
                *self._as_many_filters_as_groups(channels),
            )  # fmt: skip

    def _as_many_filters_as_groups(self, channels: int) -> Iterator[Suggestion]:
        """The nearest numbers of filters that fall into the groups, where the channels do."""
        fewer = self.out_channels // self.groups * self.groups
        for filters in (fewer, fewer + self.groups) if channels % self.groups == 0 else ():
            if filters:
                yield Suggestion(say("Set out_channels to {filters}", filters=filters), {"out_channels": filters})

    def _per_side(self, value: int | Shape) -> Shape:
        return per_side(value, self.rank)

    def flops(self, x: Signals, y: Signals) -> int:
        return weighted_flops(self.macs(x, y), y[0].numbers, self.bias)

    def saved(self, x: Signals, y: Signals) -> Saved:
        return Saved(inputs=True)


class _Conv(_Sliding):
    """What forward convolutions share."""

    if TYPE_CHECKING:
        padding_mode: Any

    def _added(self, x: Signal) -> Margins:
        kernel, dilation = self._per_side(self.kernel_size), self._per_side(self.dilation)
        return margins(self.padding, x.shape[1:], reach(kernel, dilation), self._per_side(self.stride))

    def _sliding(self, x: Signal) -> tuple[Shape, Shape, Shape, Margins, Shape]:
        """Sides, window, stride, margins, dilation."""
        return (
            x.shape[1:],
            self._per_side(self.kernel_size),
            self._per_side(self.stride),
            self._added(x),
            self._per_side(self.dilation),
        )

    def runs(self, *x: Signal) -> str:
        return self.target if is_even(self._added(x[0])) else f"PaddedConv{self.rank}d"

    def args(self, *x: Signal) -> dict[str, Any]:
        given = {"in_channels": x[0].shape[0], **self.model_dump()}
        added = self._added(x[0])
        strided = any(step > 1 for step in self._per_side(self.stride))
        if not is_even(added):
            del given["padding"]
            given["margins"] = as_pad(added)
        elif (self.padding == "same" and strided) or self._both_ends():
            before = tuple(pair[0] for pair in added)
            given["padding"] = before[0] if len(set(before)) == 1 else before
        return given

    def _both_ends(self) -> bool:
        """Whether padding is given for both ends of every side."""
        return isinstance(self.padding, tuple) and len(self.padding) == 2 * self.rank

    def infer(self, *x: Signal) -> Signals:
        self._fits(x[0])
        sides = slide(*self._sliding(x[0]))
        mirrors(self.padding_mode, x[0].shape[1:], self._added(x[0]), ZEROS)
        return (Signal((self.out_channels, *sides), x[0].axes),)

    def parameters(self, *x: Signal) -> dict[str, Shape]:
        weight = (self.out_channels, x[0].shape[0] // self.groups, *self._per_side(self.kernel_size))
        return {"weight": weight, "bias": (self.out_channels,)} if self.bias else {"weight": weight}

    def products(self, x: Signals, y: Signals) -> tuple[Shape, ...]:
        taps = (*self._per_side(self.kernel_size), x[0].shape[0] // self.groups)
        return ((*y[0].shape[1:], self.out_channels, *taps),)

    def window(self, *x: Signal) -> Window:
        kernel, dilation = self._per_side(self.kernel_size), self._per_side(self.dilation)
        return tuple(zip(reach(kernel, dilation), self._per_side(self.stride), strict=True))

    def sizes(self, x: Signals, y: Signals) -> tuple[Worked, ...]:
        return slide_worked(*self._sliding(x[0]))


_KERNEL: Any = Field(3, title="Kernel", description="Sides of each filter; one number for all.")
_STRIDE: Any = Field(1, description="Positions to move between two looks.")


def _padding(numbers: str) -> Any:
    return Field(
        0,
        description=f"Zeros added around the border: one number for all, {numbers}, "
        "'same' (TensorFlow's rule: side / stride, rounded up, comes out) or 'valid' (none).",
    )


_DILATION: Any = Field(1, description="Positions between neighbouring taps of a filter.", json_schema_extra=ADVANCED)
_GROUPS: Any = Field(
    1,
    description="Channels are split into this many groups that do not mix; as many as channels: depthwise.",
    json_schema_extra=ADVANCED,
)
_BIAS: Any = Field(True, description="Add a learned number to every filter's output.", json_schema_extra=ADVANCED)
_MODE: Any = Field("zeros", description="What stands in the border.", json_schema_extra=ADVANCED)

Mode = Literal["zeros", "reflect", "replicate", "circular"]


class Conv1d(_Conv):
    """Slides learned filters along a line (a sound, a sensor, a text); each reports where its pattern appears."""

    group, target, rank = "Convolution", "nn.Conv1d", 1
    aliases = ("convolution 1d", "temporal convolution")
    positional = 3
    initialized = ("nn.Conv1d",)
    formula = r"y_o = b_o + \sum_i W_{o,i} \star x_i"

    kernel_size: Small = _KERNEL
    stride: Small = _STRIDE
    padding: Pad | tuple[Pad, Pad] | Rule = _padding("two (left, right)")
    dilation: Small = _DILATION
    groups: Count = _GROUPS
    bias: bool = _BIAS
    padding_mode: Mode = _MODE


class Conv2d(_Conv):
    """Slides learned filters over an image; each filter reports where its pattern appears."""

    group, target, rank = "Convolution", "nn.Conv2d", 2
    aliases = (
        "conv",
        "convolution",
        "convolution 2d",
        "depthwise conv",
        "depthwise conv 2d",
        "depthwise convolution",
        "pointwise convolution",
        "grouped convolution",
        "atrous convolution",
        "dilated convolution",
    )
    positional = 3
    initialized = ("nn.Conv2d",)
    formula = r"y_o = b_o + \sum_i W_{o,i} \star x_i"

    kernel_size: Small2 = _KERNEL
    stride: Small2 = _STRIDE
    padding: Pad2 | tuple[Pad, Pad, Pad, Pad] | Rule = _padding("two (height, width), four (left, right, top, bottom)")
    dilation: Small2 = _DILATION
    groups: Count = _GROUPS
    bias: bool = _BIAS
    padding_mode: Mode = _MODE


class Conv3d(_Conv):
    """Slides learned filters through a volume (a scan, a film); each reports where its pattern appears."""

    group, target, rank = "Convolution", "nn.Conv3d", 3
    aliases = ("convolution 3d",)
    positional = 3
    initialized = ("nn.Conv3d",)
    formula = r"y_o = b_o + \sum_i W_{o,i} \star x_i"

    kernel_size: Small3 = _KERNEL
    stride: Small3 = _STRIDE
    padding: Pad3 | tuple[Pad, Pad, Pad, Pad, Pad, Pad] | Rule = _padding(
        "three (depth, height, width), six (left, right, top, bottom, front, back)"
    )
    dilation: Small3 = _DILATION
    groups: Count = _GROUPS
    bias: bool = _BIAS
    padding_mode: Mode = _MODE


class _ConvTranspose(_Sliding):
    """What transposed convolutions share: each position of the input paints its filters onto the output."""

    if TYPE_CHECKING:
        output_padding: Any

    def args(self, *x: Signal) -> dict[str, Any]:
        return {"in_channels": x[0].shape[0], **self.model_dump()}

    def infer(self, *x: Signal) -> Signals:
        self._fits(x[0])
        stride, dilation = self._per_side(self.stride), self._per_side(self.dilation)
        extra = self._per_side(self.output_padding)
        if any(more >= max(step, d) for more, step, d in zip(extra, stride, dilation, strict=True)):
            raise ShapeProblem(
                "shape/output-padding",
                "{node} has too much output_padding",
                say(
                    "It chooses between sizes that one stride leaves open: less than stride ({stride}) or dilation ({dilation}) is needed; it is {extra}.",
                    stride=times(stride), dilation=times(dilation), extra=times(extra),
                ),
                Suggestion(say("Set output_padding to 0"), {"output_padding": 0}),
            )  # fmt: skip
        sides = tuple(work.result for work in self._worked(x[0]))
        if min(sides) < 1:
            raise ShapeProblem(
                "shape/nothing-left",
                "{node} gives nothing",
                say("Padding is cut off what comes out, and here that leaves {sides}.", sides=times(sides)),
                Suggestion(say("Set padding to 0"), {"padding": 0}),
            )
        return (Signal((self.out_channels, *sides), x[0].axes),)

    def _worked(self, x: Signal) -> list[Worked]:
        """(n - 1) s - 2p + d(k - 1) + 1 + output_padding (torch.nn.ConvTranspose2d), side by side."""
        found = []
        for n, k, s, p, d, more in zip(
            x.shape[1:],
            *map(self._per_side, (self.kernel_size, self.stride, self.padding, self.dilation, self.output_padding)),
            strict=True,
        ):
            wide = str(k) if d == 1 else f"{d} x ({k} - 1) + 1"
            expression = f"({n} - 1) x {s} - 2 x {p} + {wide}" + (f" + {more}" if more else "")
            found.append(Worked("size", expression, (n - 1) * s - 2 * p + d * (k - 1) + 1 + more))
        return found

    def sizes(self, x: Signals, y: Signals) -> tuple[Worked, ...]:
        return tuple(dict.fromkeys(self._worked(x[0])))

    def parameters(self, *x: Signal) -> dict[str, Shape]:
        weight = (x[0].shape[0], self.out_channels // self.groups, *self._per_side(self.kernel_size))
        return {"weight": weight, "bias": (self.out_channels,)} if self.bias else {"weight": weight}

    def products(self, x: Signals, y: Signals) -> tuple[Shape, ...]:
        taps = (*self._per_side(self.kernel_size), self.out_channels // self.groups)
        return ((*x[0].shape[1:], x[0].shape[0], *taps),)

    def window(self, *x: Signal) -> Window:
        reaches = reach(self._per_side(self.kernel_size), self._per_side(self.dilation))
        return tuple((-(-wide // s), 1 / s) for wide, s in zip(reaches, self._per_side(self.stride), strict=True))


_EXTRA: Any = Field(
    0, description="Positions added at the end, where a stride leaves several sizes open.", json_schema_extra=ADVANCED
)
_CUT: Any = Field(0, description="Positions cut off around the border of what comes out.")


class ConvTranspose1d(_ConvTranspose):
    """Makes a line longer: every position paints a learned pattern, and where patterns overlap they add up."""

    group, target, rank = "Convolution", "nn.ConvTranspose1d", 1
    aliases = ("conv 1d transpose", "transposed convolution 1d", "deconv 1d")
    positional = 3
    initialized = ("nn.ConvTranspose1d",)
    formula = r"y_o[s\,t + j] \mathrel{+}= \sum_i W_{i,o}[j]\, x_i[t]"

    kernel_size: Small = _KERNEL
    stride: Small = _STRIDE
    padding: Pad = _CUT
    output_padding: Pad = _EXTRA
    groups: Count = _GROUPS
    bias: bool = _BIAS
    dilation: Small = _DILATION


class ConvTranspose2d(_ConvTranspose):
    """Makes an image larger: every position paints a learned pattern, and where patterns overlap they add up."""

    group, target, rank = "Convolution", "nn.ConvTranspose2d", 2
    aliases = (
        "deconv",
        "deconvolution",
        "transposed convolution",
        "conv transpose",
        "transposed conv",
        "conv 2d transpose",
        "deconv 2d",
        "fractionally strided convolution",
    )
    positional = 3
    initialized = ("nn.ConvTranspose2d",)
    formula = r"y_o[s\,t + j] \mathrel{+}= \sum_i W_{i,o}[j]\, x_i[t]"

    kernel_size: Small2 = _KERNEL
    stride: Small2 = _STRIDE
    padding: Pad2 = _CUT
    output_padding: Pad2 = _EXTRA
    groups: Count = _GROUPS
    bias: bool = _BIAS
    dilation: Small2 = _DILATION
