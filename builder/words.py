"""How sizes are told."""

from builder.limits import GIB, KIB, MIB


def memory(amount: int) -> str:
    """Bytes as people read them: 40.3 KiB."""
    for size, unit in ((GIB, "GiB"), (MIB, "MiB"), (KIB, "KiB")):
        if amount >= size:
            return f"{amount / size:.1f} {unit}"
    return f"{amount} B"
