"""What an edit does to a network: how many layers change shape, what it costs now, and whether that is far more than before."""

from builder.analysis.network import Analysis, Row
from builder.problem import Fix, Json, Problem, Set, say

TIMES = 5
"""As many parameters from one edit as nobody adds without knowing."""
MANY = 1_000_000
"""Parameters of a network that is slow to train; smaller ones may grow as they like."""


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


def explosion(before: Analysis, after: Analysis, network: Json) -> Problem | None:
    """The Problem of an edit that made a network many times as large; the fix brings back `network`, as it was before.

    None where it was not whole before, so that nobody knows how large it was meant to be.
    """
    broken = any(problem.severity == "error" for problem in before.problems)
    if broken or after.parameters < MANY or not 0 < TIMES * before.parameters < after.parameters:
        return None
    had = {row.id: row.parameters for row in before.rows}
    grown = max(after.rows, key=lambda row: row.parameters - had.get(row.id, 0))
    return Problem(
        code="advice/explosion",
        severity="warning",
        node=grown.id,
        title=say("The last change made the network {times:.0f} times as large", times=after.parameters / before.parameters),
        because=say(
            "It had {old:,} parameters and has {new:,}. {node} has {most:,} of them: it reads {signals}.",
            old=before.parameters, new=after.parameters, node=grown.title or grown.id, most=grown.parameters,
            signals=" and ".join(map(str, grown.given_signals)),
        ),
        fixes=(Fix(label=say("Take the change back"), edits=(Set(path="network", value=network),)),),
    )  # fmt: skip


def _shapes(before: Analysis, after: Analysis) -> str:
    """Layers that are in both, and give something else now; those whose output is no more known count too."""
    had = {row.id: row for row in before.expanded()}
    changed = [row for row in after.expanded() if row.id in had and _shape(row) != _shape(had[row.id])]
    if not changed:
        return ""
    return say("1 layer changes shape") if len(changed) == 1 else say("{count} layers change shape", count=len(changed))


def _shape(row: Row) -> list[str]:
    return [str(signal) for signal in row.outputs]
