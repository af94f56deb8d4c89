"""One function for each source of the catalog. It returns every column, samples first, float32, int64 or bool.

Sources that make their samples draw them from a numpy Generator of their own seed: same parameters, same bytes. Those
of the plane follow the rules of TensorFlow Playground.
"""

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from builder.catalog.sources import (
    AddingProblem,
    BreastCancer,
    Circle,
    Digits,
    FirstSymbol,
    Gates,
    Gauss,
    Iris,
    ShapeMasks,
    Shapes,
    Spiral,
    Wine,
    Xor,
)

Array: TypeAlias = NDArray[Any]
Columns: TypeAlias = dict[str, Array]

RADIUS = 5.0
"""Patterns of the plane reach from -RADIUS to RADIUS."""
XOR_GAP = 0.3
"""Half the width of the empty cross between the four squares of `Xor`."""


def _table(name: str, head: int) -> tuple[Array, Array]:
    """Features and classes of a table that scikit-learn brings along, read without importing it: that takes 1.5 s, and this 0.02 s."""
    found = find_spec("sklearn")
    assert found is not None and found.origin is not None, "scikit-learn is among the requirements"
    rows = np.loadtxt(Path(found.origin).parent / "datasets" / "data" / name, delimiter=",", skiprows=head)
    return rows[:, :-1], rows[:, -1].astype(int)


def digits(source: Digits) -> Columns:
    """`image` (1797, 1, size, size) with values 0 to 16, and `digit` (1797,)."""
    pixels, digit = _table("digits.csv.gz", head=0)
    images = pixels.reshape(-1, 1, 8, 8)
    return {"image": _floats(images if source.size == 8 else resize(images, source.size)), "digit": _classes(digit)}


def shapes(source: Shapes) -> Columns:
    """`image` (samples, channels, size, size), about 0 to 1, and `shape` (samples,). Classes come equally often."""
    random = np.random.default_rng(source.seed)
    label = random.permutation(np.arange(source.samples) % source.classes)
    form = label % 10
    # What the class leaves open is drawn.
    colour = label // 10 % 10 if source.classes > 10 else random.integers(0, 10, source.samples)
    ground = label // 100 if source.classes > 100 else random.integers(0, 10, source.samples)
    image = _grounds(source, ground)
    _paint(image, _palette(COLOURS, source.channels)[colour], _covered(source, form, random))
    return {"image": _noisy(image, source.noise, random), "shape": _classes(label)}


def shape_masks(source: ShapeMasks) -> Columns:
    """`image` (samples, channels, size, size), about 0 to 1, and `mask` (samples, size, size)."""
    random = np.random.default_rng(source.seed)
    image = _grounds(source, random.integers(0, 10, source.samples))
    mask = np.zeros((source.samples, source.size, source.size), np.int64)
    for _ in range(3):  # the later one lies on top
        form = random.integers(0, source.forms, source.samples)
        covered = _covered(source, form, random)
        _paint(image, _palette(COLOURS, source.channels)[random.integers(0, 10, source.samples)], covered)
        np.copyto(mask, (form + 1)[:, None, None], where=covered)
    return {"image": _noisy(image, source.noise, random), "mask": mask}


INSIDE: tuple[Callable[[Array, Array], Array], ...] = (
    lambda x, y: x * x + y * y < 0.81,
    lambda x, y: np.maximum(abs(x), abs(y)) < 0.8,
    lambda x, y: (y < 0.75) & (2 * abs(x) - y < 0.9),
    lambda x, y: abs(x * x + y * y - 0.55) < 0.35,
    lambda x, y: (np.minimum(abs(x), abs(y)) < 0.28) & (np.maximum(abs(x), abs(y)) < 0.95),
    lambda x, y: abs(x) + abs(y) < 1,
    lambda x, y: abs(np.maximum(abs(x), abs(y)) - 0.65) < 0.2,
    lambda x, y: (abs(abs(x) - abs(y)) < 0.35) & (np.maximum(abs(x), abs(y)) < 0.85),
    lambda x, y: (abs(x) < 0.3) & (abs(y) < 1),
    lambda x, y: (x * x + y * y < 0.9) & (y < 0),
)
"""Where each of `FORMS` is, in a square from -1 to 1 whose y points down."""

