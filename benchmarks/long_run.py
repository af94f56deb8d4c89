"""A run of a million steps: `python -m benchmarks.long_run`, some ten minutes.

Promised: at most 5 MB of history, a worker whose memory does not grow, and a chart that is drawn within 2 s. Needs
Linux, which says how much memory a process has, and Chromium with Playwright (requirements-dev.txt).
"""

import os
import statistics
import threading
import time
from pathlib import Path

import click
import sqlalchemy as sa
from playwright.sync_api import Page

from benchmarks.experiments import EXPERIMENTS
from benchmarks.measure import machine, table
from benchmarks.stage import ROOT, browser_of, new_visitor, opened, own_home, server, wait_until
from builder.design import read
from builder.design.network import to_json
from builder.engine.service import WORKER
from builder.engine.worker_process import WorkerProcess
from builder.store import database, history, runs
from builder.store.tables import history_chunk, history_tail

LIVE = ROOT / "tests/server/live_app.py"
"""A page with the live chart of the run that its address names; the browser tests have it, too."""
EXPERIMENT = "tiny-adam"
SAMPLES = 20
"""Times that the worker's memory is looked at during a run."""
READS = 9
PROMISED_BYTES, PROMISED_DRAWN = 5_000_000, 2.0
FLAT = 2.0
"""MiB that a worker's memory may grow by in the second half of its run, and is still called flat."""

SHOWN = "step => [...document.querySelectorAll('[role=img]')].some(image => image.ariaLabel?.endsWith(step))"
LINES = "() => document.querySelectorAll('.layerlab-plot .scatterlayer path.js-line').length"
NUMBERS_CAME = (
    "() => performance.getEntriesByType('resource').find(entry => entry.name.includes('/series')).responseEnd / 1000"
)


def resident(process: int) -> float:
    """MiB of memory that a process has."""
    words = Path(f"/proc/{process}/statm").read_text().split()
    return int(words[1]) * os.sysconf("SC_PAGESIZE") / 2**20


# The run ---------------------------------------------------------------------------------------------------------


