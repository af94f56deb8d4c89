"""What a person wants of a file, where the guess is not right. Everything may be left open."""

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from builder import limits
from builder.problem import Value

Stored: TypeAlias = Literal["number", "category", "date", "text"]
"""How the cells of a column are kept."""
Delimiter: TypeAlias = Literal[",", ";", "\t", "|"]
Encoding: TypeAlias = Literal["utf-8", "utf-16-le", "utf-16-be", "cp1252", "latin-1"]
Side = Annotated[int, Field(ge=1, le=limits.SIDE)]


class Wish(Value):
    """Null is a guess, which the profile tells."""

    # Tables
    rows: int | None = Field(None, ge=1, le=limits.SAMPLES)
    """Only so many, from the beginning."""
    encoding: Encoding | None = None
    delimiter: Delimiter | None = None
    decimal: Literal[".", ","] | None = None
    header: bool | None = None
    """Whether the first row holds names."""
    missing: tuple[Annotated[str, Field(max_length=40)], ...] | None = Field(None, max_length=20)
    """What stands for a value that is not there, whatever the case of its letters."""
    skip_ragged: bool = False
    """Leave out rows that are longer or shorter than the first."""
    kinds: dict[str, Stored] = Field(default={}, max_length=limits.COLUMNS)
    """What columns are, by name."""
    sheet: str | None = Field(None, max_length=limits.TITLE)

    # Pictures
    size: tuple[Side, Side] | None = None
    """Height and width."""
    channels: Literal[1, 3] | None = None
    fit: Literal["pad", "crop", "stretch"] = "pad"
    """What is done with pictures of other proportions: black at two sides, two sides cut off, or neither."""
    filter: Literal["bilinear", "box"] = "bilinear"
    """How pixels are averaged where a picture is made smaller or larger."""
    unreadable: float = Field(0.05, ge=0, le=1)
    """The share of pictures that may be unreadable."""
