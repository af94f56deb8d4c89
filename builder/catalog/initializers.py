"""Initializers: the numbers that learning starts from."""

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from builder import limits
from builder.catalog.entry import Entry
from builder.problem import say

Fan = Literal["fan_in", "fan_out"]
Gain = Annotated[float, Field(gt=0, le=100)]


class Initializer(Entry):
    """A rule that fills one tensor. `target` gets the tensor first."""

    kind: ClassVar[str] = "initializer"
    least_sides: ClassVar[int] = 1
    """Of a tensor that it can fill: those that go by the number of inputs and outputs need a matrix."""


class Default(Initializer):
    """PyTorch's own rule for the layer; for dense and convolution layers uniform within 1 over the root of the fan-in."""

    group, target = "Plain", ""
    formula = (
        r"W, b \sim \mathcal U\!\left(-\tfrac{1}{\sqrt{n_{\mathrm{in}}}},\ \tfrac{1}{\sqrt{n_{\mathrm{in}}}}\right)"
    )


class Zeros(Initializer):
    """Zero everywhere. Right for biases; hidden weights that start equal stay equal."""

    group, target = "Plain", "nn.init.zeros_"
    aliases = ("zero",)
    formula = r"W = 0"


class Normal(Initializer):
    """Normally distributed with a spread of your choice, whatever the layer's size."""

    group, target = "Plain", "nn.init.normal_"
    aliases = ("gaussian", "random normal")
    formula = r"W \sim \mathcal N(\mu, \sigma^2)"

    mean: Annotated[float, Field(ge=-100, le=100)] = Field(0.0, title="Mean μ", description="Centre of the numbers.")
    std: Annotated[float, Field(gt=0, le=100)] = Field(
        1.0, title="Spread σ", description="Standard deviation of the numbers."
    )


class XavierNormal(Initializer):
    """Keeps the spread of signals and gradients about the same from layer to layer for tanh and sigmoid (Glorot and Bengio 2010)."""

    group, target, least_sides = "Variance scaling", "nn.init.xavier_normal_", 2
    aliases = ("xavier", "glorot", "glorot normal")
    formula = r"W \sim \mathcal N\!\left(0,\ g^2 \tfrac{2}{n_{\mathrm{in}} + n_{\mathrm{out}}}\right)"

    gain: Gain = Field(1.0, title="Gain g", description="Multiplies the spread; 5/3 is usual for tanh.")


class XavierUniform(Initializer):
    """As XavierNormal, drawn evenly from an interval (Glorot and Bengio 2010)."""

    group, target, least_sides = "Variance scaling", "nn.init.xavier_uniform_", 2
    aliases = ("glorot uniform",)
    formula = r"W \sim \mathcal U(-l, l),\quad l = g \sqrt{\tfrac{6}{n_{\mathrm{in}} + n_{\mathrm{out}}}}"

    gain: Gain = Field(1.0, title="Gain g", description="Multiplies the spread; 5/3 is usual for tanh.")


class _He(Initializer):
    """What He's two forms share."""

    least_sides = 2

    mode: Fan = Field("fan_in", description="Preserve the spread forwards (fan_in) or backwards (fan_out).")

    def args(self) -> dict[str, Any]:
        return {"mode": self.mode, "nonlinearity": "relu"}


class HeNormal(_He):
    """Keeps the spread of signals the same from layer to layer behind a ReLU (He et al. 2015). Not truncated."""

    group, target = "Variance scaling", "nn.init.kaiming_normal_"
    aliases = ("he", "kaiming", "kaiming normal")
    formula = r"W \sim \mathcal N\!\left(0,\ \tfrac{2}{n_{\mathrm{in}}}\right)"


class HeUniform(_He):
    """As HeNormal, drawn evenly from an interval (He et al. 2015)."""

    group, target = "Variance scaling", "nn.init.kaiming_uniform_"
    aliases = ("kaiming uniform",)
    formula = r"W \sim \mathcal U(-l, l),\quad l = \sqrt{\tfrac{6}{n_{\mathrm{in}}}}"


Number = Annotated[float, Field(ge=-1e6, le=1e6)]


class Values(Initializer):
    """The numbers themselves: weights set by hand, as for a logic gate."""

    group, target = "By hand", "values_"
    formula = r"W = (w_{ij})"

    values: tuple[Number, ...] | tuple[tuple[Number, ...], ...] = Field(
        (0.0,), description="A row of numbers, or rows of numbers."
    )

    @model_validator(mode="after")
    def is_a_table(self) -> Self:
        rows = [row for row in self.values if isinstance(row, tuple)]
        count = sum(map(len, rows)) if rows else len(self.values)
        if count > limits.LITERAL_VALUES:
            raise ValueError(
                say("{count} numbers are more than the {limit} allowed", count=count, limit=limits.LITERAL_VALUES)
            )
        if len({len(row) for row in rows}) > 1:
            raise ValueError(say("the rows have different lengths"))
        return self

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows and columns, or the length of the one row."""
        first = self.values[0] if self.values else ()
        return (len(self.values), len(first)) if isinstance(first, tuple) else (len(self.values),)
