"""Layers. To add one, add one class to one of these files; nothing else changes (CONTRIBUTING.md)."""

from builder.catalog.layers import (
    activations,
    attention,
    convolution,
    dense,
    embedding,
    input,
    merge,
    normalization,
    pooling,
    radial,
    recurrent,
    regularization,
    shape,
)
from builder.catalog.layers.base import Layer, ShapeProblem, Signals, Suggestion

__all__ = [
    "Layer", "ShapeProblem", "Signals", "Suggestion",
    "activations", "attention",
    "convolution", "dense", "embedding", "input",
    "merge", "normalization", "pooling", "radial", "recurrent", "regularization", "shape",
]  # fmt: skip
