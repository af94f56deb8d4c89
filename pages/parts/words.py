"""How numbers and other people's words are shown."""

import re
from collections.abc import Mapping

DAY = 86_400
"""Seconds."""

_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~$:&])")


def plain(text: str) -> str:
    """Text that markdown must not read anything into: a person's titles, names from files."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def count(number: int) -> str:
    """61,706"""
    return f"{number:,}"


def amount(number: int) -> str:
    """A large number as people read it: to the last digit below ten million, else three digits: 4.09 G."""
    if number < 10**7:
        return count(number)
    for size, unit in ((10**12, "T"), (10**9, "G")):
        if number >= size:
            return f"{number / size:.3g} {unit}"
    return f"{number / 10**6:.3g} M"


def by_kind(operations: Mapping[str, int]) -> str:
    """Operations as `8,084 activation, 6,304 pooling`."""
    return ", ".join(f"{count(number)} {kind}" for kind, number in operations.items())


def duration(seconds: float) -> str:
    """48 s, 2 min 5 s, 1 h 12 min."""
    total = max(0, round(seconds))
    if total < 60:
        return f"{total} s"
    if total < 3600:
        return f"{total // 60} min {total % 60} s"
    return f"{total // 3600:,} h {total % 3600 // 60} min"


def ago(seconds: float) -> str:
    """How long since: just now, 3 minutes ago, yesterday, 5 months ago."""
    if seconds < 60:
        return "just now"
    if DAY <= seconds < 2 * DAY:
        return "yesterday"
    sizes = {"year": 365 * DAY, "month": 30 * DAY, "day": DAY, "hour": 3600, "minute": 60}
    unit = next(unit for unit, size in sizes.items() if seconds >= size)
    return f"{several(int(seconds // sizes[unit]), unit)} ago"


def several(number: int, thing: str) -> str:
    """1 day, 2 days."""
    return f"{count(number)} {thing}{'' if number == 1 else 's'}"
