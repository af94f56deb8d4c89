"""What an edit does to a network: how many layers change shape, and what it costs now."""

from builder.analysis.network import Analysis, Row
from builder.problem import say


def effect(before: Analysis, after: Analysis) -> str:
    """In one sentence; empty where no shape and no cost has changed, as by a new title."""
    told = [_shapes(before, after)]
    counts = (
        (say("parameters"), before.parameters, after.parameters),
        (say("MACs"), before.macs, after.macs),
    )
    told += [say("{what} {old:,} → {new:,}", what=what, old=old, new=new) for what, old, new in counts if old != new]
    sentence = ", ".join(part for part in told if part)
    return sentence[:1].upper() + sentence[1:] + "." if sentence else ""


def _shapes(before: Analysis, after: Analysis) -> str:
    """Layers that are in both, and give something else now; those whose output is no more known count too."""
    had = {row.id: row for row in before.expanded()}
    changed = [row for row in after.expanded() if row.id in had and _shape(row) != _shape(had[row.id])]
    if not changed:
        return ""
    return say("1 layer changes shape") if len(changed) == 1 else say("{count} layers change shape", count=len(changed))


def _shape(row: Row) -> list[str]:
    return [str(signal) for signal in row.outputs]
