"""Rows of cells become columns: names, what each column is, and what is probably learned from what."""

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import chain, islice
from typing import IO, Literal

import numpy as np

from builder import limits
from builder.problem import Refused, say
from builder.reading import text
from builder.reading.cells import MISSING, TARGETS, Made, column_of, dates_from, numbers_from
from builder.reading.profile import Array, Column, Table
from builder.reading.refusal import refusal, shown
from builder.reading.wish import Wish

CELLS_A_PIECE = 100_000
TOLD = 10
"""Rows and columns that a sentence names."""

Rows = Iterator[tuple[int, list[str]]]
"""Numbers of lines, and the cells in them."""
Decimal = Literal[".", ","]


def read_text(file: IO[bytes], wish: Wish) -> tuple[Table, dict[str, Array]]:
    """A table in text. Raises Refused."""
    encoding, mark, delimiter, said = text.cut(file, wish)
    with closing(text.rows_of(file, encoding, mark, delimiter)) as rows:
        first = list(islice(rows, text.SAMPLE))
        decimal = wish.decimal or text.decimal_of([row for _, row in first], delimiter)
        if decimal == ",":
            said.append("Decimals stand behind a comma.")
        header = has_header([row for _, row in first], decimal) if wish.header is None else wish.header
        table, arrays = made(chain(first, rows), "text", decimal, header, wish, said)
    told = {"encoding": encoding, "delimiter": delimiter, "decimal": decimal}
    return table.model_copy(update=told), arrays


def has_header(rows: list[list[str]], decimal: Decimal) -> bool:
    """Whether the first row holds names: above a column of numbers or dates stands something else, or there are words only.

    Places that are counted from 0 or 1 are names, too.
    """
    if not rows:
        return False
    if len(rows[0]) > 2 and rows[0] in ([str(place + begin) for place in range(len(rows[0]))] for begin in (0, 1)):
        return True
    columns = [column for column in zip(*rows, strict=False) if column[0].strip()]
    values = [_is_value(column[:1], decimal) for column in columns]
    below = [_is_value(column[1:], decimal) for column in columns]
    if any(under and not value for value, under in zip(values, below, strict=True)):
        return True
    return not any(values)


def _is_value(cells: tuple[str, ...], decimal: Decimal) -> bool:
    """Whether all cells that hold something hold a number or a date, and one does."""
    there = [cell.strip() for cell in cells if cell.strip().lower() not in MISSING]
    return bool(there) and (numbers_from(there, decimal) is not None or dates_from(there) is not None)


def made(
    rows: Rows, format: Literal["text", "excel"], decimal: Decimal, header: bool, wish: Wish, said: list[str]
) -> tuple[Table, dict[str, Array]]:
    """The table that these rows are. Raises Refused."""
    gathered = gather(rows, header, wish)
    said.append("The first row holds the names." if header else "No row holds names.")
    names = names_of(gathered.names, gathered.width, said)
    check_wished(wish, names)
    missing = frozenset(MISSING if wish.missing is None else ("", *(sign.lower() for sign in wish.missing)))
    signs: Counter[str] = Counter()
    columns: list[Made] = []
    for name, pieces in zip(names, gathered.columns, strict=True):
        cells = [cell for piece in pieces for cell in piece.tolist()]
        pieces.clear()
        column, found = column_of(name, cells, decimal, missing, wish.kinds.get(name))
        columns.append(column)
        signs.update(found)
    if signs:
        kinds = ", ".join(
            f"{shown(sign) if sign else 'nothing'} {count:,} times" for sign, count in signs.most_common(TOLD)
        )
        said.append(say("In place of a value stands {kinds}.", kinds=kinds))
    if gathered.skipped:
        said.append(say("{count:,} rows of another length were left out.", count=gathered.skipped))
    table, arrays = put_together(format, gathered.rows, columns, said)
    return table.model_copy(update={"header": header, "skipped": gathered.skipped}), arrays


def put_together(
    format: Literal["text", "parquet", "excel"], rows: int, columns: list[Made], said: list[str]
) -> tuple[Table, dict[str, Array]]:
    """The table of these columns with guessed roles, and its arrays."""
    table = Table(format=format, said=tuple(said), rows=rows, columns=with_roles([made.column for made in columns]))
    arrays = {
        f"column{place}{suffix}": array for place, made in enumerate(columns) for suffix, array in made.arrays.items()
    }
    return table, arrays


# Rows ------------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Gathered:
    """Cells by column, in pieces; the names that the first row holds, if it does; how many rows there are."""

    names: list[str] | None
    width: int
    columns: list[list[Array]]
    rows: int = 0
    skipped: int = 0


