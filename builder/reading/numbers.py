"""Arrays of numbers: NumPy's files and IDX. A header is held against the bytes that there are before any room is taken."""

import io
import zlib
from collections.abc import Iterator
from math import prod
from tokenize import TokenError
from typing import IO

import numpy as np

from builder import limits
from builder.members import Members
from builder.problem import Refused, say
from builder.reading.profile import Array, Arrays, DType, Stack, numbers_of
from builder.reading.refusal import refusal, shown

IDX_TYPES = {8: "|u1", 9: "|i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}
"""By the third byte of the file: http://yann.lecun.com/exdb/mnist/ describes the format."""
SIDES = 16
"""Of one array."""
LOOKED_AT = 2_000_000
"""Of more numbers than these the profile looks at evenly spaced ones."""
HEADER_ERRORS = (
    ValueError,
    TypeError,
    SyntaxError,
    LookupError,
    AttributeError,
    EOFError,
    OverflowError,
    RecursionError,
    TokenError,
)
"""What NumPy raises for a header that was made to hurt."""


def read_npy(file: IO[bytes]) -> tuple[Arrays, dict[str, Array]]:
    """A `.npy`. Raises Refused."""
    return profiled("npy", [("array", npy(file.read(), "array"))])


def read_npz(members: Members) -> tuple[Arrays, dict[str, Array]]:
    """A `.npz`. Raises Refused."""
    if len(members.names) > limits.ARRAYS:
        raise refusal("arrays", "There are too many arrays", "It holds {count:,}; {limit:,} are the limit.",
                      count=len(members.names), limit=limits.ARRAYS)  # fmt: skip
    names = [(member.removesuffix(".npy"), member) for member in members.names]
    return profiled("npz", [(name, npy(members.read(member, limits.ARRAY_BYTES), name)) for name, member in names])


def npy(data: bytes, name: str) -> Array:
    """The array that a `.npy` holds, which shares its memory. Raises Refused where it holds objects, or not what it says."""
    file = io.BytesIO(data)
    try:
        version = np.lib.format.read_magic(file)
        read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}[version]
        shape, fortran, dtype = read(file)
    except HEADER_ERRORS:
        raise _damaged(name, "its header is none") from None
    if dtype.hasobject:
        raise refusal("objects", "An array holds objects",
                      "{name} holds Python objects, which only a pickle could bring back, and a pickle can run code. Save it as numbers.",
                      name=shown(name))  # fmt: skip
    if dtype.kind not in "biuf":
        raise refusal("dtype", "An array holds no numbers",
                      "{name} has the dtype {dtype}. Whole and real numbers are read.", name=shown(name), dtype=str(dtype)[:60])  # fmt: skip
    begin = file.tell()
    if len(shape) > SIDES or any(side < 0 for side in shape):
        raise _damaged(name, "it has too many sides, or sides below 0")
    if prod(shape) * dtype.itemsize != len(data) - begin:
        raise _damaged(
            name, f"its header says {_size(prod(shape) * dtype.itemsize)}, and there are {_size(len(data) - begin)}"
        )
    return np.frombuffer(data, dtype, prod(shape), begin).reshape(shape, order="F" if fortran else "C")


def idx(data: bytes, name: str) -> Array:
    """The array that an IDX file holds, which shares its memory. Raises Refused where it is not as long as it says."""
    dtype, sides = np.dtype(IDX_TYPES[data[2]]), data[3]
    begin = 4 + 4 * sides
    shape = tuple(int.from_bytes(data[place : place + 4], "big") for place in range(4, begin, 4))
    if len(data) < begin or prod(shape) * dtype.itemsize != len(data) - begin:
        raise _damaged(
            name, f"its header says {_size(prod(shape) * dtype.itemsize)}, and there are {_size(len(data) - begin)}"
        )
    return np.frombuffer(data, dtype, prod(shape), begin).reshape(shape)


def unpacked(packed: bytes, name: str) -> bytes:
    """What a gzip holds. Raises Refused where that is damaged, or too much."""
    most = min(limits.ARRAY_BYTES, limits.ARCHIVE_RATIO * len(packed))
    machine = zlib.decompressobj(31)  # with the header of gzip
    try:
        data = machine.decompress(packed, most + 1)
    except zlib.error:
        raise _damaged(name, "its packing is broken") from None
    if len(data) > most:
        raise refusal("ratio", "The file would become too large",
                      "{name} unpacks to more than {most:,} bytes, which is the limit for its size.", name=shown(name), most=most)  # fmt: skip
    if not machine.eof:
        raise _damaged(name, "its end is missing")
    return data


def _size(size: int) -> str:
    return f"{size:,} bytes" if size < 10**15 else "more bytes than any file has"


def _damaged(name: str, reason: str) -> Refused:
    return refusal(
        "damaged",
        "The file is damaged",
        "{name} cannot be read: {reason}. Save it anew.",
        name=shown(name),
        reason=reason,
    )


def profiled(format: str, arrays: list[tuple[str, Array]]) -> tuple[Arrays, dict[str, Array]]:
    """The profile of these arrays and the arrays as they are kept. Raises Refused where they are too large or not kept at all."""
    kept: dict[str, Array] = {}
    stacks: list[Stack] = []
    said: list[str] = []
    room = limits.ARRAY_BYTES
    for place, (name, array) in enumerate(arrays):
        dtype = _kept_as(array, name)
        room -= array.size * np.dtype(dtype).itemsize
        if room < 0:
            raise refusal("too-large", "The arrays are too large", "They take more than {limit:,} bytes of memory. Save a part of them.",
                          limit=limits.ARRAY_BYTES)  # fmt: skip
        kept[f"array{place}"] = whole = np.ascontiguousarray(array, dtype).reshape(array.shape)
        step = max(1, -(-whole.size // LOOKED_AT))
        looked_at = whole.reshape(-1)[::step]
        if step > 1:
            said.append(say("Figures of {name} are those of every {step}th number.", name=shown(name), step=step))
        finite = looked_at[np.isfinite(looked_at)]
        stacks.append(
            Stack(
                name=name[: limits.TITLE] or f"array {place + 1}",
                dtype=dtype,
                shape=array.shape,
                missing=len(looked_at) - len(finite),
                numbers=numbers_of(finite),
            )
        )
    return Arrays.model_validate({"format": format, "said": tuple(said[:100]), "arrays": tuple(stacks)}), kept


def _kept_as(array: Array, name: str) -> DType:
    """The dtype that an array is kept as. No value changes, but of what has more digits than float64."""
    kind, size = array.dtype.kind, array.dtype.itemsize
    if kind == "f":
        return "<f4" if size <= 4 else "<f8"
    if kind == "b" or (kind == "u" and size == 1):
        return "|u1"
    if kind == "u" and size == 8 and array.size and int(array.max()) > np.iinfo(np.int64).max:
        raise refusal("dtype", "An array holds numbers that are too large", "{name} holds whole numbers of 2^63 and more. Save it as float64.",
                      name=shown(name))  # fmt: skip
    return "<i8"


def pieces(members: Members) -> Iterator[tuple[str, bytes]]:
    """Every member with its name, unpacked where it is a gzip."""
    for name in members.names:
        data = members.read(name, limits.ARRAY_BYTES)
        yield name, unpacked(data, name) if data.startswith(b"\x1f\x8b") else data