COLOURS = ((0.9, 0.1, 0.1), (0.1, 0.8, 0.2), (0.2, 0.4, 1.0), (1.0, 0.9, 0.1), (0.9, 0.2, 0.9),
           (0.1, 0.9, 0.9), (1.0, 0.55, 0.1), (0.6, 0.4, 1.0), (1.0, 1.0, 1.0), (1.0, 0.7, 0.8))  # fmt: skip
GROUNDS = ((0.0, 0.0, 0.0), (0.35, 0.35, 0.35), (0.4, 0.0, 0.1), (0.35, 0.35, 0.0), (0.0, 0.0, 0.4),
           (0.35, 0.2, 0.05), (0.0, 0.35, 0.35), (0.2, 0.25, 0.35), (0.05, 0.3, 0.1), (0.3, 0.1, 0.3))  # fmt: skip


def _palette(colours: tuple[tuple[float, float, float], ...], channels: int) -> Array:
    """The colours (10, channels); in grey, ten steps from dark to light in a range of their own: a third for grounds, the rest for shapes."""
    if channels == 3:
        return _floats(colours)
    low, high = (0.0, 0.35) if colours is GROUNDS else (0.5, 1.0)
    return _floats(np.linspace(low, high, len(colours)))[:, None]


def _grounds(source: Shapes | ShapeMasks, ground: Array) -> Array:
    plain = _palette(GROUNDS, source.channels)[ground]
    return np.tile(plain[:, :, None, None], (1, 1, source.size, source.size))


def _covered(source: Shapes | ShapeMasks, form: Array, random: np.random.Generator) -> Array:
    """Which pixels (samples, size, size) a shape of each form covers, at a random place and in a random size, whole in the picture."""
    radius = random.uniform(0.25, 0.42, source.samples)
    middle = random.uniform(radius, 1 - radius, (2, source.samples))
    at = (np.arange(source.size) + 0.5) / source.size
    x, y = ((at - place[:, None]) / radius[:, None] for place in middle)
    covered = np.zeros((source.samples, source.size, source.size), bool)
    for number, inside in enumerate(INSIDE):
        rows = np.flatnonzero(form == number)
        covered[rows] = inside(x[rows, None, :], y[rows, :, None])
    return covered


def _paint(image: Array, colour: Array, covered: Array) -> None:
    np.copyto(image, colour[:, :, None, None], where=covered[:, None])


def _noisy(image: Array, noise: float, random: np.random.Generator) -> Array:
    """The picture, in place, with every number a little off."""
    if noise:
        image += np.float32(noise) * random.standard_normal(image.shape, np.float32)
    return image


def iris(source: Iris) -> Columns:
    """`measurements` (150, 4) and `species` (150,)."""
    measurements, species = _table("iris.csv", head=1)
    return {"measurements": _floats(measurements), "species": _classes(species)}


def wine(source: Wine) -> Columns:
    """`measurements` (178, 13) and `cultivar` (178,)."""
    measurements, cultivar = _table("wine_data.csv", head=1)
    return {"measurements": _floats(measurements), "cultivar": _classes(cultivar)}


def breast_cancer(source: BreastCancer) -> Columns:
    """`measurements` (569, 30 and those of noise) and `diagnosis` (569,)."""
    measurements, diagnosis = _table("breast_cancer.csv", head=1)
    noise = np.random.default_rng(0).standard_normal((source.noise_columns, len(measurements)))
    return {"measurements": _floats(np.hstack([measurements, noise.T])), "diagnosis": _classes(diagnosis)}


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


def first_symbol(source: FirstSymbol) -> Columns:
    """`symbols` (samples, length), 1 to k and 0 behind the end, `length` (samples,), `padding` (samples, length) and `first` (samples,)."""
    random = np.random.default_rng(source.seed)
    symbols = random.integers(1, source.symbols + 1, (source.samples, source.length))
    length = random.integers((source.length + 1) // 2, source.length + 1, source.samples)
    padding = np.arange(source.length) >= length[:, None]
    columns = {"symbols": _classes(np.where(padding, 0, symbols)), "length": _classes(length)}
    return {**columns, "padding": padding, "first": _classes(symbols[:, 0] - 1)}


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
