"""Tables of Parquet files and of Excel workbooks."""

import re
from collections.abc import Iterator
from datetime import date, datetime
from itertools import chain, islice
from typing import IO, Any

import numpy as np
from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook

from builder import limits
from builder.members import Members
from builder.problem import Refused, say
from builder.reading import tables, text
from builder.reading.cells import TARGETS, Made, column_of, made_of_numbers
from builder.reading.profile import Array, Table
from builder.reading.refusal import refusal, shown
from builder.reading.wish import Wish

# Excel -----------------------------------------------------------------------------------------------------------


def read_excel(file: IO[bytes], members: Members, wish: Wish) -> tuple[Table, dict[str, Array]]:
    """A sheet of an Excel workbook, whose zip has been looked at. Raises Refused."""
    for name in members.names:  # its reader counts nothing: what the zip says of itself is tried first
        for _ in members.pieces(name):
            pass
    file.seek(0)
    try:
        book = CalamineWorkbook.from_filelike(file)
        names = book.sheet_names
        name = _chosen(names, wish.sheet)
        sheet = book.get_sheet_by_name(name)
    except (CalamineError, OSError, ValueError) as error:
        raise _damaged("an Excel workbook", error) from None
    said = [say("It is the sheet {name} of {count}.", name=shown(name), count=len(names))]
    tables.check_columns(sheet.width)
    tables.check_rows(max(0, sheet.height - 1), sheet.width)
    rows = _rows(sheet)
    first = list(islice(rows, text.SAMPLE))
    header = tables.has_header([row for _, row in first], ".") if wish.header is None else wish.header
    table, arrays = tables.made(chain(first, rows), "excel", ".", header, wish, said)
    shortened = tuple(each[: limits.LABEL] for each in names[:1_000])
    return table.model_copy(update={"sheets": shortened, "sheet": name[: limits.LABEL]}), arrays


def _chosen(names: list[str], wished: str | None) -> str:
    if wished is None and names:
        return names[0]
    if wished not in names:
        raise refusal("sheet", "There is no such sheet", "The workbook has {names}.",
                      names=", ".join(map(shown, names[: tables.TOLD])) or "no sheet at all")  # fmt: skip
    return wished or ""


def _rows(sheet: CalamineSheet) -> Iterator[tuple[int, list[str]]]:
    start = sheet.start[0] if sheet.start else 0
    for number, row in enumerate(sheet.iter_rows(), start + 1):
        cells = [_cell(value) for value in row]
        if any(cells):
            yield number, cells


def _cell(value: Any) -> str:
    """A cell as the text that is read back as the same value."""
    match value:
        case bool():
            return "true" if value else "false"
        case datetime():
            return value.isoformat(sep=" ")
        case date():
            return value.isoformat()
        case float() if value.is_integer() and abs(value) < 2**53:
            return str(int(value))
        case str() if len(value) > limits.CELL:
            raise refusal("cell", "A cell is too long", "A cell has more than {limit:,} characters.", limit=limits.CELL)
        case _:
            return str(value)


def _damaged(what: str, error: Exception) -> Refused:
    reason = re.sub(r"\s+", " ", str(error))[:200] or type(error).__name__
    return refusal("damaged", "The file is damaged", "It begins like {what} and cannot be read as one: {reason}. Save it anew.",
                   what=what, reason=reason)  # fmt: skip


# Parquet ---------------------------------------------------------------------------------------------------------


def read_parquet(file: IO[bytes], wish: Wish) -> tuple[Table, dict[str, Array]]:
    """A Parquet file, column by column. Raises Refused."""
    import pyarrow as pa  # takes a third of a second, and addresses
    import pyarrow.parquet as pq

    try:
        parquet = pq.ParquetFile(file)
        schema, rows = parquet.schema_arrow, parquet.metadata.num_rows
        tables.check_columns(parquet.metadata.num_columns)  # those inside of records, too
        tables.check_rows(rows, len(schema))
        said: list[str] = []
        names = tables.names_of(list(schema.names), len(schema), said)
        tables.check_wished(wish, names)
        whole = parquet.read(use_threads=False)
        taken = whole.slice(0, wish.rows)
        if not taken.num_rows:
            raise refusal(
                "no-rows", "The table has no rows", "There are {width:,} columns, and no row.", width=len(schema)
            )
        columns = [_column(name, taken.column(place), wish) for place, name in enumerate(names)]
    except MemoryError:
        raise
    except (pa.ArrowException, OSError, ValueError, KeyError) as error:
        raise _damaged("a Parquet file", error) from None
    return tables.put_together("parquet", taken.num_rows, columns, said)


def _column(name: str, values: Any, wish: Wish) -> Made:
    """A column of Arrow: numbers and dates as they are, words like those of any table."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind, wished = values.type, wish.kinds.get(name)
    if pa.types.is_dictionary(kind):
        kind, values = kind.value_type, values.cast(kind.value_type)
    classes = wished is None and pa.types.is_integer(kind) and TARGETS.fullmatch(name)  # perhaps: the cells tell
    if (
        wished in (None, "number")
        and not classes
        and (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))
    ):
        numbers = values.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
        return made_of_numbers(name, np.array(numbers, np.float64), "number", wished=wished is not None)
    if wished in (None, "date") and (pa.types.is_date(kind) or pa.types.is_timestamp(kind)):
        micro = values.cast(pa.timestamp("us", tz=getattr(kind, "tz", None)), safe=False).cast(pa.int64())
        seconds = np.array(
            pc.divide(micro.cast(pa.float64(), safe=False), 1e6).to_numpy(zero_copy_only=False), np.float64
        )
        return made_of_numbers(name, seconds, "date", wished=wished is not None)
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_nested(kind):
        raise refusal("type", "A column is of a type that is not read",
                      "{name} holds {kind}. Numbers, dates and text are read.", name=shown(name), kind=str(kind)[:40])  # fmt: skip
    cells = ["" if cell is None else cell for cell in values.cast(pa.string()).to_pylist()]
    return column_of(name, cells, ".", frozenset({""}), wished)[0]
