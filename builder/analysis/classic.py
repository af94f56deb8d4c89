"""Neurons, parameters and connections as LeCun et al. 1998 counted them ("Gradient-based learning applied to document recognition").

Every weight that is used once is a connection, and every bias one more. Subsampling has a trainable coefficient and a
bias for each map; today's pooling has neither, and is counted as if it had. They counted dense layers, convolutions,
subsampling and radial units; other layers are left out.
"""

from typing import NamedTuple

from builder.analysis.network import Analysis, Row
from builder.catalog.layers.convolution import Conv1d, Conv2d, Conv3d
from builder.catalog.layers.dense import Linear
from builder.catalog.layers.pooling import AvgPool2d
from builder.catalog.layers.radial import RBF
from builder.catalog.layers.window import per_side

COUNTED = (Linear, Conv1d, Conv2d, Conv3d)
"""Layers whose every product is a connection."""


class Count(NamedTuple):
    """One layer in the old way of counting. `parameters` are those that learn."""

    id: str
    title: str
    neurons: int
    parameters: int
    connections: int


def classic(analysis: Analysis) -> tuple[Count, ...]:
    """The layers that have neurons in that sense: convolutions, subsampling, dense and radial layers, blocks of them."""
    found: list[Count] = []
    rows = [row for row in analysis.rows if row.outputs]
    for at, row in enumerate(rows):
        pooled = rows[at - 1] if at and rows[at - 1].id in row.inputs else None
        if isinstance(row.layer, AvgPool2d):
            coefficient = next((other for other in rows if row.id in other.inputs), None)
            if coefficient is None or not _is_coefficient(coefficient):
                found.append(_subsampling(row, row.id, 2 * row.outputs[0].shape[0]))
        elif pooled and isinstance(pooled.layer, AvgPool2d) and _is_coefficient(row):
            found.append(_subsampling(pooled, row.id, row.trainable)._replace(title=row.title))
        elif connections := _connections(row):
            neurons = row.outputs[0].numbers
            found.append(Count(row.id, row.title, neurons, row.trainable, connections))
    return tuple(found)


def _subsampling(row: Row, id: str, parameters: int) -> Count:
    """Each neuron sums up its window, times a coefficient, plus a bias."""
    assert isinstance(row.layer, AvgPool2d)
    high, wide = per_side(row.layer.kernel_size, 2)
    neurons = row.outputs[0].numbers
    return Count(id, row.title, neurons, parameters, neurons * (high * wide + 1))


def _is_coefficient(row: Row) -> bool:
    """Whether it multiplies each map by one number: a depthwise 1 x 1 convolution."""
    layer = row.layer
    if not isinstance(layer, Conv2d) or not row.given_signals:
        return False
    channels = row.given_signals[0].shape[0]
    return per_side(layer.kernel_size, 2) == (1, 1) and layer.groups == channels == layer.out_channels


def _connections(row: Row) -> int:
    """Weights as often as they are used, and biases as often as they are added; blocks are opened, and none where
    something inside has products of another kind."""
    if row.inside:
        known = all(not child.macs or _connections(child) for child in row.inside)
        return row.repeat * sum(map(_connections, row.inside)) if known else 0
    if isinstance(row.layer, RBF):
        return row.parameters
    if not isinstance(row.layer, COUNTED):
        return 0
    biases = row.outputs[0].numbers if row.layer.bias else 0
    return row.macs + biases
