"""What the benchmarks share: the clock of a busy machine, medians and their intervals, tables that a README can hold."""

import os
import platform
import time
from collections.abc import Callable, Sequence

import numpy as np

RESAMPLES = 10_000
LEAST_CALLS = 15
CASE_SECONDS = 0.2
"""Processor time spent on one case of `milliseconds`."""


def milliseconds(work: Callable[[], object], seconds: float = CASE_SECONDS, least: int = LEAST_CALLS) -> float:
    """Median time of one call in milliseconds, by processor time: what other processes do meanwhile is not counted."""
    work()
    taken: list[float] = []
    while len(taken) < least or sum(taken) < seconds * 1e3:
        start = time.process_time_ns()
        work()
        taken.append((time.process_time_ns() - start) / 1e6)
    return float(np.median(taken))


def median_with_interval(values: Sequence[float]) -> tuple[float, float, float]:
    """The median, and the ends of its 95 % interval: medians of the values drawn again with replacement (bootstrap)."""
    drawn = np.random.default_rng(0).choice(values, (RESAMPLES, len(values)))
    low, high = np.percentile(np.median(drawn, axis=1), [2.5, 97.5])
    return float(np.median(values)), float(low), float(high)


def machine() -> str:
    """What figures depend on, in one line; the load is that of the last minute."""
    return (
        f"{os.cpu_count()} cores ({platform.processor() or platform.machine()}), {platform.system()}, "
        f"Python {platform.python_version()}, load {os.getloadavg()[0]:.1f}"
    )


def table(head: Sequence[str], rows: Sequence[Sequence[str]], words: int = 1) -> str:
    """A Markdown table: the first columns, so many as have `words`, to the left, numbers to the right."""
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]

    def line(cells: Sequence[str]) -> str:
        padded = [cell.ljust(width) for cell, width in zip(cells[:words], widths, strict=False)]
        return " | ".join(
            padded + [cell.rjust(width) for cell, width in zip(cells[words:], widths[words:], strict=True)]
        )

    rule = ["-" * width for width in widths[:words]] + ["-" * (width - 1) + ":" for width in widths[words:]]
    return "\n".join(f"| {line(cells)} |" for cells in (head, rule, *rows))
