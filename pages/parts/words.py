"""How numbers and other people's words are shown."""

import re

from builder.limits import GIB, KIB, MIB

_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~$:&])")


def plain(text: str) -> str:
    """Text that markdown must not read anything into: a person's titles, names from files."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def count(number: int) -> str:
    """61,706"""
    return f"{number:,}"


def short(number: int) -> str:
    """61.7 k, 4.09 G: three digits that matter."""
    for size, unit in ((10**12, "T"), (10**9, "G"), (10**6, "M"), (10**3, "k")):
        if number >= size:
            return f"{number / size:.3g} {unit}"
    return str(number)


def memory(amount: int) -> str:
    """Bytes as people read them: 40.3 KiB."""
    for size, unit in ((GIB, "GiB"), (MIB, "MiB"), (KIB, "KiB")):
        if amount >= size:
            return f"{amount / size:.1f} {unit}"
    return f"{amount} B"
