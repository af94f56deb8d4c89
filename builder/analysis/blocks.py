"""Whether blocks that were made from a form are made for what they read."""

from collections.abc import Iterator

from builder.analysis.network import Analysis, Row
from builder.blocks.templates import template_of
from builder.design.network import Network
from builder.problem import Fix, Problem, Set, say


def with_forms(network: Network, analysis: Analysis) -> list[Problem]:
    """The analysis' problems; those inside a block that was made for other signals are told as one, of its form.

    A layer inside that is changed would make the block somebody's own, without its form. Where such a block runs all
    the same, but as its form would not have made it, the problem is a warning.
    """
    found = list(analysis.problems)
    for path, problem in _unfit(network, analysis.rows, ""):
        others = [other for other in found if not (other.node or "").startswith(f"{path}.")]
        severity = "warning" if len(others) == len(found) else "error"
        found = [*others, problem.model_copy(update={"severity": severity})]
    return found


def _unfit(network: Network, rows: tuple[Row, ...], prefix: str) -> Iterator[tuple[str, Problem]]:
    """Blocks whose form does not agree with what they read, by their path in the opened network."""
    for row in rows:
        block = network.blocks.get(row.type) if row.layer is None else None
        if block is None or not row.given_signals:
            continue
        path = prefix + row.id
        template = template_of(block.made) if block.made else None
        wanted = template.following(row.given_signals[0]) if template else None
        if template is None or wanted is None or wanted == template:
            yield from _unfit(network, row.inside, f"{path}.0." if row.repeat > 1 else f"{path}.")
            continue
        changed = [name for name in type(template).model_fields if getattr(template, name) != getattr(wanted, name)]
        settings = ", ".join(f"{name} = {getattr(template, name)}" for name in changed)
        needed = ", ".join(f"{name} = {getattr(wanted, name)}" for name in changed)
        yield path, Problem(
            code="block/other-signals",
            node=path,
            title=say("{node} was made for something else", node=row.title or row.id),
            because=say(
                "It receives {signal}, which needs {needed}. Block {block} was made with {settings}.",
                signal=row.given_signals[0], block=row.type, settings=settings, needed=needed,
            ),
            fixes=(
                Fix(
                    label=say("Make {block} anew with {needed}", block=row.type, needed=needed),
                    edits=(Set(path=f"network.blocks.{row.type}", value=wanted.block()),),
                ),
            ),
        )  # fmt: skip
