"""One function for each source of the catalog. It returns every column, samples first, float32 or int64.

Sources that make their samples draw them from a numpy Generator of their own seed: same parameters, same bytes. Those
of the plane follow the rules of TensorFlow Playground.
"""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from builder.catalog.sources import AddingProblem, Circle, Digits, Gates, Gauss, Iris, Spiral, Wine, Xor

Array: TypeAlias = NDArray[Any]
Columns: TypeAlias = dict[str, Array]

RADIUS = 5.0
"""Patterns of the plane reach from -RADIUS to RADIUS."""
XOR_GAP = 0.3
"""Half the width of the empty cross between the four squares of `Xor`."""


def digits(source: Digits) -> Columns:
    """`image` (1797, 1, size, size) with values 0 to 16, and `digit` (1797,)."""
    from sklearn.datasets import load_digits

    pixels, digit = load_digits(return_X_y=True)
    images = pixels.reshape(-1, 1, 8, 8)
    return {"image": _floats(images if source.size == 8 else resize(images, source.size)), "digit": _classes(digit)}


def iris(source: Iris) -> Columns:
    """`measurements` (150, 4) and `species` (150,)."""
    from sklearn.datasets import load_iris

    measurements, species = load_iris(return_X_y=True)
    return {"measurements": _floats(measurements), "species": _classes(species)}


def wine(source: Wine) -> Columns:
    """`measurements` (178, 13) and `cultivar` (178,)."""
    from sklearn.datasets import load_wine

    measurements, cultivar = load_wine(return_X_y=True)
    return {"measurements": _floats(measurements), "cultivar": _classes(cultivar)}


def circle(source: Circle) -> Columns:
    """`point` (samples, 2) and `side` (samples,). Radii are even, not areas, so that points crowd in the middle."""
    random = np.random.default_rng(source.seed)
    inside, outside = _halves(source.samples)
    radius = np.concatenate([random.uniform(0, 0.5 * RADIUS, inside), random.uniform(0.7 * RADIUS, RADIUS, outside)])
    angle = random.uniform(0, 2 * np.pi, source.samples)
    point = np.stack([radius * np.sin(angle), radius * np.cos(angle)], axis=1)
    blurred = point + source.noise * random.uniform(-RADIUS, RADIUS, point.shape)
    return {"point": _floats(point), "side": _classes(np.hypot(*blurred.T) < 0.5 * RADIUS)}


def xor(source: Xor) -> Columns:
    """`point` (samples, 2) and `side` (samples,)."""
    random = np.random.default_rng(source.seed)
    point = random.uniform(-RADIUS, RADIUS, (source.samples, 2))
    point += np.where(point > 0, XOR_GAP, -XOR_GAP)
    blurred = point + source.noise * random.uniform(-RADIUS, RADIUS, point.shape)
    return {"point": _floats(point), "side": _classes(blurred.prod(axis=1) >= 0)}


def gauss(source: Gauss) -> Columns:
    """`point` (samples, 2) and `side` (samples,)."""
    random = np.random.default_rng(source.seed)
    side = np.repeat([1, 0], _halves(source.samples))
    centre = np.where(side[:, None] == 1, 2.0, -2.0)
    variance = 0.5 + 7 * source.noise  # 0.5 at noise 0, 4 at noise 0.5
    return {"point": _floats(random.normal(centre, np.sqrt(variance), (source.samples, 2))), "side": _classes(side)}


def spiral(source: Spiral) -> Columns:
    """`point` (samples, 2) and `side` (samples,). Each arm starts in the middle and makes 1.75 turns."""
    random = np.random.default_rng(source.seed)
    halves = _halves(source.samples)
    along = np.concatenate([np.arange(half) / half for half in halves])
    angle = 1.75 * along * 2 * np.pi + np.repeat([0, np.pi], halves)
    point = (RADIUS * along)[:, None] * np.stack([np.sin(angle), np.cos(angle)], axis=1)
    point += source.noise * random.uniform(-1, 1, point.shape)
    return {"point": _floats(point), "side": _classes(np.repeat([1, 0], halves))}


def gates(source: Gates) -> Columns:
    """`inputs` (4 x repeats, 2) and `output` (4 x repeats,). The rows come in the order 00, 01, 10, 11."""
    random = np.random.default_rng(source.seed)
    rows = np.tile([[0, 0], [0, 1], [1, 0], [1, 1]], (source.repeats, 1))
    table = {"and": [0, 0, 0, 1], "or": [0, 1, 1, 1], "nand": [1, 1, 1, 0], "xor": [0, 1, 1, 0]}
    inputs = rows + random.normal(0, source.noise, rows.shape)
    return {"inputs": _floats(inputs), "output": _classes(np.tile(table[source.gate], source.repeats))}


def adding_problem(source: AddingProblem) -> Columns:
    """`sequence` (samples, length, 2), a number and its mark at each step, and `sum` (samples, 1)."""
    random = np.random.default_rng(source.seed)
    number = random.random((source.samples, source.length), np.float32)
    mark = np.zeros_like(number)
    sample, half = np.arange(source.samples), source.length // 2
    first, second = random.integers(0, half, source.samples), random.integers(half, source.length, source.samples)
    mark[sample, first] = mark[sample, second] = 1
    total = number[sample, first] + number[sample, second]
    return {"sequence": np.stack([number, mark], axis=2), "sum": total[:, None]}


def resize(images: Array, size: int) -> Array:
    """Square images (..., side, side) at `size` x `size`, by bilinear interpolation.

    Pixels are squares and their values belong to their centres: centre i of the new side lies at
    (i + 0.5) * side / size - 0.5 on the old one, between two old centres that are mixed by their distance. Beyond the
    outermost centres the edge goes on.
    """
    side = images.shape[-1]
    at = np.clip((np.arange(size) + 0.5) * side / size - 0.5, 0, side - 1)
    # One row of `mix` per new pixel: how much of each old pixel goes into it.
    mix: Array = np.maximum(0, 1 - np.abs(at[:, None] - np.arange(side)))
    resized: Array = mix @ images @ mix.T
    return resized


def _halves(samples: int) -> tuple[int, int]:
    """How many samples are +1 and -1: the first has one more where the number is odd."""
    return samples - samples // 2, samples // 2


def _floats(numbers: ArrayLike) -> Array:
    return np.asarray(numbers, np.float32)


def _classes(numbers: ArrayLike) -> Array:
    return np.asarray(numbers, np.int64)
