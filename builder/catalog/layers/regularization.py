"""Layers that make training harder so that what is learned holds better."""

from typing import Annotated

from pydantic import Field

from builder.catalog.layers.base import Layer, Signals, expect_floats
from builder.catalog.signal import Signal


class Dropout(Layer):
    """Sets numbers to zero at random during training and scales the rest up, so that no unit can be relied on alone."""

    group, target = "Regularization", "nn.Dropout"
    pointwise = True
    positional = 1
    formula = r"y = \frac{m \odot x}{1 - p},\quad m_i \sim \mathrm{Bernoulli}(1 - p)"

    p: Annotated[float, Field(ge=0, le=1)] = Field(
        0.5, title="Share dropped", description="How likely each number is dropped."
    )

    def infer(self, *x: Signal) -> Signals:
        expect_floats(x[0])
        return (x[0],)
