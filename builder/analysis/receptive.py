"""How much of the image a number has seen: receptive field and cumulative stride, node by node."""

from collections.abc import Iterable, Sequence
from math import ceil
from typing import NamedTuple

from builder.analysis.network import Row
from builder.catalog.layers.base import positions


class Field(NamedTuple):
    """Per side, in positions of the Input: how many one output sees, and how far apart two neighbours look.

    It is what windows alone say: borders are not looked at, so that it may be larger than the image.
    """

    sides: tuple[int, ...]
    stride: tuple[float, ...]


def receptive_fields(rows: Iterable[Row]) -> dict[str, Field]:
    """The field of every output that still has positions, by id; `rows` are those of an opened network, in their order.

    A window of extent k adds (k - 1) x the stride so far, and multiplies that stride by its own. Where paths meet, the
    widest counts. What sees everything (a dense layer, global pooling) has no field, nor has what reads it.
    """
    found: dict[str, tuple[list[float], list[float]]] = {}
    for row in rows:
        if row.type == "Input" and row.outputs and positions(row.outputs[0]):
            found[row.id] = [1.0] * positions(row.outputs[0]), [1.0] * positions(row.outputs[0])
            continue
        sources = [found.get(reference.partition(":")[0]) for reference in row.inputs if reference]
        known = [source for source in sources if source]
        if row.window is None or not known or len(known) < len(sources):
            continue
        sides = [max(values) for values in zip(*(source[0] for source in known), strict=True)]
        strides = [max(values) for values in zip(*(source[1] for source in known), strict=True)]
        found[row.id] = (
            [side + (extent - 1) * step for side, step, (extent, _) in zip(sides, strides, row.window, strict=True)],
            [step * own for step, (_, own) in zip(strides, row.window, strict=True)],
        )
    return {name: Field(tuple(map(ceil, sides)), tuple(strides)) for name, (sides, strides) in found.items()}


def in_words(sides: Sequence[float]) -> str:
    """`7`, or `3 x 7` where the sides differ."""
    words = [f"{side:g}" for side in sides]
    return words[0] if len(set(words)) == 1 else " x ".join(words)
