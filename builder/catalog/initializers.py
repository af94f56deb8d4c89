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
    alike: ClassVar[bool] = False
    """Whether all units of a layer start as copies of one."""


class Default(Initializer):
    """PyTorch's own rule for the layer; for dense and convolution layers uniform within 1 over the root of the fan-in."""

    group, target = "Plain", ""
    formula = (
        r"W, b \sim \mathcal U\!\left(-\tfrac{1}{\sqrt{n_{\mathrm{in}}}},\ \tfrac{1}{\sqrt{n_{\mathrm{in}}}}\right)"
    )


class Zeros(Initializer):
    """Zero everywhere. Right for biases; hidden weights that start equal stay equal."""

    group, target, alike = "Plain", "nn.init.zeros_", True
    aliases = ("zero",)
    formula = r"W = 0"


class Ones(Initializer):
    """One everywhere."""

    group, target, alike = "Plain", "nn.init.ones_", True
    aliases = ("one",)
    formula = r"W = 1"


class Constant(Initializer):
    """The same number everywhere. Weights that start equal get equal gradients: the units of a layer stay copies of one."""

    group, target, positional, alike = "Plain", "nn.init.constant_", 1, True
    aliases = ("fill", "full")
    formula = r"W = c"

    val: Annotated[float, Field(ge=-1e6, le=1e6)] = Field(
        0.1, title="Number c", description="What every weight starts from."
    )


class Uniform(Initializer):
    """Drawn evenly from an interval of your choice, whatever the layer's size."""

    group, target, positional = "Plain", "nn.init.uniform_", 2
    aliases = ("random uniform",)
    formula = r"W \sim \mathcal U(a, b)"

    a: Annotated[float, Field(ge=-1e6, le=1e6)] = Field(
        -0.05, title="Lowest a", description="Beginning of the interval."
    )
    b: Annotated[float, Field(ge=-1e6, le=1e6)] = Field(0.05, title="Highest b", description="End of the interval.")

    @model_validator(mode="after")
    def is_an_interval(self) -> Self:
        if self.a >= self.b:
            raise ValueError(say("the lowest, {a:g}, has to be below the highest, {b:g}", a=self.a, b=self.b))
        return self


class Standard(Initializer):
    """Drawn evenly within 1 over the root of the inputs: what PyTorch does for dense and convolution layers by itself."""

    group, target, least_sides = "Variance scaling", "standard_", 2
    aliases = ("fan in uniform", "torch default")
    formula = r"W \sim \mathcal U\!\left(-\tfrac{1}{\sqrt{n_{\mathrm{in}}}},\ \tfrac{1}{\sqrt{n_{\mathrm{in}}}}\right)"


class Normal(Initializer):
    """Normally distributed with a spread of your choice, whatever the layer's size: 1 saturates most networks, 0.01 is small."""

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


class LeCunNormal(Initializer):
    """Keeps the spread of signals for linear units and SELU (LeCun et al. 1998, Klambauer et al. 2017)."""

    group, target, least_sides = "Variance scaling", "nn.init.kaiming_normal_", 2
    aliases = ("lecun",)
    formula = r"W \sim \mathcal N\!\left(0,\ \tfrac{1}{n_{\mathrm{in}}}\right)"

    def args(self) -> dict[str, Any]:
        return {"nonlinearity": "linear"}


class LeCunUniform(Initializer):
    """As LeCunNormal, drawn evenly from an interval."""

    group, target, least_sides = "Variance scaling", "nn.init.kaiming_uniform_", 2
    formula = r"W \sim \mathcal U(-l, l),\quad l = \sqrt{\tfrac{3}{n_{\mathrm{in}}}}"

    def args(self) -> dict[str, Any]:
        return {"nonlinearity": "linear"}


class _He(Initializer):
    """What He's forms share."""

    least_sides = 2

    mode: Fan = Field("fan_in", description="Preserve the spread forwards (fan_in) or backwards (fan_out).")
    negative_slope: Annotated[float, Field(ge=0, le=100)] = Field(
        0.0,
        title="Slope below zero a",
        description="Of the activation: 0 for ReLU, 0.01 for a usual leaky ReLU. Sets the gain √(2 / (1 + a²)).",
    )

    def args(self) -> dict[str, Any]:
        if self.negative_slope == 0:
            return {"mode": self.mode, "nonlinearity": "relu"}
        return {"a": self.negative_slope, "mode": self.mode, "nonlinearity": "leaky_relu"}


class HeNormal(_He):
    """Keeps the spread of signals the same from layer to layer behind a ReLU (He et al. 2015). Not truncated."""

    group, target = "Variance scaling", "nn.init.kaiming_normal_"
    aliases = ("he", "kaiming", "kaiming normal")
    formula = r"W \sim \mathcal N\!\left(0,\ \tfrac{2}{(1 + a^2)\,n}\right)"


class HeUniform(_He):
    """As HeNormal, drawn evenly from an interval (He et al. 2015)."""

    group, target = "Variance scaling", "nn.init.kaiming_uniform_"
    aliases = ("kaiming uniform",)
    formula = r"W \sim \mathcal U(-l, l),\quad l = \sqrt{\tfrac{6}{(1 + a^2)\,n}}"


class HeTruncated(_He):
    """As HeNormal, with draws beyond two spreads drawn again, and made wider so that the spread is the same: as in Keras."""

    group, target = "Variance scaling", "he_truncated_"
    aliases = ("truncated he", "truncated normal", "he normal of keras")
    formula = r"W \sim \mathcal N\!\left(0,\ \sigma^2\right)\ \text{within}\ \pm 2\sigma,\quad \sigma = \tfrac{1}{0.8796}\sqrt{\tfrac{2}{(1 + a^2)\,n}}"

    def args(self) -> dict[str, Any]:
        return {"mode": self.mode, "negative_slope": self.negative_slope}


class Orthogonal(Initializer):
    """Rows (or columns) at right angles and of length g: a signal keeps its length through many layers (Saxe et al. 2013)."""

    group, target, least_sides = "Structure", "nn.init.orthogonal_", 2
    formula = r"W^\top W = g^2 I"

    gain: Gain = Field(1.0, title="Gain g", description="Multiplies the length; √2 is usual for ReLU.")


class Sparse(Initializer):
    """Most weights zero, the others normally distributed, as many for each input (Martens 2010)."""

    group, target, least_sides = "Structure", "sparse_", 2
    formula = r"W_{ij} \sim \mathcal N(0, \sigma^2)\ \text{for a share of}\ 1 - s,\ \text{else}\ 0"

    sparsity: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.9, title="Share of zeros s", description="Of the weights that read the same input."
    )
    std: Annotated[float, Field(gt=0, le=100)] = Field(
        0.01, title="Spread σ", description="Standard deviation of the others."
    )


class Identity(Initializer):
    """Hands on what comes in: ones on the diagonal; for a convolution, in the middle of the window of the like channel."""

    group, target, least_sides = "Structure", "identity_", 2
    aliases = ("eye", "dirac")
    formula = r"W = I"


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
