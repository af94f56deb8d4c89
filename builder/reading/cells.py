"""From the cells of one column, as text, to one array and its profile: what they are is guessed, or wished."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

import numpy as np

from builder import limits
from builder.problem import Refused, say
from builder.reading.profile import Array, Column, Common, Kind, numbers_of
from builder.reading.refusal import refusal, shown
from builder.reading.wish import Stored

MISSING = ("", "na", "n/a", "#n/a", "nan", "null", "?", "-")
"""What stands for a value that is not there, in small letters."""
FEW = 20
"""As many different values are categories in the smallest table too."""
IDS = re.compile(r"(.*[ _-])?(id|ids|uuid|guid|index|key|row|nr|no)|unnamed: 0|rowid", re.IGNORECASE)
TARGETS = re.compile(r"y|targets?|labels?|class(es)?|outcome|output", re.IGNORECASE)

NOT_PLAIN = re.compile(r"[^0-9eE+.\-]")
INFINITE = re.compile(r"[+-]?inf(inity)?", re.IGNORECASE)
GROUPED = {
    ".": re.compile(r"[+-]?(\d+|[1-9]\d{0,2}([, '\u00a0\u202f])\d{3}(\2\d{3})*)?(\.\d*)?([eE][+-]?\d+)?", re.ASCII),
    ",": re.compile(r"[+-]?(\d+|[1-9]\d{0,2}([. '\u00a0\u202f])\d{3}(\2\d{3})*)?(,\d*)?([eE][+-]?\d+)?", re.ASCII),
}
ISO = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:\d\d)?)?", re.ASCII)
DATE = re.compile(r"(\d{1,4})([./-])(\d{1,2})\2(\d{1,4})( (\d{1,2}):(\d\d)(:(\d\d))?)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Made:
    """A column and the arrays that hold it, by what follows `column3` in their names."""

    column: Column
    arrays: dict[str, Array]


def column_of(
    name: str, cells: list[str], decimal: Literal[".", ","], missing: frozenset[str], wish: Stored | None
) -> tuple[Made, Counter[str]]:
    """The column that these cells are, and how often each sign of a missing value stands in it.

    Raises Refused where they are not what is wished.
    """  # fmt: skip
    stripped = [cell.strip() for cell in cells]
    absent = np.fromiter((cell.lower() in missing for cell in stripped), bool, len(stripped))
    there = [cell for cell, gone in zip(stripped, absent.tolist(), strict=True) if not gone]
    signs = Counter(cell for cell, gone in zip(stripped, absent.tolist(), strict=True) if gone)
    if not there:
        column = Column(
            name=name, kind="empty", stored="number", because="No cell holds a value.", missing=len(cells), distinct=0
        )
        return Made(column, {"": np.full(len(cells), np.nan)}), signs
    if wish in (None, "number") and (numbers := numbers_from(there, decimal)) is not None:
        if wish is None and _are_classes(name, there, numbers):
            return _category(
                name, there, absent, "It has the name of what is learned, and few different whole numbers."
            ), signs
        return made_of_numbers(
            name, spread(numbers, absent), "number", wished=wish is not None, example=there[0]
        ), signs
    if wish in (None, "date") and (dates := dates_from(there)) is not None:
        seconds, because = dates
        return made_of_numbers(
            name, spread(seconds, absent), "date", because=because, wished=wish is not None, example=there[0]
        ), signs
    if wish in ("number", "date"):
        raise _not_wished(name, there, wish, decimal)
    return _of_words(name, cells, there, absent, wish), signs


def spread(values: Array, absent: Array) -> Array:
    """The values at the places where they are there, and NaN elsewhere: float64."""
    spread = np.full(len(absent), np.nan)
    spread[~absent] = values
    return spread


# Numbers ---------------------------------------------------------------------------------------------------------


def numbers_from(cells: Sequence[str], decimal: Literal[".", ","]) -> Array | None:
    """The cells as float64, where all of them are numbers. Thousands may be set off by what is no decimal sign, or a blank."""
    try:
        if decimal == "." and not NOT_PLAIN.search("".join(cells)):
            return np.array([float(cell) for cell in cells])
        return np.array([_number(cell, decimal) for cell in cells])
    except ValueError:
        return None


def _number(cell: str, decimal: Literal[".", ","]) -> float:
    if INFINITE.fullmatch(cell):
        return float(cell)
    found = GROUPED[decimal].fullmatch(cell)
    if found is None:
        raise ValueError
    plain = cell.replace(found[2], "") if found[2] else cell
    return float(plain.replace(",", "."))


def made_of_numbers(
    name: str,
    values: Array,
    stored: Literal["number", "date"],
    because: str = "",
    wished: bool = False,
    example: str = "",
) -> Made:
    """A column of float64 with NaN for what is missing; what is infinite becomes so."""
    infinite = np.isinf(values)
    if infinite.any():
        values = np.where(infinite, np.nan, values)
        because += say(" {count:,} cells are infinite or too large, and taken as missing.", count=int(infinite.sum()))
    finite = values[~np.isnan(values)]
    distinct = len(np.unique(finite))
    kind, why = _kind_of_numbers(name, values, distinct, stored)
    column = Column(
        name=name,
        kind=stored if wished else kind,
        stored=stored,
        because=("You wished it." if wished else why) + because,
        missing=len(values) - len(finite),
        distinct=distinct,
        numbers=numbers_of(finite),
        example=example[: limits.LABEL] or None,
    )
    return Made(column, {"": values})


def _kind_of_numbers(name: str, values: Array, distinct: int, stored: Literal["number", "date"]) -> tuple[Kind, str]:
    if distinct == 0:
        return "empty", "No cell holds a finite number."
    if distinct == 1 and len(values) > 1 and not np.isnan(values).any():
        return "constant", "Every row holds the same value."
    if stored == "number" and distinct == len(values) > 2 and (values == np.floor(values)).all():
        if (values[1:] == values[:-1] + 1).all():
            return "id-like", "Its numbers count the rows."
        if IDS.fullmatch(name):
            return "id-like", "It has the name of an identifier, and every row another whole number."
    return (
        stored,
        "Every value that is there is a number." if stored == "number" else "Every value that is there is a date.",
    )


def _are_classes(name: str, cells: list[str], numbers: Array) -> bool:
    """Whether numbers are names of classes: what is learned, few, and whole."""
    if not TARGETS.fullmatch(name) or not (np.abs(numbers) < 2**31).all() or (numbers != np.floor(numbers)).any():
        return False
    distinct = len(set(cells))
    return 1 < distinct <= 100 and 2 * distinct <= len(cells)


# Dates -----------------------------------------------------------------------------------------------------------


def dates_from(cells: Sequence[str]) -> tuple[Array, str] | None:
    """The cells in seconds since 1970, UTC, where all of them are dates, and how they were read. A date without a zone is UTC."""
    try:
        if all(ISO.fullmatch(cell) for cell in cells):
            return np.array([_seconds(datetime.fromisoformat(cell)) for cell in cells]), ""
        found = [DATE.fullmatch(cell) for cell in cells]
        if not all(found):
            return None
        parts = [match for match in found if match is not None]
        order, because = _order(parts)
        return np.array([_date(match, order) for match in parts]), because
    except (ValueError, OverflowError):
        return None


def _seconds(date: datetime) -> float:
    return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()


def _order(found: Sequence[re.Match[str]]) -> tuple[str, str]:
    """In which order year, month and day stand, and the sentence about it. ValueError where they are mixed."""
    if all(len(match[1]) == 4 and len(match[4]) <= 2 for match in found):
        return "ymd", ""
    if not all(len(match[1]) <= 2 and len(match[4]) == 4 for match in found):
        raise ValueError
    if all(match[2] == "." for match in found):
        return "dmy", " The day comes first, as before a point."
    if max(int(match[1]) for match in found) > 12:
        return "dmy", " The day comes first: some are above 12."
    if max(int(match[3]) for match in found) > 12:
        return "mdy", " The month comes first: some days are above 12."
    return "mdy", " Month and day cannot be told apart; the month is taken to come first."


def _date(match: re.Match[str], order: str) -> float:
    place = dict(zip(order, (int(match[1]), int(match[3]), int(match[4])), strict=True))
    clock = (int(match[6] or 0), int(match[7] or 0), int(match[9] or 0))
    return datetime(place["y"], place["m"], place["d"], *clock, tzinfo=UTC).timestamp()


# Words -----------------------------------------------------------------------------------------------------------


def _of_words(name: str, cells: list[str], there: list[str], absent: Array, wish: Stored | None) -> Made:
    distinct = len(set(there))
    longest = max(map(len, there))
    if wish == "category" and (distinct > limits.LABELS or longest > limits.LABEL):
        raise refusal("labels", "That column is no category",
                      "{name} has {distinct:,} different values of up to {longest:,} characters; {labels:,} of up to {limit} are the limit. "
                      "Take it as text.", name=shown(name), distinct=distinct, longest=longest, labels=limits.LABELS, limit=limits.LABEL)  # fmt: skip
    if wish is None:
        stored, kind, because = _guess(name, there, len(cells), longest)
    else:
        stored, kind, because = wish, wish, "You wished it."
    return (_category if stored == "category" else _text)(
        name, there if stored == "category" else cells, absent, because, kind
    )


def _guess(name: str, there: list[str], rows: int, longest: int) -> tuple[Stored, Kind, str]:
    counts = Counter(there)
    distinct = len(counts)
    small = distinct <= limits.LABELS and longest <= limits.LABEL
    if small and distinct == 1 and len(there) == rows > 1:
        return "category", "constant", "Every row holds the same value."
    if distinct == rows > 2 and not any(" " in cell for cell in there):
        if IDS.fullmatch(name):
            return "text", "id-like", "It has the name of an identifier, and every row another value."
        if rows > FEW and len(set(map(len, there))) == 1:
            return "text", "id-like", "Every row has another code of the same length."
    if small and (distinct <= FEW or 2 * distinct <= len(there)):
        return (
            "category",
            "category",
            say("{distinct:,} different values, many of them more than once.", distinct=distinct),
        )
    return "text", "text", say("{distinct:,} different values that are no numbers.", distinct=distinct)


def _category(name: str, there: list[str], absent: Array, because: str, kind: Kind = "category") -> Made:
    counts = Counter(there)
    numbers = numbers_from(list(counts), ".")
    labels = (
        sorted(counts)
        if numbers is None
        else [label for _, label in sorted(zip(numbers.tolist(), counts, strict=True))]
    )
    code = {label: place for place, label in enumerate(labels)}
    codes = np.full(len(absent), -1, np.int32)
    codes[~absent] = [code[cell] for cell in there]
    column = Column(
        name=name, kind=kind, stored="category", because=because, missing=int(absent.sum()), distinct=len(labels), labels=tuple(labels),
        common=_common(counts), example=there[0],
    )  # fmt: skip
    return Made(column, {"": codes})


def _text(name: str, cells: list[str], absent: Array, because: str, kind: Kind = "text") -> Made:
    encoded = [b"" if gone else cell.encode() for cell, gone in zip(cells, absent.tolist(), strict=True)]
    data = np.frombuffer(b"".join(encoded), np.uint8)
    offsets = np.zeros(len(cells) + 1, np.int64)
    np.cumsum([len(cell) for cell in encoded], out=offsets[1:])
    counts = Counter(cell for cell, gone in zip(cells, absent.tolist(), strict=True) if not gone)
    column = Column(
        name=name, kind=kind, stored="text", because=because, missing=int(absent.sum()), distinct=len(counts), common=_common(counts),
        example=next(iter(counts))[: limits.LABEL], bytes=len(data),
    )  # fmt: skip
    return Made(column, {"": data, "_offsets": offsets})


def _common(counts: Counter[str]) -> tuple[Common, ...]:
    return tuple(Common(label=label[: limits.LABEL], count=count) for label, count in counts.most_common(10))


def _not_wished(name: str, there: list[str], wish: Stored, decimal: Literal[".", ","]) -> Refused:
    def fits(cell: str) -> bool:
        return (numbers_from([cell], decimal) if wish == "number" else dates_from([cell])) is not None

    wrong = next((cell for cell in there if not fits(cell)), there[0])
    return refusal("kind", "A column is not what you wished",
                   "{name} cannot be a {wish} throughout: look at {cell}. Wish for category or text, or say that this stands for what is missing.",
                   name=shown(name), wish=wish, cell=shown(wrong))  # fmt: skip
