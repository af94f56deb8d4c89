"""A small picture of a network, as people sketch one in a paper: as SVG, with its words for who cannot see it.

The signal runs from left to right. A bar is one node of the drawn graph, in the colour of its family: as high as what
comes out is wide, and the wider the more channels that has. A handful of numbers are that many neurons. What is inside
a block is drawn small within its bar, and arcs are connections that pass others by.

Colours are CSS's `--family-dense` and so on, and the current colour for lines: whoever shows the picture says them.
"""

import html
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil, log2, sqrt
from typing import Literal

from builder.analysis.network import Analysis, Row
from builder.design.network import split_reference
from builder.problem import say

WIDTH, HEIGHT = 240, 90
MARGIN = 6
ARCH = 17
"""Room above for arcs."""
FOOT = 11
"""Room below for how often a block is repeated."""

MOST = 150
"""Nodes that are drawn; of a larger network they are its first."""
MOST_ARCS = 200
NEURONS = 8
"""So many numbers are drawn one by one."""
THIN = frozenset({"activation", "normalization", "regularization", "shape"})
"""Families whose bars stand close behind what they work on."""
LARGEST_SCALE = 1.8
SLIM = 1.2
"""Width of the slimmest slice."""
UNKNOWN = 0.4
"""Height of a bar whose signal is not known, as a part of the highest one."""


@dataclass(frozen=True, slots=True)
class Box:
    """Where one node is drawn."""

    row: Row
    rank: int
    x: float
    y: float
    width: float
    height: float

    @property
    def centre(self) -> float:
        return self.y + self.height / 2

    @property
    def middle(self) -> float:
        return self.x + self.width / 2

    @property
    def neurons(self) -> int:
        """How many single neurons stand for it; none where it is a bar."""
        return _neurons(self.row)


def picture(name: str, analysis: Analysis) -> str:
    """The network as SVG."""
    rows = analysis.rows[:MOST]
    ranks = _ranks(rows)
    far = [(source, row.id) for row in rows for source in _sources(row, ranks) if ranks[row.id] - ranks[source] > 1]
    has_arcs = far or any(row.family == "recurrent" for row in rows)
    boxes = _placed(rows, ranks, ARCH if has_arcs else 0, FOOT if any(row.repeat > 1 for row in rows) else 0)
    parts = [*_wires(boxes), *map("".join, map(_node, boxes.values())), *_arcs(boxes, far[:MOST_ARCS])]
    label = html.escape(in_words(name, analysis), quote=True)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{label}">'
        f"{''.join(parts)}</svg>"
    )


def in_words(name: str, analysis: Analysis) -> str:
    """What the picture shows, as a sentence: `lenet5: from 1 × 28 × 28 to 10; 4 activation, 3 dense ...`."""
    kinds = Counter(dict(_kinds(analysis.rows)))
    kinds.pop("input", None)
    listed = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())
    first = next((str(row.outputs[0]) for row in analysis.rows if row.outputs), "")
    last = next((str(signal) for signal in analysis.outputs if signal), "")
    if not (first and last and listed):
        return say("{name}: {nodes} nodes", name=name, nodes=len(analysis.rows))
    return say("{name}: from {first} to {last}; {listed}", name=name, first=first, last=last, listed=listed)


def _kinds(rows: Sequence[Row]) -> Iterator[tuple[str, int]]:
    """Layers by family, with the blocks opened."""
    found: Counter[str] = Counter()
    for row in rows:
        inside = dict(_kinds(row.inside)) if row.inside else {row.family: 1}
        for kind, count in inside.items():
            found[kind] += row.repeat * count
    yield from found.items()


# Where things stand ----------------------------------------------------------------------------------------------


def _sources(row: Row, known: Mapping[str, object]) -> Iterator[str]:
    """The nodes that a node reads, each once."""
    read = dict.fromkeys(split_reference(reference)[0] for reference in row.inputs if reference)
    return (source for source in read if source in known)


def _ranks(rows: Sequence[Row]) -> dict[str, int]:
    """How many nodes the signal has come through at most, before each node."""
    ranks: dict[str, int] = {}
    for row in rows:
        ranks[row.id] = 1 + max((ranks[source] for source in _sources(row, ranks)), default=-1)
    return ranks


