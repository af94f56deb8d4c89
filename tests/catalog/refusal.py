"""One kind of case that PyTorch runs and Layerlab refuses."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from builder.catalog import Layer, Signal

BATCH = 3
"""Samples in a batch when PyTorch is asked whether it runs a case."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """One kind of case. `among` says whether a layer and what it is given are of this kind; `example` is one of them."""

    layers: tuple[str, ...]
    code: str
    because: str
    among: Callable[..., bool]
    example: tuple[Layer, tuple[Signal, ...]]


def of_rank(*ranks: int) -> Callable[..., bool]:
    """Cases in which what comes in first has so many sides."""
    return lambda layer, x, *others: len(x.shape) in ranks


def layer(name: str, **params: Any) -> Layer:
    return Layer.shelf[name](**params)