def submitted(owner: str, steps: int) -> runs.Run:
    """The run of the tiny network with at least so many steps."""
    document = to_json(EXPERIMENTS[EXPERIMENT]())
    source, split, batch = document["data"]["source"], document["data"]["split"], document["recipe"]["batch"]["size"]
    per_epoch = -(-round(source["params"]["samples"] * split["train"]) // batch)
    document["recipe"]["length"] = {"epochs": -(-steps // per_epoch)}
    return runs.submit(owner, "a long run", to_json(read.experiment(document)), device="cpu")


def carried_out(run: runs.Run, steps: int) -> tuple[list[tuple[int, float]], float]:
    """Let a worker process train it as the engine would: its memory every so many steps, and the seconds that it took."""
    changed = threading.Event()
    worker = WorkerProcess(WORKER, database.home() / "worker.log", changed.set)
    wait_until(lambda: worker.ready, seconds=120)
    changed.clear()
    claimed = runs.claim()
    assert claimed and claimed.id == run.id
    memory: list[tuple[int, float]] = []
    started = time.monotonic()
    worker.give(run.id, None)
    while not (worker.done or worker.ended):
        changed.wait(0.05)
        going = runs.find(run.id)
        if going and going.status == "running" and going.step >= (len(memory) + 1) * steps // SAMPLES:
            memory.append((going.step, resident(worker.pid)))
            print(f"step {going.step:,}: {memory[-1][1]:.1f} MiB", flush=True)
    seconds = time.monotonic() - started
    ended = runs.find(run.id)
    assert ended and ended.status == "finished", ended
    worker.ask_to_end()
    return memory, seconds


def history_bytes(run_id: str) -> tuple[int, int, int]:
    """Bytes of the run's buckets in the database, in how many rows, and of the whole database."""
    data = sa.func.coalesce(sa.func.sum(sa.func.length(history_chunk.c.data)), 0)
    chunks = sa.select(data, sa.func.count()).where(history_chunk.c.run == run_id)
    tail = sa.select(sa.func.length(history_tail.c.data)).where(history_tail.c.run == run_id)
    with database.reading() as connection:
        closed, rows = connection.execute(chunks).one()
        still_open = connection.execute(tail).scalar() or 0
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        size = connection.exec_driver_sql("PRAGMA page_size").scalar_one()
    return closed + still_open, rows, pages * size


def seconds_to_read(run_id: str) -> float:
    """Median time in which the store reads the whole history."""
    taken = []
    for _ in range(READS):
        started = time.perf_counter()
        history.read(run_id, 0)
        taken.append(time.perf_counter() - started)
    return statistics.median(taken)


# The page --------------------------------------------------------------------------------------------------------


def drawn(page: Page, last: int) -> tuple[float, float]:
    """Seconds until the chart shows the last step: since the page was asked for, and since the numbers had come."""
    page.wait_for_function(SHOWN, arg=f"at step {last:,}.")
    page.wait_for_function(LINES)
    now = page.evaluate("() => new Promise(done => requestAnimationFrame(() => done(performance.now() / 1000)))")
    return now, now - page.evaluate(NUMBERS_CAME)


def seconds_to_draw(address: str, cookie: str, run: runs.Run) -> list[tuple[float, float]]:
    """`drawn` of a browser that has never been here, and then of as many reloads."""
    with browser_of(cookie, address) as context:
        page = opened(context, f"{address}/?run={run.id}")
        taken = [drawn(page, run.step)]
        for _ in range(READS):
            page.reload()
            taken.append(drawn(page, run.step))
    return taken


# What came of it -------------------------------------------------------------------------------------------------


def in_seconds(taken: tuple[float, float]) -> str:
    """What `drawn` measured, in words."""
    return "{:.2f} s, {:.2f} s after its numbers".format(*taken)


def report(run: runs.Run, seconds: float, memory: list[tuple[int, float]], taken: list[tuple[float, float]]) -> str:
    """Everything in one table, with what is promised beside it."""
    size, chunks, whole = history_bytes(run.id)
    _, closed, still_open = history.read(run.id, 0)
    buckets = len(closed + still_open) // history.ROW.itemsize
    first, *again = taken
    reload = sorted(again)[len(again) // 2]
    growth = memory[-1][1] - memory[len(memory) // 2 - 1][1]
    rows = [
        ["steps", f"{run.step:,}", ""],
        ["training, wall", f"{seconds:,.0f} s", ""],
        ["steps a second, wall", f"{run.step / run.seconds:,.0f}", ""],
        ["history: buckets", f"{buckets:,} in {chunks:,} rows", ""],
        ["history", f"{size / 1e6:.2f} MB", f"<= {PROMISED_BYTES / 1e6:g} MB"],
        ["the whole database", f"{whole / 1e6:.2f} MB", ""],
        ["worker's memory, first look", f"{memory[0][1]:.1f} MiB", ""],
        ["worker's memory, last look", f"{memory[-1][1]:.1f} MiB", ""],
        ["growth in the second half", f"{growth:+.1f} MiB", f"<= {FLAT:g} MiB"],
        ["history read", f"{seconds_to_read(run.id) * 1e3:.1f} ms", ""],
        ["chart drawn, first visit", in_seconds(first), ""],
        ["chart drawn, reload (median)", in_seconds(reload), f"<= {PROMISED_DRAWN:g} s"],
    ]
    missed = {
        "history": size > PROMISED_BYTES,
        "memory": growth > FLAT,
        "chart": reload[0] > PROMISED_DRAWN,
    }
    named = ", ".join(name for name, is_missed in missed.items() if is_missed)
    verdict = f"Missed: {named}." if named else "Everything promised was kept."
    return f"{table(['of one run', 'measured', 'promised'], rows)}\nLoad at the end {os.getloadavg()[0]:.1f}. {verdict}"


@click.command(help=__doc__)
@click.option("--steps", default=1_000_000, show_default=True, type=click.IntRange(min=10_000))
def main(steps: int) -> None:
    print(machine())
    with own_home(), server(LIVE) as address:
        visitor = new_visitor()
        run = submitted(visitor.owner, steps)
        memory, seconds = carried_out(run, steps)
        ended = runs.find(run.id)
        assert ended
        print(report(ended, seconds, memory, seconds_to_draw(address, visitor.cookie, ended)))


if __name__ == "__main__":
    main()
