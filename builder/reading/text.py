"""Text with cells between separators: how it is encoded and cut is guessed, and said."""

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing, suppress
from itertools import chain, islice
from typing import IO, Literal

from builder import limits
from builder.problem import Refused
from builder.reading.refusal import refusal
from builder.reading.wish import Wish

PIECE = 2**20
MARKS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
NAMES = {"utf-8": "UTF-8", "utf-16-le": "UTF-16", "utf-16-be": "UTF-16", "cp1252": "Windows-1252", "latin-1": "Latin-1"}
DELIMITERS = {"\t": "tabs", ";": "semicolons", "|": "vertical bars", ",": "commas"}
"""A comma last: where two cut a text equally well, it stands in numbers."""
CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
SAMPLE = 200
"""Rows that guesses look at."""


def encoding_of(file: IO[bytes]) -> tuple[str, int, str]:
    """The encoding of a file, how many bytes of a mark to leave out, and the sentence that says so."""
    file.seek(0)
    head = file.read(PIECE)
    for mark, encoding in MARKS:
        if head.startswith(mark):
            return encoding, len(mark), f"It is text in {NAMES[encoding]}, as the mark at its beginning says."
    zeros = [head[0::2].count(0), head[1::2].count(0)]
    if sum(zeros):
        # In UTF-16 letters of the Latin alphabet have a zero in every other byte.
        if min(zeros) * 20 < max(zeros) and max(zeros) * 4 > len(head) // 2:
            encoding = "utf-16-be" if zeros[0] > zeros[1] else "utf-16-le"
            return encoding, 0, "It is text in UTF-16, as the zero in every other byte shows."
        raise _no_text()
    if _decodes(file, "utf-8"):
        return "utf-8", 0, "It is text in UTF-8."
    if CONTROL.search(head):
        raise _no_text()
    if _decodes(file, "cp1252"):
        return "cp1252", 0, "It is no UTF-8, so it is read as Windows-1252."
    return "latin-1", 0, "It is neither UTF-8 nor Windows-1252, so it is read as Latin-1."


def _decodes(file: IO[bytes], encoding: str) -> bool:
    file.seek(0)
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        while piece := file.read(PIECE):
            decoder.decode(piece)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _no_text() -> Refused:
    return refusal(
        "unknown",
        "Nobody here knows what this file is",
        "It is neither text nor of a form that is read. CSV, Excel (.xlsx), Parquet, a zip of pictures in folders by class, "
        "IDX, .npy and .npz are.",
    )


def rows_of(file: IO[bytes], encoding: str, mark: int, delimiter: str) -> Generator[tuple[int, list[str]], None, None]:
    """Every row that is not blank, with the number of the line that it ends in. Raises Refused where quotes or cells are wrong.

    Whoever does not come to the end closes it: the file is the caller's again then.
    """
    file.seek(mark)
    csv.field_size_limit(limits.CELL)
    text = io.TextIOWrapper(file, encoding, newline="")
    reader = csv.reader(_checked(text), delimiter=delimiter, strict=True)
    line = 0
    try:
        for row in reader:
            line = reader.line_num
            if row:
                yield line, row
    except csv.Error as error:
        raise _wrong(str(error), line + 1) from None
    except UnicodeDecodeError:
        raise refusal("encoding", "The text cannot be decoded",
                      "Behind line {line} it is not {encoding}. Save it as UTF-8.", line=line, encoding=NAMES[encoding]) from None  # fmt: skip
    finally:
        text.detach()  # the file stays open


def _checked(lines: Iterable[str]) -> Iterator[str]:
    """The lines; refused where one is longer than a row may be, or holds what no text does."""
    for number, line in enumerate(lines, 1):
        if "\0" in line:
            raise _no_text()
        if len(line) > limits.LINE:
            raise refusal("line", "A line is too long", "Line {number} has {length:,} characters; {limit:,} are the limit. Is it a table?",
                          number=number, length=len(line), limit=limits.LINE)  # fmt: skip
        yield line


def _wrong(error: str, line: int) -> Refused:
    if "field limit" in error:
        because = "The row that begins in line {line} has a cell of more than {limit:,} characters. A quote that is never closed does this too."
        return refusal("cell", "A cell is too long", because, line=line, limit=limits.CELL)
    because = "The row that begins in line {line} has a quote that is not closed, or something behind one: {reason}. Mend that row."
    return refusal("quotes", "A quote is wrong", because, line=line, reason=error[:100])


def delimiter_of(file: IO[bytes], encoding: str, mark: int) -> str:
    """What stands between cells: what cuts most of the first rows into equally many."""
    best = max(DELIMITERS, key=lambda delimiter: _evenness(file, encoding, mark, delimiter))
    return best if _evenness(file, encoding, mark, best) > 0 else ","


def _evenness(file: IO[bytes], encoding: str, mark: int, delimiter: str) -> float:
    """The share of the first rows that have as many cells as most; 0 where that is one."""
    lengths: Counter[int] = Counter()
    rows = rows_of(file, encoding, mark, delimiter)
    with closing(rows), suppress(Refused):  # the rows so far tell enough; who reads all of them says what is wrong
        for _, row in islice(rows, SAMPLE):
            lengths[len(row)] += 1
    if not lengths:
        return 0
    length, count = lengths.most_common(1)[0]
    return count / lengths.total() if length > 1 else 0


POINT = re.compile(r"[+-]?(\d+\.\d*|\.\d+|[1-9]\d{0,2}(,\d{3})+\.\d+)([eE][+-]?\d+)?", re.ASCII)
COMMA = re.compile(r"[+-]?(\d+,\d*|,\d+|[1-9]\d{0,2}(\.\d{3})+,\d+)([eE][+-]?\d+)?", re.ASCII)
EITHER = re.compile(r"[+-]?[1-9]\d{0,2}[.,]\d{3}", re.ASCII)
"""Three decimals, or thousands."""


def decimal_of(rows: Iterable[list[str]], delimiter: str) -> Literal[".", ","]:
    """What stands before the decimals: a comma where more cells can only be read so than with a point.

    Where nothing tells, cells between semicolons are taken to have a comma: that is what the semicolons are for.
    """
    texts = [cell.strip() for cell in chain.from_iterable(rows)]
    points = sum(POINT.fullmatch(text) is not None for text in texts if not EITHER.fullmatch(text))
    commas = sum(COMMA.fullmatch(text) is not None for text in texts if not EITHER.fullmatch(text))
    if points == commas == 0 and delimiter == ";" and any("," in text for text in texts if EITHER.fullmatch(text)):
        return ","
    return "," if commas > points else "."


def cut(file: IO[bytes], wish: Wish) -> tuple[str, int, str, list[str]]:
    """The encoding, the length of the mark, the delimiter, and sentences about them."""
    encoding, mark, because = encoding_of(file)
    if wish.encoding is not None and wish.encoding != encoding:
        encoding, mark, because = wish.encoding, 0, f"It is read as {NAMES[wish.encoding]}, as you wished."
    delimiter = wish.delimiter or delimiter_of(file, encoding, mark)
    return encoding, mark, delimiter, [because, f"Cells stand between {DELIMITERS[delimiter]}."]
