"""Activations: the bend between two layers, without which they would be one."""

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from builder.catalog.layers.base import (
    Layer,
    Saved,
    ShapeProblem,
    Signals,
    Suggestion,
    Window,
    expect_axes,
    expect_floats,
    single_positions,
)
from builder.catalog.layers.sides import LAST, Dim, at_side
from builder.catalog.signal import Shape, Signal
from builder.problem import say

Real = Annotated[float, Field(ge=-1e6, le=1e6)]
Alpha = Annotated[float, Field(ge=0, le=100)]
Positive = Annotated[float, Field(ge=1e-6, le=100)]


class _Activation(Layer):
    """What activations share: they work on one number at a time."""

    group: ClassVar[str] = "Activation"
    pointwise = True

    def infer(self, *x: Signal) -> Signals:
        expect_floats(x[0])
        return (x[0],)

    def operations(self, x: Signals, y: Signals) -> dict[str, int]:
        return {"activation": y[0].numbers}

    def saved(self, x: Signals, y: Signals) -> Saved:
        return Saved(inputs=True)


class ReLU(_Activation):
    """Lets positive numbers through and makes the rest zero: cheap, and its gradient does not fade."""

    target = "nn.ReLU"
    aliases = ("rectifier", "rectified linear unit", "rectified linear", "ramp")
    formula = r"y = \max(0, x)"

    def saved(self, x: Signals, y: Signals) -> Saved:
        return Saved(outputs=True)


class ReLU6(_Activation):
    """A ReLU that stops at 6, so that numbers stay small enough for the low precision of phones."""

    target = "nn.ReLU6"
    formula = r"y = \min(\max(0, x), 6)"


class LeakyReLU(_Activation):
    """A ReLU that lets a little of the negative side through, so that no unit dies for good.

    How little is a matter of taste: PyTorch starts from a slope of 0.01, some textbooks use 0.1.
    """

    target = "nn.LeakyReLU"
    aliases = ("lrelu", "leaky rectifier")
    positional = 1
    formula = r"y = \max(0, x) + a \min(0, x)"

    negative_slope: Annotated[float, Field(ge=0, le=1)] = Field(
        0.01, title="Slope a", description="Slope of the negative side."
    )


class PReLU(_Activation):
    """A LeakyReLU that learns its slope: one for all numbers, or one for each channel."""

    target = "nn.PReLU"
    aliases = ("parametric relu",)
    positional = 1
    formula = r"y = \max(0, x) + a \min(0, x),\quad a \text{ learned}"

    per_channel: bool = Field(False, description="Learn a slope for every channel instead of one for all.")
    init: Annotated[float, Field(ge=-1, le=1)] = Field(0.25, title="First slope", description="Slope to start from.")

    def args(self, *x: Signal) -> dict[str, Any]:
        return {"num_parameters": self._slopes(x[0]), "init": self.init}

    def infer(self, *x: Signal) -> Signals:
        if self.per_channel:
            expect_axes(x[0], "F", "CL", "CHW", "CDHW", suggestions=(ONE_SLOPE,))
        return super().infer(*x)

    def parameters(self, *x: Signal) -> dict[str, Shape]:
        return {"weight": (self._slopes(x[0]),)}

    def _slopes(self, x: Signal) -> int:
        return x.shape[0] if self.per_channel else 1


ONE_SLOPE = Suggestion(say("Learn one slope for all"), {"per_channel": False})


class RReLU(_Activation):
    """A LeakyReLU whose slope is drawn at random for every number in training, and is the mean of its bounds afterwards."""

    target = "nn.RReLU"
    aliases = ("randomized relu",)
    positional = 2
    formula = r"y = \max(0, x) + a \min(0, x),\quad a \sim \mathcal U(l, u)"

    lower: Annotated[float, Field(ge=0, le=1)] = Field(
        1 / 8, title="Least slope l", description="Smallest slope drawn."
    )
    upper: Annotated[float, Field(ge=0, le=1)] = Field(
        1 / 3, title="Greatest slope u", description="Largest slope drawn."
    )

    @model_validator(mode="after")
    def is_a_range(self) -> Self:
        if self.lower > self.upper:
            raise ValueError(say("lower is {lower}, above upper, {upper}", lower=self.lower, upper=self.upper))
        return self

    def saved(self, x: Signals, y: Signals) -> Saved:
        return Saved(inputs=True, besides=y[0].numbers)


class ELU(_Activation):
    """A ReLU with a smooth negative side that levels off at -alpha, which keeps the mean of what comes out near zero."""

    target = "nn.ELU"
    aliases = ("exponential linear unit",)
    positional = 1
    formula = r"y = \max(0, x) + \min(0, \alpha(e^x - 1))"

    alpha: Alpha = Field(1.0, title="Alpha α", description="Where the negative side levels off.")


class SELU(_Activation):
    """An ELU whose two constants keep mean 0 and variance 1 from dense layer to dense layer, given LeCun's first weights."""

    target = "nn.SELU"
    aliases = ("scaled elu", "scaled exponential linear unit")
    formula = r"y = 1.0507\,(\max(0, x) + \min(0, 1.6733\,(e^x - 1)))"


