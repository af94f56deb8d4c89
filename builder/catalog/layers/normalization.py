"""Normalization: numbers are brought to mean 0 and variance 1."""

from math import gcd
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field

from builder.catalog.layers.base import (
    Layer,
    Saved,
    ShapeProblem,
    Signals,
    Suggestion,
    expect_axes,
    expect_floats,
    times,
)
from builder.catalog.layers.dense import Count
from builder.catalog.layers.window import AXES, Small
from builder.catalog.signal import Shape, Signal
from builder.problem import say

ADVANCED: dict[str, Any] = {"advanced": True}

Tiny = Annotated[float, Field(gt=0, le=1)]
Share = Annotated[float, Field(ge=0, le=1)]

_EPS: Any = Field(1e-5, description="Keeps the division finite.", json_schema_extra=ADVANCED)
_MOMENTUM: Any = Field(
    0.1, description="Share of the newest batch in the running statistics.", json_schema_extra=ADVANCED
)
_SIDES: Any = Field(
    None,
    title="Sides",
    description="How many of the last sides are brought to one mean; empty: the features of every step, or a whole image.",
)

CHANNELS_FIRST = ("F", "CL", "CHW", "CDHW")


class _Norm(Layer):
    """What normalizations share: shapes stay as they are."""

    group: ClassVar[str] = "Normalization"
    pointwise = True

    if TYPE_CHECKING:  # of all but those that work on the last sides
        affine: bool

    def infer(self, *x: Signal) -> Signals:
        return (x[0],)

    def parameters(self, *x: Signal) -> dict[str, Shape]:
        return {"weight": x[0].shape[:1], "bias": x[0].shape[:1]} if self.affine else {}

    def operations(self, x: Signals, y: Signals) -> dict[str, int]:
        """Per number: five for its share in mean, variance and division; scale and shift."""
        return {"normalization": (7 if self.affine else 5) * y[0].numbers}

    def saved(self, x: Signals, y: Signals) -> Saved:
        return Saved(inputs=True)


class _Running(_Norm):
    """What norms share that can remember statistics for the time after training."""

    allowed: ClassVar[tuple[str, ...]]
    positional = 1

    if TYPE_CHECKING:
        track_running_stats: bool

    def args(self, *x: Signal) -> dict[str, Any]:
        return {"num_features": x[0].shape[0], **self.model_dump()}

    def infer(self, *x: Signal) -> Signals:
        expect_axes(x[0], *self.allowed, layer=self)
        return (x[0],)

    def buffers(self, *x: Signal) -> dict[str, Shape]:
        if not self.track_running_stats:
            return {}
        return {"running_mean": x[0].shape[:1], "running_var": x[0].shape[:1], "num_batches_tracked": ()}


class _BatchNorm(_Running):
    """What batch norms share: statistics of each channel over the batch and all positions."""

    eps: Tiny = _EPS
    momentum: Share = _MOMENTUM
    affine: bool = Field(True, description="Learn a scale and a shift for every channel.")
    track_running_stats: bool = Field(
        True,
        description="Remember mean and variance for the time after training, when there may be no batch.",
        json_schema_extra=ADVANCED,
    )

    def operations(self, x: Signals, y: Signals) -> dict[str, int]:
        """Per number, with the statistics at hand: subtract, divide; scale and shift."""
        return {"normalization": (4 if self.affine else 2) * y[0].numbers}

    def smallest_batch(self, *x: Signal) -> int:
        """One value per channel has no variance: PyTorch refuses it in training."""
        return 2 if x[0].numbers == x[0].shape[0] else 1


class BatchNorm1d(_BatchNorm):
    """Brings every feature to mean 0 and variance 1 over the batch, then lets it learn its own scale and shift."""

    target = "nn.BatchNorm1d"
    aliases = ("batch normalization 1d",)
    formula = r"y = \gamma \frac{x - \mu_{\text{batch}}}{\sqrt{\sigma^2_{\text{batch}} + \epsilon}} + \beta"
    allowed = ("F", "CL")


class BatchNorm2d(_BatchNorm):
    """Brings every channel of an image to mean 0 and variance 1 over the batch and all pixels, then scales and shifts it."""

    target = "nn.BatchNorm2d"
    aliases = ("batchnorm", "batch normalization", "bn", "normalization")
    formula = r"y_c = \gamma_c \frac{x_c - \mu_c}{\sqrt{\sigma_c^2 + \epsilon}} + \beta_c"
    allowed = ("CHW",)


