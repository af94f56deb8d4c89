"""What one layer costs, given its signals: worked out once, however often and in however many networks it stands."""

from functools import lru_cache
from typing import NamedTuple

from builder.catalog.layers import Layer
from builder.catalog.layers.base import Signals, Window, numbers_of
from builder.catalog.signal import Shape

REMEMBERED = 20_000
"""Pairs of a layer and its signals; about 1 kB each."""


class Cost(NamedTuple):
    """Counts are for one sample. `state` holds the shapes of everything that is saved, `parameters` first."""

    outputs: Signals
    shapes: dict[str, Shape]
    state: dict[str, Shape]
    parameters: int
    buffers: int
    macs: int
    flops: int
    operations: dict[str, int]
    activation_bytes: int
    smallest_batch: int
    window: Window | None


@lru_cache(REMEMBERED)
def cost_of(layer: Layer, given: Signals) -> Cost:
    """The cost of a layer. Raises `ShapeProblem`, which is not remembered.

    An edit leaves almost every layer and its signals as they were: those are looked up, and only what the edit
    touches is worked out again.
    """
    outputs = layer.infer(*given)
    shapes, buffers = layer.parameters(*given), layer.buffers(*given)
    return Cost(
        outputs=outputs,
        shapes=shapes,
        state=shapes | buffers,
        parameters=numbers_of(shapes),
        buffers=numbers_of(buffers),
        macs=layer.macs(given, outputs),
        flops=layer.flops(given, outputs),
        operations=layer.operations(given, outputs),
        activation_bytes=0 if layer.view else sum(signal.bytes for signal in outputs),
        smallest_batch=layer.smallest_batch(*given),
        window=layer.window(*given),
    )