def _columns(rows: Sequence[Row], ranks: Mapping[str, int]) -> list[list[Row]]:
    columns: list[list[Row]] = [[] for _ in range(1 + max(ranks.values(), default=-1))]
    for row in rows:
        columns[ranks[row.id]].append(row)
    return columns


def _placed(rows: Sequence[Row], ranks: Mapping[str, int], above: float, below: float) -> dict[str, Box]:
    """The box of each node: a column for each rank, in the middle of the picture."""
    if not rows:
        return {}
    columns = _columns(rows, ranks)
    widths = [max(map(_width, column)) for column in columns]
    gaps = [0.0, *(_gap(before, after) for before, after in pairwise(columns))]
    whole = sum(widths) + sum(gaps)
    scale = min(LARGEST_SCALE, (WIDTH - 2 * MARGIN) / whole)
    top, room = MARGIN + above, HEIGHT - 2 * MARGIN - above - below
    largest = max(map(_side, rows))
    boxes: dict[str, Box] = {}
    x = (WIDTH - scale * whole) / 2
    for rank, (column, width, gap) in enumerate(zip(columns, widths, gaps, strict=True)):
        x += scale * gap
        each = room / len(column)
        for at, row in enumerate(column):
            own = scale * _width(row)
            height = _height(row, largest, each if len(column) == 1 else 0.85 * each)
            y = top + each * (at + 0.5) - height / 2
            boxes[row.id] = Box(row, rank, x + (scale * width - own) / 2, y, own, height)
        x += scale * width
    return boxes


def _neurons(row: Row) -> int:
    signal = row.outputs[0] if row.outputs else None
    few = signal is not None and signal.axes == "F" and signal.shape[0] <= NEURONS and not row.inside
    return signal.shape[0] if few and signal else 0


def _width(row: Row) -> float:
    if row.inside:
        return min(34.0, 5 + 2.4 * len(set(_ranks(row.inside).values())))
    if _neurons(row):
        return 7.0
    if row.family in THIN:
        return 2.0
    return 2.5 + 1.1 * log2(1 + _channels(row))


def _gap(before: Sequence[Row], after: Sequence[Row]) -> float:
    if all(map(_neurons, after)) and all(map(_neurons, before)):
        return 15.0
    return 0.6 if all(row.family in THIN for row in after) else 5.0


def _channels(row: Row) -> int:
    """Channels of an image or features of a step; a row of numbers has no second side, and is drawn slim."""
    signal = row.outputs[0] if row.outputs else None
    axis = {"C": 0, "TF": 1}.get(signal.axes if signal.axes == "TF" else signal.axes[:1]) if signal else None
    return signal.shape[axis] if signal and axis is not None else 3


def _side(row: Row) -> float:
    """Positions along one side of what comes out. A row of numbers is looked at as a square, as when an image is flattened."""
    if not row.outputs or not row.outputs[0].shape:
        return 1.0
    signal = row.outputs[0]
    if signal.axes == "F":
        return sqrt(signal.shape[0])
    return float(max(size for axis, size in zip(signal.axes, signal.shape, strict=True) if axis not in "CF"))


def _height(row: Row, largest: float, room: float) -> float:
    """By the root of the side, so that a picture and what is left of it at the end are both seen."""
    part = sqrt(_side(row) / largest) if row.outputs else UNKNOWN
    return max(min(7.0, room), part * room)


# What is drawn ---------------------------------------------------------------------------------------------------


def _node(box: Box) -> Iterator[str]:
    row, colour = box.row, _colour(box.row.family)
    if not row.outputs:
        yield _rectangle(box, f'fill="none" stroke="{colour}" stroke-dasharray="2 2"')
    elif box.neurons:
        for y in _neuron_places(box):
            yield f'<circle cx="{box.middle:.1f}" cy="{y:.1f}" r="{_radius(box):.1f}" fill="{colour}"/>'
    elif row.inside:
        yield from _inside(box)
        yield _rectangle(box, f'fill="none" stroke="{colour}"')
    else:
        yield _rectangle(box, f'fill="{colour}"')
    if row.family == "recurrent":  # it reads what it gave before
        yield _curve(box.x + box.width, box.x, box.y, box.y - 14)
    if row.repeat > 1:
        y = box.y + box.height + 9
        yield f'<text x="{box.middle:.1f}" y="{y:.1f}" font-size="9" text-anchor="middle" fill="currentColor">×{row.repeat}</text>'


