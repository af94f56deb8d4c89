"""The tables of this folder's `README.md`: the gallery's networks, our sizes beside published ones, and the catalog blocks.

What counts the sizes stands above this package, so that they are handed in.
"""

from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Protocol

from builder.blocks.gallery import GALLERY, Exhibit
from builder.blocks.templates import Template
from builder.problem import Problem, Refused, say

MARK = "<!-- All below is written by `python -m builder gallery --write builder/blocks/README.md`. -->"


class Size(Protocol):
    """What is counted of a network, as an `Analysis` has it."""

    @property
    def trainable(self) -> int: ...

    @property
    def macs(self) -> int: ...


def with_tables(text: str, sizes: Mapping[str, Size]) -> str:
    """The text with the tables below its mark made anew. Raises `Refused` where it has no mark."""
    by_hand, mark, _ = text.partition(MARK)
    if not mark:
        raise Refused(
            Problem(
                code="file/no-mark",
                title=say("The file has no place for the tables"),
                because=say("They are written below the line {mark}", mark=MARK),
            )
        )
    return f"{by_hand}{MARK}\n\n{tables(sizes)}"


def tables(sizes: Mapping[str, Size]) -> str:
    """Both tables as Markdown. `sizes` are those of the gallery's networks, by name."""
    parts = ["## The gallery\n", _EXPLAINED]
    for family, exhibits in groupby(GALLERY.values(), lambda exhibit: exhibit.family):
        rows = [network(exhibit, sizes[exhibit.name]) for exhibit in exhibits]
        parts += [f"### {family}\n", _table(NETWORK, rows)]
    blocks = sorted(Template.shelf.values(), key=lambda template: (template.group, template.__name__))
    parts += ["## Catalog blocks\n", _table(BLOCK, map(_block, blocks))]
    return "\n".join(parts)


_EXPLAINED = """\
Parameters are those that learn. MACs are multiply-adds for one input, biases left out; published ones are in billions, and
ours are rounded to as many digits before they are compared. Where the source is arithmetic, the figure was worked out by
hand from the sizes of the layers. Cells are empty where there is no exact figure to compare with.
"""

NETWORK = ("network", "parameters", "published", "MACs", "published, billions", "equal", "source", "paper")
FIGURES = {"parameters", "published", "MACs", "published, billions"}
BLOCK = ("block", "family", "what it does", "formula")


def network(exhibit: Exhibit, size: Size) -> tuple[str, ...]:
    """One row of the gallery's table, a cell for each of `NETWORK`."""
    parameters, gmacs, source = "", "", ""
    equal: list[bool] = []
    if exhibit.published:
        source = "; ".join(filter(None, (exhibit.published.source, exhibit.published.remark)))
        gmacs = exhibit.published.gmacs
        if exhibit.published.parameters is not None:
            parameters = f"{exhibit.published.parameters:,}"
            equal.append(size.trainable == exhibit.published.parameters)
        if gmacs:
            equal.append(f"{size.macs / 1e9:.{len(gmacs.partition('.')[2])}f}" == gmacs)
    verdict = ("yes" if all(equal) else "**no**") if equal else ""
    ours = f"{size.trainable:,}", f"{size.macs:,}"
    return f"`{exhibit.name}`", ours[0], parameters, ours[1], gmacs, verdict, source, exhibit.paper


def _block(template: type[Template]) -> tuple[str, ...]:
    return f"`{template.__name__}`", template.group, template.about(), f"$`{template.formula}`$"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """Columns of figures are set flush right, so that digits of the same worth stand below each other."""
    rule = tuple("---:" if name in FIGURES else "---" for name in head)
    return "".join(map(_line, (head, rule, *rows)))


def _line(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |\n"
