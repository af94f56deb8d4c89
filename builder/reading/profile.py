"""What was read, as values: a profile that says what a file holds, and which arrays hold it."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Any, ClassVar, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from builder import limits
from builder.problem import Problem, Value
from builder.reading.wish import Stored

Array = NDArray[Any]
Kind: TypeAlias = Stored | Literal["constant", "id-like", "empty"]
DType: TypeAlias = Literal["|u1", "<i4", "<i8", "<f4", "<f8"]
Form: TypeAlias = tuple[DType, tuple[int, ...]]
"""What an array must be: its dtype and its shape."""

Count: TypeAlias = Annotated[int, Field(ge=0, le=2**53)]
Words: TypeAlias = Annotated[str, Field(max_length=1_000)]
BINS = 20


class Common(Value):
    """A value, and how many cells hold it."""

    label: Words
    count: Count


class Numbers(Value):
    """Of all numbers that are there; of dates in seconds since 1970, UTC. The deviation is that of the numbers themselves
    (divided by their count). `quantiles` are those of 5, 25, 50, 75 and 95 percent; the bins of `histogram` go from the
    smallest to the largest.
    """

    smallest: float
    largest: float
    mean: float
    deviation: float
    quantiles: tuple[float, float, float, float, float]
    histogram: tuple[Count, ...] = Field(min_length=BINS, max_length=BINS)


class Column(Value):
    """One column of a table. `because` says why it is taken for this kind, `role_because` why for this role."""

    name: str = Field(min_length=1, max_length=limits.TITLE)
    kind: Kind
    stored: Stored
    because: Words
    role: Literal["feature", "target", "ignored"] = "feature"
    role_because: Words = ""
    missing: Count
    distinct: Count
    """Different values, without those that are missing."""
    numbers: Numbers | None = None
    labels: tuple[Annotated[str, Field(max_length=limits.LABEL)], ...] = Field((), max_length=limits.LABELS)
    """Of a category: code i stands for label i, and -1 for a value that is missing."""
    common: tuple[Common, ...] = Field((), max_length=10)
    """The most common values of what is no number, most common first."""
    example: Words | None = None
    """The first value that is there."""
    bytes: Count = 0
    """Of a text: the length of all cells together, in UTF-8."""


class Skipped(Value):
    """A row or a picture that was left out, and why."""

    name: Words
    because: Words


class Table(Value):
    """A table: CSV and the like, Parquet, or a sheet of Excel.

    Arrays: `column0`, `column1`, ... (rows,): numbers and dates float64 with NaN for what is missing, categories int32.
    A text has `column3` (bytes,), uint8, and `column3_offsets` (rows + 1,), int64; one that is missing is empty.
    """

    kind: Literal["table"] = "table"
    format: Literal["text", "parquet", "excel"]
    said: tuple[Words, ...] = Field((), max_length=100)
    """How the file was read, in sentences."""
    rows: int = Field(ge=1, le=limits.SAMPLES)
    columns: tuple[Column, ...] = Field(min_length=1, max_length=limits.COLUMNS)
    encoding: str | None = Field(None, max_length=40)
    delimiter: str | None = Field(None, max_length=1)
    decimal: Literal[".", ","] | None = None
    header: bool | None = None
    skipped: Count = 0
    """Rows that were left out because they were longer or shorter than the first."""
    sheets: tuple[Words, ...] = Field((), max_length=1_000)
    sheet: Words | None = None

    def forms(self) -> dict[str, Form]:
        """The arrays that belong to it."""
        forms: dict[str, Form] = {}
        for place, column in enumerate(self.columns):
            match column.stored:
                case "number" | "date":
                    forms[f"column{place}"] = ("<f8", (self.rows,))
                case "category":
                    forms[f"column{place}"] = ("<i4", (self.rows,))
                case "text":
                    forms[f"column{place}"] = ("|u1", (column.bytes,))
                    forms[f"column{place}_offsets"] = ("<i8", (self.rows + 1,))
        return forms


class Pictures(Value):
    """Pictures, with a class each or none.

    Arrays: `pictures` (samples, channels, height, width), uint8, and where there are labels `classes` (samples,), int64.
    """

    kind: Literal["pictures"] = "pictures"
    format: Literal["zip", "idx"]
    said: tuple[Words, ...] = Field((), max_length=100)
    samples: int = Field(ge=1, le=limits.SAMPLES)
    channels: Literal[1, 3]
    height: int = Field(ge=1, le=limits.SIDE)
    width: int = Field(ge=1, le=limits.SIDE)
    labels: tuple[Annotated[str, Field(max_length=limits.LABEL)], ...] = Field((), max_length=limits.LABELS)
    counts: tuple[Count, ...] = Field((), max_length=limits.LABELS)
    """Pictures of each class."""
    unreadable: Count = 0
    skipped: tuple[Skipped, ...] = Field((), max_length=20)
    """The first of those that could not be read."""

    def forms(self) -> dict[str, Form]:
        """The arrays that belong to it."""
        forms: dict[str, Form] = {"pictures": ("|u1", (self.samples, self.channels, self.height, self.width))}
        return forms | ({"classes": ("<i8", (self.samples,))} if self.labels else {})


class Stack(Value):
    """One array of numbers, as it came."""

    name: str = Field(min_length=1, max_length=limits.TITLE)
    dtype: DType
    shape: tuple[Count, ...] = Field(max_length=16)
    missing: Count = 0
    """Numbers that are NaN or infinite."""
    numbers: Numbers | None = None
    """Null where there is none."""


class Arrays(Value):
    """Arrays of NumPy or in IDX. Arrays: `array0`, `array1`, ... in the order of `arrays`."""

    kind: Literal["arrays"] = "arrays"
    format: Literal["npy", "npz", "idx"]
    said: tuple[Words, ...] = Field((), max_length=100)
    arrays: tuple[Stack, ...] = Field(min_length=1, max_length=limits.ARRAYS)

    def forms(self) -> dict[str, Form]:
        """The arrays that belong to it."""
        return {f"array{place}": (stack.dtype, stack.shape) for place, stack in enumerate(self.arrays)}


Profile: TypeAlias = Annotated[Table | Pictures | Arrays, Field(discriminator="kind")]


class Answer(Value):
    """What the process that reads says: a profile, or why there is none."""

    name: ClassVar[str] = "answer.json"
    profile: Profile | None = None
    problems: tuple[Problem, ...] = Field((), max_length=20)


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read: the profile, and the arrays that its `forms` names. They are read-only."""

    profile: Table | Pictures | Arrays
    arrays: Mapping[str, Array]

    def texts(self, place: int) -> list[str]:
        """The cells of a column of text."""
        data, offsets = self.arrays[f"column{place}"].tobytes(), self.arrays[f"column{place}_offsets"]
        return [data[begin:end].decode() for begin, end in pairwise(offsets)]


def numbers_of(values: Array) -> Numbers | None:
    """The profile of finite numbers, of any shape; null of none."""
    if not values.size:
        return None
    flat = values.reshape(-1).astype(np.float64)
    low, high = float(flat.min()), float(flat.max())
    large = max(abs(low), abs(high))
    # Sums of numbers near 1e308 would be infinite: they are made smaller by a power of two, which is exact.
    scale = 2.0**600 if large > 2.0**500 else 1.0
    flat /= scale
    span = high / scale - low / scale
    places = ((flat - low / scale) / span * BINS).astype(np.int64) if span > 0 else np.full(len(flat), BINS // 2)
    quantiles = np.quantile(flat, (0.05, 0.25, 0.5, 0.75, 0.95))
    return Numbers(
        smallest=low,
        largest=high,
        mean=float(flat.mean()) * scale,
        deviation=float(flat.std()) * scale,
        quantiles=tuple(float(quantile) * scale for quantile in quantiles),
        histogram=tuple(np.bincount(np.minimum(places, BINS - 1), minlength=BINS).tolist()),
    )
