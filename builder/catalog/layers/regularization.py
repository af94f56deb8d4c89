"""Layers that make training harder so that what is learned holds better."""

from typing import Annotated, ClassVar

from pydantic import Field

from builder.catalog.layers.base import Layer, Saved, Signals, expect_axes, expect_floats
from builder.catalog.layers.window import AXES
from builder.catalog.signal import Signal

Share = Annotated[float, Field(ge=0, le=1)]


class _Noise(Layer):
    """What they share: shapes stay as they are, and once training is over nothing is changed."""

    group: ClassVar[str] = "Regularization"
    pointwise = True
    positional = 1

    def infer(self, *x: Signal) -> Signals:
        expect_floats(x[0])
        return (x[0],)


class Dropout(_Noise):
    """Sets numbers to zero at random during training and scales the rest up, so that no unit can be relied on alone."""

    target = "nn.Dropout"
    formula = r"y = \frac{m \odot x}{1 - p},\quad m_i \sim \mathrm{Bernoulli}(1 - p)"

    p: Share = Field(0.5, title="Share dropped", description="How likely each number is dropped.")

    def saved(self, x: Signals, y: Signals) -> Saved:
        return Saved(besides=y[0].numbers if 0 < self.p < 1 else 0)


class _ChannelDropout(_Noise):
    """What dropouts of whole channels share."""

    rank: ClassVar[int]

    p: Share = Field(0.5, title="Share dropped", description="How likely each channel is dropped.")

    def infer(self, *x: Signal) -> Signals:
        expect_axes(x[0], AXES[self.rank], layer=self)
        return (x[0],)


class Dropout1d(_ChannelDropout):
    """Drops whole channels of a line at random during training: neighbours are so alike that single numbers hide nothing."""

    target, rank = "nn.Dropout1d", 1
    aliases = ("spatial dropout 1d",)
    formula = r"y_c = \frac{m_c\, x_c}{1 - p},\quad m_c \sim \mathrm{Bernoulli}(1 - p)"


class Dropout2d(_ChannelDropout):
    """Drops whole channels of an image at random during training: pixels are so like their neighbours that single ones hide nothing."""

    target, rank = "nn.Dropout2d", 2
    aliases = ("spatial dropout", "spatial dropout 2d", "channel dropout", "feature dropout")
    formula = r"y_c = \frac{m_c\, x_c}{1 - p},\quad m_c \sim \mathrm{Bernoulli}(1 - p)"


class Dropout3d(_ChannelDropout):
    """Drops whole channels of a volume at random during training: neighbours are so alike that single numbers hide nothing."""

    target, rank = "nn.Dropout3d", 3
    aliases = ("spatial dropout 3d",)
    formula = r"y_c = \frac{m_c\, x_c}{1 - p},\quad m_c \sim \mathrm{Bernoulli}(1 - p)"


class AlphaDropout(_Noise):
    """A dropout for SELU networks: what is dropped is set so that mean and variance stay as they were."""

    target = "nn.AlphaDropout"
    formula = r"y = a\,(m \odot x + (1 - m)\,\alpha') + b,\quad m_i \sim \mathrm{Bernoulli}(1 - p)"

    p: Share = Field(0.5, title="Share dropped", description="How likely each number is dropped.")

    def saved(self, x: Signals, y: Signals) -> Saved:
        return Saved(besides=y[0].numbers if 0 < self.p < 1 else 0)


class GaussianNoise(_Noise):
    """Adds random numbers during training, so that a network does not lean on the last digit of what it sees."""

    target = "GaussianNoise"
    aliases = ("noise", "add noise", "random noise")
    formula = r"y = x + \sigma \epsilon,\quad \epsilon \sim \mathcal N(0, 1)"

    std: Annotated[float, Field(ge=0, le=100)] = Field(0.1, title="Spread σ", description="How large the noise is.")


class DropPath(_Noise):
    """Drops a whole branch of some samples at random during training and scales the others up: stands before a residual sum.

    Each sample then sees a network of another depth (stochastic depth).
    """

    target = "DropPath"
    aliases = ("stochastic depth",)
    formula = r"y = \frac{m\,x}{1 - p},\quad m \sim \mathrm{Bernoulli}(1 - p) \text{ per sample}"

    p: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.1, title="Share dropped", description="How likely the branch is dropped for a sample."
    )
