"""From a click to the first step: `python -m benchmarks.clicks`, some five minutes.

A click is the moment when the row of the run is there, which is what a press of Train leaves behind; it ends with the
first step of the optimizer. Warm: two spares have imported everything. Cold: no engine is alive, and one is started
with the click. Engine and workers are those of the app, but that they note when it was (`benchmarks.noted`).

Promised: 150 ms in the middle where workers are warm, and 3 s at most where nothing is. How long a press of Train takes
in Chromium (requirements-dev.txt) until the row is there, and until a loss is seen, is measured beside it.
"""

import os
import re
import time
from typing import NamedTuple

import click
import numpy as np
from playwright.sync_api import Page, expect

from benchmarks import noted
from benchmarks.measure import machine, table
from benchmarks.stage import IDLE, WAIT, Visitor, browser_of, new_visitor, opened, own_home, server, wait_until
from builder import engine
from builder.blocks import GALLERY, example
from builder.design.network import to_json
from builder.engine.service import SPARES
from builder.store import documents, runs

NETWORKS = ("playground", "digits-cnn")
PROMISED_WARM, PROMISED_COLD = 0.150, 3.0
OWNER = "benchmark"

WATCH = """
(train) => {
  const plot = () => document.querySelector(".layerlab-plot");
  const isSeen = () => plot()?.style.visibility === "visible" && plot().data?.some((line) => line.x.length > 0);
  let wasEmpty = !isSeen();
  window.lossSeen = null;
  const look = () => {
    wasEmpty ||= !isSeen();
    if (wasEmpty && isSeen()) window.lossSeen = Date.now() / 1000;
    else requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
  train.click();
  return Date.now() / 1000;
}
"""
"""Press Train: epoch second of the press, and later, as `lossSeen`, of the frame in which the new run's loss is drawn."""


class Click(NamedTuple):
    """Epoch seconds: the row was there, the engine gave it to a worker, the worker began, its first step was done."""

    row: float
    claimed: float
    taken: float
    step: float

    @property
    def seconds(self) -> float:
        return self.step - self.row

    @property
    def stages(self) -> tuple[float, ...]:
        """Seconds that the engine, the way to the worker, and the worker took."""
        return tuple(np.diff(self))


class Press(NamedTuple):
    """Seconds from a press of Train in a browser."""

    row: float
    step: float
    seen: float


# Clicks ----------------------------------------------------------------------------------------------------------


def warm_up() -> None:
    """Wait until there are two spares, and nothing is left to be imported."""
    wait_until(lambda: noted.warm_spares() >= SPARES, every=0.1)


def followed(run: runs.Run, row: float) -> Click:
    """Wait for the first step of a run, and stop it."""
    wait_until(lambda: noted.first_step(run.id), every=0.005)
    begun = runs.find(run.id)
    assert begun and begun.started
    at = {one.event: one.at for one in noted.notes() if one.run == run.id}
    runs.command(run.owner, run.id, "stop")
    wait_until(lambda: run.id not in runs.ids(*runs.ALIVE))
    return Click(row, begun.started, at["taken"], at["step"])


def submitted(network: str) -> tuple[runs.Run, float]:
    """A new run, and when its row was there."""
    run = runs.submit(OWNER, network, to_json(example(network)), device="cpu")
    return run, time.time()


def warm_click(network: str) -> Click:
    warm_up()
    return followed(*submitted(network))


def cold_click(network: str) -> Click:
    engine.stop()
    noted.forget()  # spares that ended with the engine
    run, row = submitted(network)
    engine.ensure(noted.ENGINE)
    return followed(run, row)


# The browser -----------------------------------------------------------------------------------------------------


def pressed(page: Page, visitor: Visitor) -> Press:
    """One press of Train, on a page that shows the visitor's design."""
    warm_up()
    train = page.get_by_role("button", name=re.compile("^Train( Shortcut.*)?$"))
    expect(train).to_be_enabled(timeout=WAIT * 1e3)
    page.wait_for_selector(IDLE)
    before = {run.id for run in runs.listing(visitor.owner)}
    press = train.evaluate(WATCH)
    while not (new := [run for run in runs.listing(visitor.owner, 1) if run.id not in before]):
        time.sleep(0.002)
    row = time.time()
    page.wait_for_function("window.lossSeen")
    seen = page.evaluate("window.lossSeen")
    step = followed(new[0], row).step
    return Press(row - press, step - press, seen - press)


