"""One file, whatever it is: what it holds, or why that is not read."""

import re
from collections.abc import Callable
from typing import IO

from builder import limits
from builder.members import Members
from builder.problem import Refused
from builder.reading import numbers, pictures, sheets, tables, what
from builder.reading.profile import Array, Arrays, Pictures, Table
from builder.reading.refusal import refusal
from builder.reading.wish import Wish

INSIDE = re.compile(r"(?!/)(?![A-Za-z]:)(?!(.*/)?\.\.?(/|$))[^\\\x00-\x1f\x7f]{1,400}")
"""Names that stay in a folder. None becomes a path; whoever writes another means harm, or a machine that has others."""
FOLDER = re.compile(INSIDE.pattern + "/")
NO_SAMPLE = re.compile(r"(.*/)?(__MACOSX/.*|\.[^/]*|Thumbs\.db|desktop\.ini)", re.IGNORECASE)
"""What systems put beside a person's files."""

Read = tuple[Table | Pictures | Arrays, dict[str, Array]]


def read(file: IO[bytes], wish: Wish) -> Read:
    """The profile of a file and its arrays. Raises Refused where it is not read, and MemoryError."""
    head = file.read(what.HEAD)
    file.seek(0)
    if not head:
        raise refusal("empty", "The file is empty", "It has 0 bytes. Save it anew.")
    readable = what.readable(head)
    if readable is None:
        raise _not_read(what.named(head) or "")
    return READERS[readable](file, wish)


def _not_read(name: str) -> Refused:
    because = (
        "It is {name}, whatever it is called. CSV, Excel (.xlsx), Parquet, a zip of pictures in folders by class, IDX, .npy and "
        ".npz are read."
    )
    if name in what.PICTURES:
        because = "It is {name}, and one is too few: put pictures into a folder for each class, and those into a zip."
    return refusal("format", "Such files are not read", because, name=name)


def _npy(file: IO[bytes], wish: Wish) -> Read:
    return numbers.read_npy(file)


def _idx_file(file: IO[bytes], wish: Wish) -> Read:
    return _idx(file.read())


def _idx(data: bytes) -> Read:
    array = numbers.idx(data, "the file")
    if array.ndim == 3 and array.dtype.str == "|u1":
        return pictures.from_idx([("the file", array)])
    return numbers.profiled("idx", [("array", array)])


def _gzip(file: IO[bytes], wish: Wish) -> Read:
    data = numbers.unpacked(file.read(), "the file")
    if what.readable(data[: what.HEAD]) != "idx":
        raise _not_read("a gzip of something else than IDX")
    return _idx(data)


def _zip(file: IO[bytes], wish: Wish) -> Read:
    members = Members(file, INSIDE, FOLDER, "which is no name of a file in a folder.")
    match what.in_a_zip(members.names):
        case "excel":
            return sheets.read_excel(file, members, wish)
        case "npz":
            return numbers.read_npz(members)
        case str(name):
            raise _not_read(name)
    wanted = members.only(name for name in members.names if not NO_SAMPLE.fullmatch(name))
    heads = [wanted.head(name) for name in wanted.names[: limits.ARRAYS]]
    if wanted.names and len(wanted.names) <= 8 and all(what.readable(head) in ("idx", "gzip") for head in heads):
        return _idx_files(wanted)
    if not any(what.named(head) in what.PICTURES for head in heads):
        held = next((what.named(head) for head in heads if what.named(head)), "files that are no pictures")
        raise _not_read(f"a zip of {held}" if wanted.names else "an empty zip")
    return pictures.read_zip(wanted, wish)


def _idx_files(members: Members) -> Read:
    arrays = []
    for name, data in numbers.pieces(members):
        if what.readable(data[: what.HEAD]) != "idx":
            raise _not_read("a zip of a gzip of something else than IDX")
        arrays.append((name, numbers.idx(data, name)))
    return pictures.from_idx(arrays)


READERS: dict[what.Readable, Callable[[IO[bytes], Wish], Read]] = {
    "text": tables.read_text,
    "parquet": sheets.read_parquet,
    "zip": _zip,
    "npy": _npy,
    "idx": _idx_file,
    "gzip": _gzip,
}
