"""How large a document is. Whatever it came from, a file or an edit, the same limits hold."""

import json

from builder import limits
from builder.problem import Json, Problem, Refused, say

VALUES = 30_000
"""Numbers, texts, lists and objects in one design: 2,000 nodes have half as many, and reading all takes half a second."""

BYTES_TRIED = 120_000
"""Bytes of design that may be read again to try fixes: a fraction of a second, however many fixes there are."""

LEAST_TRIES = 3

MISTAKES_TRIED = 5_000
"""Mistakes that may be found again to try fixes: where there are very many, none are tried."""


def check(document: Json) -> int:
    """Bytes of the document as JSON. Raises `Refused` for one that is too deep, too large, or no text that can be saved."""
    check_values(document)
    try:
        size = len(json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode())
    except UnicodeEncodeError:
        raise Refused(
            Problem(
                code="file/not-text",
                title=say("The file holds half a character"),
                because=say("Some text has one half of a surrogate pair, which cannot be saved or shown."),
            )
        ) from None
    check_bytes(size)
    return size


def check_bytes(size: int) -> None:
    """Raises `Refused` for more bytes than a design may have."""
    if size > limits.DESIGN_BYTES:
        raise Refused(
            Problem(
                code="file/too-large",
                title=say("The file is too large"),
                because=say(
                    "It has {size:,} bytes, and a design has at most {limit:,}.", size=size, limit=limits.DESIGN_BYTES
                ),
            )
        )


def check_values(document: Json) -> None:
    """Raises `Refused` for lists and objects that lie too deep in one another, and for too many values."""
    level: list[Json] = [document]
    count = 1
    for _ in range(limits.DESIGN_DEPTH):
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
        count += len(level)
        if count > VALUES:
            raise Refused(
                Problem(
                    code="file/too-many-values",
                    title=say("The file holds too much"),
                    because=say("A design has at most {limit:,} numbers, texts, lists and objects.", limit=VALUES),
                )
            )
        if not level:
            return
    raise Refused(too_deep())


def too_deep() -> Problem:
    """What is said of lists and objects that lie too deep in one another."""
    return Problem(
        code="file/too-deep",
        title=say("The file is nested too deeply"),
        because=say("Lists and objects may lie {limit} deep in one another.", limit=limits.DESIGN_DEPTH),
    )


def tries(size: int, mistakes: int) -> int:
    """How many fixes of a document of `size` bytes are tried before the rest have to wait for the next look."""
    return min(max(LEAST_TRIES, BYTES_TRIED // max(size, 1)), MISTAKES_TRIED // max(mistakes, 1))