def presses(network: str, address: str, count: int) -> list[Press]:
    """So many presses by somebody who has opened the network; the first one, which fetches the chart's code, left out."""
    visitor = new_visitor()
    documents.create(visitor.owner, network, to_json(example(network)))
    with browser_of(visitor.cookie, address) as context:
        page = opened(context, f"{address}/train")
        return [pressed(page, visitor) for _ in range(count + 1)][1:]


# What came of it -------------------------------------------------------------------------------------------------


def in_milliseconds(seconds: list[float]) -> list[str]:
    """Median, 95th percentile and the most."""
    return [f"{value * 1e3:,.0f}" for value in (*np.percentile(seconds, [50, 95]), max(seconds))]


def row_of(network: str, kind: str, clicks: list[Click], promised: str) -> list[str]:
    stages = [f"{stage * 1e3:,.0f}" for stage in np.median([one.stages for one in clicks], axis=0)]
    return [network, kind, str(len(clicks)), *in_milliseconds([one.seconds for one in clicks]), promised, *stages]


def verdict(warm: dict[str, list[Click]], cold: dict[str, list[Click]]) -> str:
    """Every promise that was not kept, in one line."""
    middle = {name: float(np.median([one.seconds for one in clicks])) for name, clicks in warm.items()}
    most = {name: max(one.seconds for one in clicks) for name, clicks in cold.items()}
    missed = [f"{name}, warm" for name, seconds in middle.items() if seconds > PROMISED_WARM]
    missed += [f"{name}, cold" for name, seconds in most.items() if seconds > PROMISED_COLD]
    return f"Missed: {'; '.join(missed)}." if missed else "Everything promised was kept."


def report(warm: dict[str, list[Click]], cold: dict[str, list[Click]], browser: dict[str, list[Press]]) -> str:
    """Two tables, and a verdict. All numbers are milliseconds."""
    rows = []
    for name in warm:
        rows.append(row_of(name, "warm", warm[name], f"p50 <= {PROMISED_WARM * 1e3:g}"))
        rows.append(row_of(name, "cold", cold[name], f"all <= {PROMISED_COLD * 1e3:,.0f}"))
    stages = ["row to claim", "claim to worker", "worker to step"]
    told = table(["network", "workers", "clicks", "p50", "p95", "most", "promised", *stages], rows, words=2)
    seen = [
        [name, what, str(len(found)), *in_milliseconds([getattr(press, field) for press in found])]
        for name, found in browser.items()
        for field, what in (("row", "the row is there"), ("step", "the first step"), ("seen", "a loss is seen"))
    ]
    if seen:
        told += "\n\n" + table(["network", "from a press of Train to", "presses", "p50", "p95", "most"], seen, words=2)
    return f"{told}\nLoad at the end {os.getloadavg()[0]:.1f}. {verdict(warm, cold)}"


@click.command(help=__doc__)
@click.option("--clicks", default=20, show_default=True, type=click.IntRange(min=1), help="Of each network, warm.")
@click.option(
    "--cold", "colds", default=3, show_default=True, type=click.IntRange(min=1), help="Of each network, cold."
)
@click.option("--presses", "count", default=10, show_default=True, type=click.IntRange(min=0), help="In the browser.")
@click.argument("names", nargs=-1, type=click.Choice(list(GALLERY)))
def main(clicks: int, colds: int, count: int, names: tuple[str, ...]) -> None:
    print(machine())
    warm: dict[str, list[Click]] = {}
    cold: dict[str, list[Click]] = {}
    browser: dict[str, list[Press]] = {}
    os.environ["LAYERLAB_IDLE"] = "3600"  # there is no app at first, without which an engine ends itself soon
    with own_home():
        for name in names or NETWORKS:
            click.echo(f"{name} ...", err=True)
            cold[name] = [cold_click(name) for _ in range(colds)]
            warm[name] = [warm_click(name) for _ in range(clicks)]
        if count:
            with server() as address:
                for name in names or NETWORKS:
                    browser[name] = presses(name, address, count)
        print(report(warm, cold, browser))


if __name__ == "__main__":
    main()