def gather(rows: Rows, header: bool, wish: Wish) -> Gathered:
    """Turn rows into columns, which take a third of the memory. Raises Refused where rows are ragged, too many, or none."""
    first = next(rows, None)
    if first is None:
        raise refusal(
            "empty", "The file is empty", "It holds no row. A table has one row of names, and one for every sample."
        )
    width = len(first[1])
    check_columns(width)
    gathered = Gathered(first[1] if header else None, width, [[] for _ in range(width)])
    ragged: list[tuple[int, int]] = []
    piece: list[list[str]] = []
    most = wish.rows or limits.SAMPLES + 1
    for line, row in rows if header else chain([first], rows):
        if len(row) != width:
            ragged.append((line, len(row)))
            continue
        piece.append(row)
        gathered.rows += 1
        if len(piece) * width >= CELLS_A_PIECE:
            _keep(piece, gathered)
        if gathered.rows == most:
            break
    _keep(piece, gathered)
    if ragged and not wish.skip_ragged:
        raise _ragged(ragged, width)
    gathered.skipped = len(ragged)
    if not gathered.rows:
        raise refusal(
            "no-rows",
            "The table has no rows",
            "There are {width:,} names, and no row of values below them.",
            width=width,
        )
    return gathered


def _keep(piece: list[list[str]], gathered: Gathered) -> None:
    check_rows(gathered.rows, gathered.width)
    for kept, cells in zip(gathered.columns, zip(*piece, strict=True), strict=False):
        kept.append(np.array(cells, np.dtypes.StringDType()))
    piece.clear()


def check_columns(count: int) -> None:
    """Raises Refused where there are too many."""
    if count > limits.COLUMNS:
        raise refusal("columns", "There are too many columns",
                      "It has {count:,} columns; {limit:,} are the limit. Leave out what is not needed.", count=count, limit=limits.COLUMNS)  # fmt: skip


def check_rows(rows: int, columns: int) -> None:
    """Raises Refused where there are too many rows, or cells."""
    if rows > limits.SAMPLES or rows * columns > limits.CELLS:
        raise refusal("rows", "There are too many rows",
                      "It has more than {rows:,} rows of {columns:,} columns; {limit:,} rows and {cells:,} cells are the limit. "
                      "Take fewer rows, or leave out columns.",
                      rows=rows - 1, columns=columns, limit=limits.SAMPLES, cells=limits.CELLS)  # fmt: skip


def _ragged(ragged: list[tuple[int, int]], width: int) -> Refused:
    lines = ", ".join(f"line {line:,} has {length:,}" for line, length in ragged[:TOLD])
    return refusal("ragged", "Rows differ in length",
                   "The first row has {width:,} cells; {lines}{more}. Mend them, or skip such rows.",
                   width=width, lines=lines, more=f", and {len(ragged) - TOLD:,} more" if len(ragged) > TOLD else "")  # fmt: skip


# Names and roles -------------------------------------------------------------------------------------------------


def names_of(names: list[str] | None, width: int, said: list[str]) -> list[str]:
    """A name for every column, none twice; what had to be changed is said."""
    found: dict[str, None] = {}
    changed = []
    for place, name in enumerate(names or [""] * width, 1):
        plain = re.sub(r"[\x00-\x1f\x7f\s]+", " ", name).strip()[: limits.TITLE]
        free = _free(plain or f"column {place}", found)
        if names is not None and free != name.strip():
            changed.append(f"{shown(name)} is {shown(free)}")
        found[free] = None
    if changed:
        more = f", and {len(changed) - TOLD:,} more" if len(changed) > TOLD else ""
        said.append(
            say(
                "Some names were empty, too long, or there twice: {changed}{more}.",
                changed=", ".join(changed[:TOLD]),
                more=more,
            )
        )
    return list(found)


def _free(name: str, taken: dict[str, None]) -> str:
    number, free = 2, name
    while free in taken:
        ending = f" {number}"
        number, free = number + 1, name[: limits.TITLE - len(ending)] + ending
    return free


def check_wished(wish: Wish, names: list[str]) -> None:
    """Raises Refused where a wish is about a column that is not there."""
    unknown = [name for name in wish.kinds if name not in names]
    if unknown:
        raise refusal("column", "There is no such column", "No column is called {name}. There are {names}.",
                      name=shown(unknown[0]), names=", ".join(map(shown, names[:TOLD])))  # fmt: skip


def with_roles(columns: list[Column]) -> tuple[Column, ...]:
    """The columns with their roles guessed: the target has such a name, or is last; what tells samples apart says nothing."""
    learnable = [column for column in columns if column.kind in ("number", "category")]
    named = [column for column in learnable if TARGETS.fullmatch(column.name)]
    target = named[-1] if named else learnable[-1] if learnable else None
    why = "It has the name of what is learned." if named else "It is the last column that can be learned."

    def role(column: Column) -> dict[str, str]:
        if column is target:
            return {"role": "target", "role_because": why}
        if column.kind in IGNORED:
            return {"role": "ignored", "role_because": IGNORED[column.kind]}
        return {"role": "feature", "role_because": "It may tell something of the target."}

    return tuple(column.model_copy(update=role(column)) for column in columns)


IGNORED = {
    "id-like": "It tells samples apart, and says nothing of new ones.",
    "constant": "It is the same for all samples.",
    "empty": "It holds nothing.",
}
