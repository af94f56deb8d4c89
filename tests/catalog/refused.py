"""What PyTorch runs and Layerlab refuses: every kind of case, with the reason. `test_against_torch` knows no other."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from builder.catalog import Layer, Signal
from builder.catalog.layers import ShapeProblem

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


def listed(layer: Layer, problem: ShapeProblem, *given: Signal) -> bool:
    """Whether a case that Layerlab refuses is on the list."""
    return any(
        layer.name in refusal.layers and problem.code == refusal.code and refusal.among(layer, *given)
        for refusal in REFUSED
    )


def of_rank(*ranks: int) -> Callable[..., bool]:
    """Cases in which what comes in has so many sides."""
    return lambda layer, x: len(x.shape) in ranks


def of_type(*types: str) -> Callable[..., bool]:
    """Cases in which what comes in is of such a type."""
    return lambda layer, x: x.dtype in types


def along_the_batch(layer: Any, *given: Signal) -> bool:
    """`dim` is the batch, counted from the front or from the back."""
    return layer.dim in (0, -len(given[0].shape) - 1)


def broadcast(layer: Layer, *given: Signal) -> bool:
    """PyTorch finds one shape for all inputs."""
    try:
        torch.broadcast_shapes(*((BATCH, *signal.shape) for signal in given))
    except RuntimeError:
        return False
    return True


def layer(name: str, **params: Any) -> Layer:
    return Layer.shelf[name](**params)


IMAGE = Signal((4, 6, 6), "CHW")
SEQUENCE = Signal((4, 6), "TF")
NUMBERS = Signal((4, 6, 6), "CHW", "int64", 5)

REFUSED = [
    Refusal(
        ("Linear",), "shape/wrong-axes",
        "PyTorch mixes the last side of anything; on an image that is one row of pixels at a time, which nobody means.",
        of_rank(1, 2, 3, 4), (layer("Linear"), (IMAGE,)),
    ),
    Refusal(
        ("Conv2d",), "shape/wrong-axes",
        "PyTorch takes a batch of anything with two sides for one image, if there are as many samples as channels.",
        of_rank(2), (layer("Conv2d"), (Signal((BATCH, 6), "TF"),)),
    ),
    Refusal(
        ("MaxPool2d", "AvgPool2d"), "shape/wrong-axes",
        "PyTorch takes a batch of anything with two sides for one image, and the samples for its channels.",
        of_rank(2), (layer("MaxPool2d"), (SEQUENCE,)),
    ),
    Refusal(
        ("AdaptiveAvgPool2d",), "shape/wrong-axes",
        "PyTorch takes a batch of anything with two sides for one image; with size 1 it averages the last two sides of anything.",
        lambda layer, x: len(x.shape) == 2 or (layer.output_size == 1 and len(x.shape) > 0),
        (layer("AdaptiveAvgPool2d"), (SEQUENCE,)),
    ),
    Refusal(
        ("BatchNorm1d",), "shape/wrong-axes",
        "PyTorch cannot tell (time, features) or (height, width) from (channels, length), and would compare steps, not features.",
        of_rank(1, 2), (layer("BatchNorm1d"), (SEQUENCE,)),
    ),
    Refusal(
        ("LSTM",), "shape/wrong-axes",
        "PyTorch cannot tell (channels, length) from (time, features), and takes a batch of rows for one sequence.",
        of_rank(1, 2), (layer("LSTM"), (Signal((4, 6), "CL"),)),
    ),
    Refusal(
        ("ReLU",), "dtype/not-float", "PyTorch takes whole numbers, through which nothing could learn.",
        of_type("int64"), (layer("ReLU"), (NUMBERS,)),
    ),
    Refusal(
        ("Sigmoid", "Tanh"), "dtype/not-float",
        "PyTorch makes real numbers of class numbers and truth values, through which nothing could learn.",
        of_type("int64", "bool"), (layer("Tanh"), (NUMBERS,)),
    ),
    Refusal(
        ("MaxPool2d", "AvgPool2d"), "dtype/not-float",
        "PyTorch takes whole numbers; the largest or the mean of some class numbers says nothing.",
        of_type("int64"), (layer("AvgPool2d"), (NUMBERS,)),
    ),
    Refusal(
        ("Dropout",), "dtype/not-float", "PyTorch can drop all or none of anything.",
        lambda layer, x: layer.p in (0, 1), (layer("Dropout", p=1.0), (NUMBERS,)),
    ),
    Refusal(
        ("Softmax",), "shape/no-such-side", "Along the batch the samples would compete with one another.",
        along_the_batch, (layer("Softmax", dim=0), (IMAGE,)),
    ),
    Refusal(
        ("Concat",), "shape/no-such-side", "Joined along the batch there would be more samples than came in.",
        along_the_batch, (layer("Concat", dim=0), (IMAGE, IMAGE)),
    ),
    Refusal(
        ("Concat",), "shape/merge-mismatch", "PyTorch makes real numbers of class numbers that are joined with some.",
        lambda layer, *x: len({signal.dtype for signal in x}) > 1, (layer("Concat"), (IMAGE, NUMBERS)),
    ),
    Refusal(
        ("Add",), "shape/merge-mismatch",
        "PyTorch repeats sides of length 1 (and the batch, if it has to) and mixes types: more often a mistake than a wish.",
        broadcast, (layer("Add"), (IMAGE, Signal((4, 1, 1), "CHW"))),
    ),
]  # fmt: skip