def _inside(box: Box) -> Iterator[str]:
    """The nodes of a block as slices of its bar; branches lie over each other."""
    rows = box.row.inside[:MOST]
    columns = _columns(rows, _ranks(rows))
    columns = columns[:: ceil(SLIM * len(columns) / box.width)]  # of very many, those that can still be told apart
    largest = max(map(_side, rows))
    width = (box.width - 2) / len(columns)
    for rank, column in enumerate(columns):
        each = (box.height - 2) / len(column)
        for at, row in enumerate(column):
            height = max(1.0, sqrt(_side(row) / largest) * each - (1 if len(column) > 1 else 0))
            x, y = box.x + 1 + rank * width, box.y + 1 + each * (at + 0.5) - height / 2
            slice_ = Box(row, rank, x, y, width * 0.86, height)
            yield _rectangle(slice_, f'fill="{_colour(row.family)}"', corner=0)


def _wires(boxes: Mapping[str, Box]) -> Iterator[str]:
    """Between neighbours. To neurons that weigh all that they read, one from each."""
    for box in boxes.values():
        for source in _sources(box.row, boxes):
            before = boxes[source]
            if box.rank - before.rank == 1:
                starts, ends = _ends(before, "right"), _ends(box, "left")
                pairwise = len(starts) == len(ends) and box.row.family in THIN
                pairs = zip(starts, ends, strict=True) if pairwise else ((a, b) for a in starts for b in ends)
                for (x1, y1), (x2, y2) in pairs:
                    yield (
                        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" '
                        'stroke="currentColor" stroke-opacity="0.45"/>'
                    )


def _ends(box: Box, side: Literal["left", "right"]) -> list[tuple[float, float]]:
    """Where wires end at a box."""
    if box.neurons:
        return [(box.middle, y) for y in _neuron_places(box)]
    return [(box.x if side == "left" else box.x + box.width, box.centre)]


def _arcs(boxes: Mapping[str, Box], far: Sequence[tuple[str, str]]) -> Iterator[str]:
    """Connections that pass other nodes, over these."""
    ranks = len({box.rank for box in boxes.values()})
    tops = [min((box.y for box in boxes.values() if box.rank == rank), default=0.0) for rank in range(ranks)]
    for source, target in far:
        start, end = boxes[source], boxes[target]
        span = (end.rank - start.rank) / ranks
        crest = max(2.0, min(tops[start.rank : end.rank + 1]) - 5 - 12 * span)
        yield _curve(start.middle, end.middle, start.y, (crest - 0.125 * (start.y + end.y)) / 0.75, end.y)


def _curve(x1: float, x2: float, y1: float, bend: float, y2: float | None = None) -> str:
    """From one place to another over a bend."""
    y2 = y1 if y2 is None else y2
    return (
        f'<path d="M{x1:.1f} {y1:.1f}C{x1:.1f} {bend:.1f} {x2:.1f} {bend:.1f} {x2:.1f} {y2:.1f}" '
        'fill="none" stroke="currentColor" stroke-opacity="0.7"/>'
    )


def _neuron_places(box: Box) -> list[float]:
    each = min(14.0, box.height / box.neurons)
    return [box.centre + each * (at - (box.neurons - 1) / 2) for at in range(box.neurons)]


def _radius(box: Box) -> float:
    return min(4.5, 0.42 * box.height / box.neurons, box.width / 2)


def _rectangle(box: Box, look: str, corner: float = 1) -> str:
    return (
        f'<rect x="{box.x:.1f}" y="{box.y:.1f}" width="{max(0.8, box.width):.1f}" height="{box.height:.1f}" '
        f'rx="{corner}" {look}/>'
    )


def _colour(family: str) -> str:
    return f"var(--family-{family}, #888)"