class BatchNorm3d(_BatchNorm):
    """Brings every channel of a volume to mean 0 and variance 1 over the batch and all positions, then scales and shifts it."""

    target = "nn.BatchNorm3d"
    formula = r"y_c = \gamma_c \frac{x_c - \mu_c}{\sqrt{\sigma_c^2 + \epsilon}} + \beta_c"
    allowed = ("CDHW",)


class _InstanceNorm(_Running):
    """What instance norms share: statistics of each channel of each sample over its positions."""

    eps: Tiny = _EPS
    momentum: Share = _MOMENTUM
    affine: bool = Field(False, description="Learn a scale and a shift for every channel.")
    track_running_stats: bool = Field(
        False, description="Use remembered statistics after training instead of the sample's own.", json_schema_extra=ADVANCED
    )  # fmt: skip

    def infer(self, *x: Signal) -> Signals:
        super().infer(*x)
        if x[0].numbers == x[0].shape[0]:
            raise ShapeProblem(
                "shape/one-position",
                "{node} has nothing to compare",
                say("It brings the positions of a channel to mean 0 and variance 1, and there is one position."),
            )
        return (x[0],)


class InstanceNorm1d(_InstanceNorm):
    """Brings every channel of every sample to mean 0 and variance 1 along its line, whatever the other samples are."""

    target = "nn.InstanceNorm1d"
    formula = r"y_{nc} = \frac{x_{nc} - \mu_{nc}}{\sqrt{\sigma_{nc}^2 + \epsilon}}"
    allowed = ("CL",)


class InstanceNorm2d(_InstanceNorm):
    """Brings every channel of every image to mean 0 and variance 1 over its pixels: contrast and colour no longer matter."""

    target = "nn.InstanceNorm2d"
    aliases = ("instancenorm", "instance normalization")
    formula = r"y_{nc} = \frac{x_{nc} - \mu_{nc}}{\sqrt{\sigma_{nc}^2 + \epsilon}}"
    allowed = ("CHW",)


class InstanceNorm3d(_InstanceNorm):
    """Brings every channel of every volume to mean 0 and variance 1 over its positions, whatever the other samples are."""

    target = "nn.InstanceNorm3d"
    formula = r"y_{nc} = \frac{x_{nc} - \mu_{nc}}{\sqrt{\sigma_{nc}^2 + \epsilon}}"
    allowed = ("CDHW",)