class CELU(_Activation):
    """An ELU without a kink at zero, however large alpha is."""

    target = "nn.CELU"
    positional = 1
    formula = r"y = \max(0, x) + \min(0, \alpha(e^{x/\alpha} - 1))"

    alpha: Positive = Field(1.0, title="Alpha α", description="Where the negative side levels off.")


class GELU(_Activation):
    """Weighs a number by how probable a smaller one is under a bell curve: a smooth ReLU, the usual one in Transformers."""

    target = "nn.GELU"
    aliases = ("gaussian error linear unit",)
    formula = r"y = x\,\Phi(x)"

    approximate: Literal["none", "tanh"] = Field(
        "none", description="'none' is exact; 'tanh' is the formula that some published networks were trained with."
    )


class SiLU(_Activation):
    """Weighs a number by its own sigmoid: a smooth ReLU that dips a little below zero. Also called swish."""

    target = "nn.SiLU"
    aliases = ("swish",)
    formula = r"y = x\,\sigma(x) = \frac{x}{1 + e^{-x}}"


class Mish(_Activation):
    """A smooth ReLU that dips a little below zero, much like SiLU."""

    target = "nn.Mish"
    formula = r"y = x \tanh(\ln(1 + e^x))"


class Softplus(_Activation):
    """A ReLU with its kink smoothed out, always above zero: for outputs that must be positive."""

    target = "nn.Softplus"
    aliases = ("smooth relu",)
    positional = 1
    formula = r"y = \frac{1}{\beta} \ln(1 + e^{\beta x})"

    beta: Positive = Field(1.0, title="Beta β", description="Large ones come near the kink of a ReLU.")
    threshold: Alpha = Field(
        20.0, description="Beyond it a straight line is used, which is the same to all digits.",
        json_schema_extra={"advanced": True},
    )  # fmt: skip


class Softsign(_Activation):
    """Squeezes any number into -1 to 1 like Tanh, but comes near the ends more slowly."""

    target = "nn.Softsign"
    formula = r"y = \frac{x}{1 + |x|}"

    def saved(self, x: Signals, y: Signals) -> Saved:
        return Saved(inputs=True, besides=y[0].numbers)


class Tanhshrink(_Activation):
    """What Tanh takes away from a number: almost nothing of small ones is left."""

    target = "nn.Tanhshrink"
    formula = r"y = x - \tanh(x)"

    def saved(self, x: Signals, y: Signals) -> Saved:
        return Saved(besides=y[0].numbers)


class Softshrink(_Activation):
    """Moves every number towards zero by lambda and stops there, so that small ones vanish: keeps a code sparse."""

    target = "nn.Softshrink"
    positional = 1
    formula = r"y = \operatorname{sign}(x) \max(0, |x| - \lambda)"

    lambd: Alpha = Field(0.5, title="Lambda λ", description="How far numbers are moved towards zero.")


class Hardshrink(_Activation):
    """Makes numbers between -lambda and lambda zero and leaves the others as they are."""

    target = "nn.Hardshrink"
    positional = 1
    formula = r"y = x \text{ if } |x| > \lambda \text{, else } 0"

    lambd: Alpha = Field(0.5, title="Lambda λ", description="Numbers up to this size become zero.")


class Hardsigmoid(_Activation):
    """A sigmoid made of three straight lines: quick, and good enough for gates."""

    target = "nn.Hardsigmoid"
    formula = r"y = \min(\max(0, x/6 + 1/2), 1)"


class Hardswish(_Activation):
    """A SiLU whose sigmoid is made of straight lines: as good for small networks, and quicker on phones."""

    target = "nn.Hardswish"
    aliases = ("hard silu",)
    formula = r"y = x \min(\max(0, x/6 + 1/2), 1)"


class Hardtanh(_Activation):
    """Cuts numbers off at two bounds: a Tanh made of three straight lines."""

    target = "nn.Hardtanh"
    positional = 2
    aliases = ("clip", "clamp")
    formula = r"y = \min(\max(x, \text{min}), \text{max})"

    min_val: Real = Field(-1.0, title="Lowest", description="Numbers below become this.")
    max_val: Real = Field(1.0, title="Highest", description="Numbers above become this.")

    @model_validator(mode="after")
    def is_a_range(self) -> Self:
        if self.min_val >= self.max_val:
            raise ValueError(
                say("min_val is {low}, and must be below max_val, {high}", low=self.min_val, high=self.max_val)
            )
        return self


class LogSigmoid(_Activation):
    """The logarithm of a sigmoid, worked out without losing digits: for losses that want the logarithm of a probability."""

    target = "nn.LogSigmoid"
    formula = r"y = \ln \frac{1}{1 + e^{-x}}"

    def saved(self, x: Signals, y: Signals) -> Saved:
        return Saved(inputs=True, besides=y[0].numbers)


