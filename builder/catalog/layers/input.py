"""Where data enters a network."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from builder.catalog.layers.base import AXES_IN_WORDS, Layer, Signals
from builder.catalog.signal import AXES_OF_RANK, KNOWN_AXES, DType, Signal
from builder.problem import say

Side = Annotated[int, Field(ge=1, le=1_000_000)]


class Input(Layer):
    """The door through which one column of the data comes in; the first side of every sample, without the batch."""

    group, target = "Input", ""
    formula = r"x \in \mathbb{R}^{\text{shape}}"
    inputs = ()

    shape: tuple[Side, ...] = Field(
        (2,), max_length=4, description="Sides of one sample, channels first, without the batch."
    )
    axes: str | None = Field(
        None,
        description="One letter per side; empty: follows from the number of sides. "
        + "; ".join(f"{axes}: {words}" for axes, words in AXES_IN_WORDS.items() if axes)
        + ".",
    )
    dtype: DType = Field("float32", description="float32 for measurements, int64 for class numbers and tokens.")
    classes: Annotated[int, Field(ge=2, le=10_000_000)] | None = Field(
        None, description="For int64: values are 0 to classes - 1."
    )

    @model_validator(mode="after")
    def is_a_signal(self) -> Self:
        if self.axes is not None and self.axes not in KNOWN_AXES:
            raise ValueError(
                say(
                    "axes {axes!r} are not known; known are {known}",
                    axes=self.axes,
                    known=", ".join(sorted(KNOWN_AXES - {""})),
                )
            )
        if self.axes is not None and len(self.axes) != len(self.shape):
            raise ValueError(
                say(
                    "axes {axes} name {named} sides, shape has {given}",
                    axes=self.axes,
                    named=len(self.axes),
                    given=len(self.shape),
                )
            )
        if self.classes is not None and self.dtype != "int64":
            raise ValueError(say("classes belong to int64 alone, dtype is {dtype}", dtype=self.dtype))
        return self

    def infer(self) -> Signals:  # type: ignore[override]  # no ports
        axes = self.axes if self.axes is not None else AXES_OF_RANK[len(self.shape)]
        return (Signal(self.shape, axes, self.dtype, self.classes),)
