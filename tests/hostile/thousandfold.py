"""The long set of this folder, too long for every change: `python -m tests.hostile.thousandfold`.

It prints a Markdown table, which is recorded in README.md beside this file, and exits 1 where something failed.
"""

import platform
import sqlite3
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version

import click

from tests.hostile import crowd, damage, kills

Trial = tuple[str, int, Callable[[int], None]]


def trials() -> Iterator[Trial]:
    """What is tried, how often, and by what; each raises where something is not as promised."""
    yield "kills during saves of a design", 1_000, kills.kills_during_saves
    yield "kills during checkpoints", 1_000, kills.kills_during_checkpoints
    for name in kills.DESIGNS:
        yield f"kills of a worker: {name}", 25, partial(kills.kills_of_workers, name)
    yield "engines that leave a worker", 25, kills.engines_that_leave
    yield "full disks under a worker", 25, kills.full_disks
    for kind in damage.KINDS:
        yield f"truncations and bit flips, each: {kind}", 200, partial(damage.damages, kind)
    yield "seconds of two workers and two pages on one database", 60, crowd.beside_each_other


@click.command(help=__doc__)
@click.option("--only", multiple=True, help="Those whose name has this in it, or another --only.")
@click.option("--times", type=int, help="Instead of their own numbers.")
def main(only: tuple[str, ...], times: int | None) -> None:
    system = f"Python {platform.python_version()}, PyTorch {version('torch')}, SQLite {sqlite3.sqlite_version}"
    print(f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {system}, {platform.system()}\n")
    print("| what | times | failures | seconds |\n|---|---:|---:|---:|", flush=True)
    failed = 0
    for name, often, trial in trials():
        if only and not any(word in name for word in only):
            continue
        often, start, failures = times or often, time.monotonic(), 0
        try:
            trial(often)
        except Exception:  # noqa: BLE001 - counted, told, and the next one tried
            traceback.print_exc()
            failures = 1
        failed += failures
        print(f"| {name} | {often:,} | {failures or 0} | {time.monotonic() - start:.0f} |", flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