class Sigmoid(_Activation):
    """Squeezes any number into 0 to 1: a probability. In hidden layers its gradient, at most 0.25, fades with depth."""

    target = "nn.Sigmoid"
    aliases = ("logistic", "sigma")
    formula = r"y = \frac{1}{1 + e^{-x}}"

    def saved(self, x: Signals, y: Signals) -> Saved:
        return Saved(outputs=True)


class Tanh(_Activation):
    """Squeezes any number into -1 to 1, centred on zero."""

    target = "nn.Tanh"
    aliases = ("hyperbolic tangent", "tangens hyperbolicus")
    formula = r"y = \frac{e^x - e^{-x}}{e^x + e^{-x}}"

    def saved(self, x: Signals, y: Signals) -> Saved:
        return Saved(outputs=True)


class Threshold(_Activation):
    """Lets numbers above a threshold through and puts one fixed value in place of all others."""

    target = "nn.Threshold"
    positional = 2
    formula = r"y = x \text{ if } x > \text{threshold, else value}"

    threshold: Real = Field(0.0, description="Numbers above it pass.")
    value: Real = Field(0.0, description="What stands in for the others.")


class Step(_Activation):
    """Fires or does not: 1 above zero, and 0 (or -1) elsewhere, as the first perceptrons did.

    For logic gates and drawings: its slope is zero wherever it has one, so that nothing can be learned through it.
    """

    target = "Step"
    positional = 1
    aliases = ("heaviside", "sign")
    gradient = False
    formula = r"y = 1 \text{ if } x > 0 \text{, else low}"

    low: Literal[0, -1] = Field(0, title="At rest", description="What it gives at zero and below.")

    def saved(self, x: Signals, y: Signals) -> Saved:
        return Saved()


class GLU(_Activation):
    """Splits a side in two halves and lets the second, through a sigmoid, decide how much of the first comes out."""

    target = "nn.GLU"
    aliases = ("gated linear unit",)
    positional = 1
    pointwise = False
    formula = r"y = a \odot \sigma(b)"

    dim: Dim = Field(-1, title="Side", description="Side to split; -1 is the last, 0 the batch.")

    def infer(self, *x: Signal) -> Signals:
        expect_floats(x[0])
        at = at_side(self.dim, x[0], LAST)
        if x[0].shape[at] % 2:
            raise ShapeProblem(
                "shape/odd-side",
                "{node} cannot split its input into halves",
                say("Side {side} has {count} numbers, which is odd.", side=at + 1, count=x[0].shape[at]),
                *(Suggestion(say("Split side {side}", side=other + 1), {"dim": other + 1}) for other, side in enumerate(x[0].shape) if not side % 2),
            )  # fmt: skip
        shape = (*x[0].shape[:at], x[0].shape[at] // 2, *x[0].shape[at + 1 :])
        return (Signal(shape, x[0].axes),)

    def operations(self, x: Signals, y: Signals) -> dict[str, int]:
        """Per number that comes out: one sigmoid and one product."""
        return {"activation": 2 * y[0].numbers}

    def window(self, *x: Signal) -> Window | None:
        return along_channels(self.dim, x[0])


SOFTMAX = 3
"""Operations per number of a softmax: one exponential, one addition, one division."""


class _OverSide(_Activation):
    """What softmax and its relatives share: the numbers along one side compete."""

    pointwise = False

    dim: Dim = Field(
        -1,
        title="Side",
        description="Side that adds up to 1; -1, the last, is the default. Segmentation wants 1, the channels: probabilities at "
        "every pixel. 0 is the batch, and cannot be it.",
    )

    def infer(self, *x: Signal) -> Signals:
        expect_floats(x[0])
        at_side(self.dim, x[0], LAST)
        return (x[0],)

    def operations(self, x: Signals, y: Signals) -> dict[str, int]:
        return {"activation": SOFTMAX * y[0].numbers}

    def window(self, *x: Signal) -> Window | None:
        return along_channels(self.dim, x[0])

    def saved(self, x: Signals, y: Signals) -> Saved:
        return Saved(outputs=True)


class Softmax(_OverSide):
    """Turns scores into probabilities that add up to 1 along one side. CrossEntropy already includes it."""

    target = "nn.Softmax"
    positional = 1
    formula = r"y_i = \frac{e^{x_i}}{\sum_j e^{x_j}}"


class Softmin(_OverSide):
    """Turns costs into probabilities that add up to 1 along one side: the smallest gets the most."""

    target = "nn.Softmin"
    positional = 1
    formula = r"y_i = \frac{e^{-x_i}}{\sum_j e^{-x_j}}"


class LogSoftmax(_OverSide):
    """The logarithm of Softmax, worked out without losing digits. CrossEntropy already includes it."""

    target = "nn.LogSoftmax"
    positional = 1
    formula = r"y_i = x_i - \ln \sum_j e^{x_j}"


def along_channels(dim: int, x: Signal) -> Window | None:
    """The window of a layer that mixes along one side: single positions where that side is the channels."""
    return single_positions(x) if at_side(dim, x) == 0 else None
