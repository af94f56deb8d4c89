"""What is done to a column before training. Fitted on the training part alone.

An entry carries its rule out with the methods of the arrays that it is given, so that the catalog needs no numpy.
"""

from typing import TYPE_CHECKING, ClassVar, Literal, Self

from pydantic import Field, model_validator

from builder import limits
from builder.catalog.entry import Entry

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Preparation(Entry):
    """A change of one column, with statistics taken from the training part. `target` is its own method that does it."""

    kind: ClassVar[str] = "preparation"

    column: str = Field(max_length=limits.TITLE, description="The column that is changed.")
    per: Literal["feature", "column"] = Field(
        "feature", description="Statistics for each number of a sample on its own, or one for the whole column."
    )

    def axes(self, array: "NDArray[np.generic]") -> tuple[int, ...]:
        """The axes of (samples, ...) over which statistics are taken."""
        return (0,) if self.per == "feature" else tuple(range(array.ndim))

    def fit(self, train: "NDArray[np.float32]") -> "dict[str, NDArray[np.float64]]":
        """Statistics of the training samples, which broadcast against the column."""
        raise TypeError(f"{self.name} does not say what it learns from the training part")

    def apply(
        self, array: "NDArray[np.float32]", statistics: "dict[str, NDArray[np.float64]]"
    ) -> "NDArray[np.float32]":
        """The column prepared with the statistics of the training part."""
        raise TypeError(f"{self.name} does not say what it does")


class Standardize(Preparation):
    """Shifts and scales numbers to mean 0 and variance 1, so that none outweighs another. A constant becomes 0."""

    group, target = "Scale", "apply"
    formula = r"x' = \frac{x - \mu}{\sigma}"

    def fit(self, train: "NDArray[np.float32]") -> "dict[str, NDArray[np.float64]]":
        # float64 adds up equal float32 numbers exactly, so the deviation of a constant is 0 and not merely small.
        numbers, axes = train.astype("float64"), self.axes(train)
        deviation = numbers.std(axis=axes, keepdims=True)
        return {"mean": numbers.mean(axis=axes, keepdims=True), "deviation": _never_zero(deviation)}

    def apply(
        self, array: "NDArray[np.float32]", statistics: "dict[str, NDArray[np.float64]]"
    ) -> "NDArray[np.float32]":
        return ((array - statistics["mean"]) / statistics["deviation"]).astype("float32")


class MinMax(Preparation):
    """Shifts and scales numbers so that those of the training part run from low to high. A constant becomes low."""

    group, target = "Scale", "apply"
    formula = r"x' = a + (b - a)\,\frac{x - \min}{\max - \min}"

    low: float = Field(0.0, ge=-1e6, le=1e6, title="Low a", description="What the smallest training number becomes.")
    high: float = Field(1.0, ge=-1e6, le=1e6, title="High b", description="What the largest training number becomes.")

    @model_validator(mode="after")
    def high_is_above_low(self) -> Self:
        if self.high <= self.low:
            raise ValueError(f"high ({self.high}) has to be above low ({self.low})")
        return self

    def fit(self, train: "NDArray[np.float32]") -> "dict[str, NDArray[np.float64]]":
        numbers, axes = train.astype("float64"), self.axes(train)
        smallest, largest = numbers.min(axis=axes, keepdims=True), numbers.max(axis=axes, keepdims=True)
        return {"smallest": smallest, "range": _never_zero(largest - smallest)}

    def apply(
        self, array: "NDArray[np.float32]", statistics: "dict[str, NDArray[np.float64]]"
    ) -> "NDArray[np.float32]":
        share = (array - statistics["smallest"]) / statistics["range"]
        return (self.low + (self.high - self.low) * share).astype("float32")


def _never_zero(divisor: "NDArray[np.float64]") -> "NDArray[np.float64]":
    """The same numbers, with 1 where nothing may be divided by 0."""
    safe: NDArray[np.float64] = divisor + (divisor == 0)
    return safe
