"""Whether some bytes are a safetensors file, which holds tensors and text and nothing that could run. Without torch."""

import json
from collections.abc import Iterable, Iterator
from math import prod

from builder import limits
from builder.members import refusal
from builder.problem import Json

SIZES = {
    "F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1, "BOOL": 1, "U16": 2, "U32": 4, "U64": 8,
}  # fmt: skip
"""Bytes of one number."""


def checked(pieces: Iterable[bytes], size: int, name: str) -> Iterator[bytes]:
    """The pieces of a file of `size` bytes as they come. Raises Refused before the first where they are no such file."""
    source = iter(pieces)
    begun = _at_least(source, b"", 8)
    length = int.from_bytes(begun[:8], "little")
    if len(begun) < 8 or length > limits.TENSORS_HEADER_BYTES or 8 + length > size:
        raise refusal("tensors", "{name} is no safetensors file: its header has no length.", name=name)
    begun = _at_least(source, begun, 8 + length)
    try:
        header = json.loads(begun[8 : 8 + length])
    except (ValueError, RecursionError):
        raise refusal("tensors", "{name} is no safetensors file: its header is not JSON.", name=name) from None
    if not _is_whole(header, size - 8 - length):
        raise refusal(
            "tensors", "{name} is no safetensors file: its tensors do not lie one behind the other.", name=name
        )
    yield begun
    yield from source


def _at_least(source: Iterator[bytes], begun: bytes, length: int) -> bytes:
    while len(begun) < length and (piece := next(source, b"")):
        begun += piece
    return begun


def _is_whole(header: Json, size: int) -> bool:
    """Whether its tensors fill the `size` bytes behind the header, without gap or overlap."""
    if not isinstance(header, dict):
        return False
    words = header.pop("__metadata__", {})
    if not isinstance(words, dict) or not all(isinstance(word, str) for word in words.values()):
        return False
    spans = [_span(tensor) for tensor in header.values()]
    ends = 0
    for span in sorted(span for span in spans if span is not None):
        if span[0] != ends:
            return False
        ends = span[1]
    return None not in spans and ends == size


def _span(tensor: Json) -> tuple[int, int] | None:
    """Where a tensor begins and ends; None where that is not as long as its numbers are."""
    match tensor:
        case {"dtype": str(dtype), "shape": list(shape), "data_offsets": [int(begin), int(end)], **rest}:
            sound = not rest and dtype in SIZES and all(type(side) is int and 0 <= side < 2**40 for side in shape)
            if sound and len(shape) <= 16 and end - begin == SIZES[dtype] * prod(shape):
                return begin, end
    return None
