"""The course of a metric in a few numbers, for a list of runs: small enough to be drawn in a cell."""

from collections.abc import Iterable, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from builder.store import history
from builder.store.runs import Run

POINTS = 60
"""Of one course, at most."""
KEPT = 2_048
"""Courses that are remembered: a run that has ended keeps its own."""


def course(run: Run, names: Iterable[str]) -> tuple[float, ...]:
    """The course of the first of the series `names` that the run has recorded; nothing where it has none of them."""
    name = next((name for name in names if name in run.series), None)
    return () if name is None else _course(run.id, (run.generation, run.status, run.step), run.series, name)


@lru_cache(KEPT)
def _course(run: str, _as_of: tuple[object, ...], series: Sequence[str], name: str) -> tuple[float, ...]:
    """`_as_of` says whether the run is still as it was when its history was read."""
    _, closed, still_open = history.read(run, 0)
    buckets = history.decode(closed + still_open)
    mine = buckets[buckets["series"] == series.index(name)]
    return thinned(mine["mean"].astype(float), mine["n"].astype(float))


def thinned(values: NDArray[np.float64], weights: NDArray[np.float64], points: int = POINTS) -> tuple[float, ...]:
    """At most so many means of neighbours, weighted; numbers that are none are left out."""
    finite = np.isfinite(values)
    values, weights = values[finite], weights[finite]
    if len(values) <= points:
        return tuple(values.tolist())
    starts = np.linspace(0, len(values), points, endpoint=False).astype(int)
    means = np.add.reduceat(values * weights, starts) / np.add.reduceat(weights, starts)
    return tuple(means.tolist())
