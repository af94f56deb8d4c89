"""Signal: what travels on an edge of a network."""

from dataclasses import dataclass
from math import prod
from typing import Literal, TypeAlias

Shape: TypeAlias = tuple[int, ...]
DType: TypeAlias = Literal["float32", "int64", "bool"]

AXES_OF_RANK = {0: "", 1: "F", 2: "TF", 3: "CHW", 4: "CDHW"}
"""The axes that an Input has when it does not name them."""

KNOWN_AXES = frozenset({"CHW", "CL", "CDHW", "TF", "F", "T", "HW", "TT", ""})

BYTES = {"float32": 4, "int64": 8, "bool": 1}


@dataclass(frozen=True, slots=True)
class Signal:
    """One sample of what an output gives: the batch axis is left out, channels come first.

    `axes` has one letter per dimension of `shape` (C channel, D depth, H height, W width, L length, T time, F feature).
    `classes`, for int64 alone: values are 0 .. classes - 1.
    """

    shape: Shape
    axes: str
    dtype: DType = "float32"
    classes: int | None = None

    @property
    def numbers(self) -> int:
        """How many numbers one sample has."""
        return prod(self.shape)

    @property
    def bytes(self) -> int:
        """Memory of one sample."""
        return self.numbers * BYTES[self.dtype]

    def __str__(self) -> str:
        """`32 x 28 x 28`, as people write it."""
        return " x ".join(map(str, self.shape)) or "1 number"