class GroupNorm(_Norm):
    """Brings groups of channels of every sample to mean 0 and variance 1: like batch norm, but good with small batches."""

    target = "nn.GroupNorm"
    aliases = ("group normalization", "gn")
    positional = 2
    formula = r"y = \gamma_c \frac{x - \mu_{\text{group}}}{\sqrt{\sigma^2_{\text{group}} + \epsilon}} + \beta_c"

    num_groups: Count = Field(
        1, title="Groups", description="1 takes all channels together, as many as channels take each alone."
    )
    eps: Tiny = _EPS
    affine: bool = Field(True, description="Learn a scale and a shift for every channel.")

    def args(self, *x: Signal) -> dict[str, Any]:
        return {"num_groups": self.num_groups, "num_channels": x[0].shape[0], "eps": self.eps, "affine": self.affine}

    def infer(self, *x: Signal) -> Signals:
        expect_axes(x[0], *CHANNELS_FIRST)
        channels = x[0].shape[0]
        if channels % self.num_groups:
            common = gcd(channels, self.num_groups)
            raise ShapeProblem(
                "shape/groups",
                "{node} cannot be split into groups",
                say("The {channels} channels that come in must be a multiple of num_groups = {groups}.", channels=channels, groups=self.num_groups),
                Suggestion(say("Set num_groups to {groups}", groups=common), {"num_groups": common}),
            )  # fmt: skip
        if x[0].numbers == self.num_groups:
            fewer = next((groups for groups in range(channels // 2, 0, -1) if channels % groups == 0), None)
            raise ShapeProblem(
                "shape/one-value",
                "{node} has nothing to compare",
                say("It brings the numbers of a group to mean 0 and variance 1, and there is one number in each."),
                *(
                    [Suggestion(say("Set num_groups to {groups}", groups=fewer), {"num_groups": fewer})]
                    if fewer
                    else []
                ),
            )
        return (x[0],)


class _LastSides(_Norm):
    """What norms share that work on the last sides of a signal."""

    positional = 1

    if TYPE_CHECKING:
        sides: int | None
        elementwise_affine: bool

    def _normalized(self, x: Signal) -> Shape:
        """The sides brought to one mean."""
        usual = len(x.shape) if x.axes.startswith("C") else 1
        return x.shape[-(self.sides or usual) :]

    def args(self, *x: Signal) -> dict[str, Any]:
        shape, given = self._normalized(x[0]), self.model_dump(exclude={"sides"})
        return {"normalized_shape": shape[0] if len(shape) == 1 else shape, **given}

    def counting(self, *x: Signal) -> str:
        return " + ".join(map(times, self.parameters(*x).values()))

    def infer(self, *x: Signal) -> Signals:
        expect_floats(x[0])
        if (self.sides or 1) > len(x[0].shape):
            raise ShapeProblem(
                "shape/no-such-side",
                "{node} has not as many sides",
                say("It works on the last {sides} sides; there are {count}.", sides=self.sides or 1, count=len(x[0].shape)),
                Suggestion(say("Use the usual sides"), {"sides": None}),
            )  # fmt: skip
        return (x[0],)


class LayerNorm(_LastSides):
    """Brings every sample, or every step of a sequence, to mean 0 and variance 1 by itself, whatever the rest of the batch is."""

    target = "nn.LayerNorm"
    aliases = ("layer normalization", "ln")
    formula = r"y = \gamma \odot \frac{x - \mu}{\sqrt{\sigma^2 + \epsilon}} + \beta"

    sides: Annotated[int, Field(ge=1, le=4)] | None = _SIDES
    eps: Tiny = _EPS
    elementwise_affine: bool = Field(True, description="Learn a scale (and a shift) for every number.")
    bias: bool = Field(True, description="Learn a shift, where a scale is learned.", json_schema_extra=ADVANCED)

    def parameters(self, *x: Signal) -> dict[str, Shape]:
        if not self.elementwise_affine:
            return {}
        shape = self._normalized(x[0])
        return {"weight": shape, "bias": shape} if self.bias else {"weight": shape}

    def operations(self, x: Signals, y: Signals) -> dict[str, int]:
        """Per number: five for its share in mean, variance and division; scale and shift."""
        return {"normalization": (5 + len(self.parameters(*x))) * y[0].numbers}


class RMSNorm(_LastSides):
    """A LayerNorm that leaves the mean alone and divides by the root mean square: cheaper, and as good in large Transformers."""

    target = "nn.RMSNorm"
    aliases = ("rms normalization", "root mean square norm")
    formula = r"y = \gamma \odot \frac{x}{\sqrt{\operatorname{mean}(x^2) + \epsilon}}"

    sides: Annotated[int, Field(ge=1, le=4)] | None = _SIDES
    eps: Tiny | None = Field(
        None, description="Keeps the division finite; empty: the smallest step of float32.", json_schema_extra=ADVANCED
    )
    elementwise_affine: bool = Field(True, description="Learn a scale for every number.")

    def parameters(self, *x: Signal) -> dict[str, Shape]:
        return {"weight": self._normalized(x[0])} if self.elementwise_affine else {}

    def operations(self, x: Signals, y: Signals) -> dict[str, int]:
        """Per number: its square, a sum, a division; scale."""
        return {"normalization": (3 + len(self.parameters(*x))) * y[0].numbers}

    def saved(self, x: Signals, y: Signals) -> Saved:
        return Saved(inputs=True, besides=y[0].numbers)


class LocalResponseNorm(Layer):
    """Divides each number by how strongly the channels beside it answer at the same place: AlexNet's normalization."""

    group, target = "Normalization", "nn.LocalResponseNorm"
    aliases = ("lrn",)
    positional = 1
    pointwise = True
    formula = r"y_c = x_c \left(k + \frac{\alpha}{n} \sum_{|c' - c| \le n/2} x_{c'}^2\right)^{-\beta}"

    size: Small = Field(5, title="Channels n", description="How many neighbouring channels count.")
    alpha: Share = Field(1e-4, title="Alpha α", description="How much they count.")
    beta: Annotated[float, Field(ge=0, le=10)] = Field(0.75, title="Beta β", description="How steeply.")
    k: Annotated[float, Field(gt=0, le=100)] = Field(1.0, description="What is there without them.")

    def infer(self, *x: Signal) -> Signals:
        expect_axes(x[0], *AXES.values())
        return (x[0],)

    def operations(self, x: Signals, y: Signals) -> dict[str, int]:
        """Per number: its square, size - 1 sums, scale and shift, a power, a division."""
        return {"normalization": (self.size + 4) * y[0].numbers}

    def saved(self, x: Signals, y: Signals) -> Saved:
        """Its square, the sum over neighbours, and what it is divided by."""
        return Saved(inputs=True, besides=3 * y[0].numbers)
