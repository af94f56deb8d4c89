"""Layers. To add one, add one class to one of these files; nothing else changes (CONTRIBUTING.md)."""

from builder.catalog.layers import (
    activations,
    convolution,
    dense,
    input,
    merge,
    normalization,
    pooling,
    recurrent,
    regularization,
    shape,
)
from builder.catalog.layers.base import Layer, ShapeProblem, Signals, Suggestion

__all__ = [
    "Layer", "ShapeProblem", "Signals", "Suggestion",
    "activations", "convolution", "dense", "input", "merge", "normalization", "pooling", "recurrent", "regularization", "shape",
]  # fmt: skip
