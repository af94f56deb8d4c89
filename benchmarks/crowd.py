"""A crowd: `python -m benchmarks.crowd`, some six minutes.

Ten people queue three runs each, all of one before those of the next, for an engine with two slots. Promised: all
finish; nobody's second run starts before everybody's first; and together they make at least 0.9 of the steps a second
that two processes make which train the same thirty one after another, side by side. Measured with the app up and
nobody looking, and once more while one of the ten presses a switch on the Train page, again and again, in Chromium
(requirements-dev.txt) on the same cores, and each run that goes is asked for news once a second: pages are to answer
within 500 ms and news to come within 50 ms, 95 times in 100. The two processes train before and after both.
"""

import json
import multiprocessing
import os
import struct
import threading
import time
import urllib.request
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import pairwise
from typing import Any, NamedTuple

import click
import numpy as np
from playwright.sync_api import Page

from benchmarks.measure import machine, table
from benchmarks.stage import IDLE, Visitor, browser_of, new_visitor, opened, own_home, server, wait_until
from builder.blocks import GALLERY, example
from builder.control import Control
from builder.design.network import to_json
from builder.engine.worker_process import ONE_THREAD
from builder.problem import Json
from builder.server.identity import COOKIE
from builder.store import database, documents, runs
from builder.store.history import Recorder
from builder.worker import NICENESS, load_later, load_torch

EACH, SLOTS = 3, 2
PROMISED_SHARE, PROMISED_PAGE, PROMISED_NEWS = 0.9, 0.5, 0.05
PRESS_EVERY, ASK_EVERY = 0.5, 1.0
ALL_RUNS_SECONDS = 1800.0

ANSWER_TIME = """
(button, [selector, text, wanted]) => new Promise((resolve) => {
  const begin = performance.now();
  const look = () => {
    const found = [...document.querySelectorAll(selector)].some((element) => element.textContent.includes(text));
    if (found !== wanted) return;
    changes.disconnect();
    resolve((performance.now() - begin) / 1000);
  };
  const changes = new MutationObserver(look);
  changes.observe(document.body, { childList: true, subtree: true, characterData: true, attributes: true });
  button.click();
})
"""
"""Seconds from a press until some element of a selector holds a text, or until none does."""


class Side(NamedTuple):
    """What came of all the runs in one way to train them."""

    name: str
    ended: list[runs.Run]

    @property
    def seconds(self) -> float:
        """From the first start to the last end."""
        return max(run.ended or 0.0 for run in self.ended) - min(run.started or 0.0 for run in self.ended)

    @property
    def speed(self) -> float:
        """Steps a second of all of them together."""
        return sum(run.step for run in self.ended) / self.seconds

    @property
    def training(self) -> float:
        """Of the seconds that the slots had, the share in which their runs were training."""
        return sum(run.seconds for run in self.ended) / (SLOTS * self.seconds)

    @property
    def finished(self) -> int:
        return sum(run.status == "finished" for run in self.ended)


def experiment(network: str, epochs: int, seed: int) -> dict[str, Json]:
    """The network's experiment for so many epochs. No two have the same seed: one that waits already is not queued twice."""
    document = to_json(example(network))
    document["recipe"]["length"] = {"epochs": epochs}
    document["recipe"]["seed"] = seed
    return document


# Two streams -----------------------------------------------------------------------------------------------------


def stream(start: Any, owner: str, experiments: list[dict[str, Json]]) -> None:
    """Train one after another in this process, as a worker trains one."""
    os.nice(NICENESS)
    training = load_torch()
    load_later()
    start.wait()
    for document in experiments:
        run = runs.submit(owner, "one of a stream", document, device="cpu")
        runs.update(run.id, status="running", started=time.time())
        recorder = Recorder(run.id)
        outcome = training(run, recorder, Control(run.id, threading.Event()))
        recorder.close()
        runs.finish(run.id, outcome.status, outcome.problem, dict(outcome.metrics))
    database.close()


def streams(name: str, experiments: list[dict[str, Json]]) -> Side:
    """Two processes side by side, each with every second run."""
    click.echo(f"{name} ...", err=True)
    os.environ |= ONE_THREAD
    process = multiprocessing.get_context("spawn")
    with own_home():
        database.engine()  # its tables are made once
        start = process.Barrier(SLOTS)
        trainers = [
            process.Process(target=stream, args=(start, f"stream{at}", experiments[at::SLOTS])) for at in range(SLOTS)
        ]
        for trainer in trainers:
            trainer.start()
        for trainer in trainers:
            trainer.join()
            assert trainer.exitcode == 0
        return Side(name, everybodys([f"stream{at}" for at in range(SLOTS)]))


def everybodys(owners: list[str]) -> list[runs.Run]:
    return [run for owner in owners for run in runs.listing(owner)]


# The crowd -------------------------------------------------------------------------------------------------------


class Times(NamedTuple):
    """Seconds in which a page answered, and in which news came."""

    page: list[float]
    news: list[float]


class Crowd:
    """People with three runs each, all of the one design that each of them has."""

    def __init__(self, experiments: list[dict[str, Json]]) -> None:
        self.people = [new_visitor() for _ in range(len(experiments) // EACH)]
        self.cookies = {person.owner: person.cookie for person in self.people}
        self.runs: list[str] = []
        for at, person in enumerate(self.people):
            design = documents.create(person.owner, "crowd", experiments[at * EACH]).id
            for document in experiments[at * EACH : (at + 1) * EACH]:
                self.runs.append(runs.submit(person.owner, "crowd", document, design, device="cpu").id)

    def is_waiting(self) -> bool:
        """Whether there is a run that has not ended."""
        return bool(runs.ids(*runs.ALIVE))

    def ended(self) -> list[runs.Run]:
        return everybodys([person.owner for person in self.people])


def crowd(name: str, experiments: list[dict[str, Json]], look: Callable[[Crowd, str], None]) -> Side:
    """Let the engine train all runs while `look` looks at the app; they wait before the engine is started."""
    click.echo(f"{name} ...", err=True)
    os.environ["LAYERLAB_SLOTS"] = str(SLOTS)
    with own_home():
        people = Crowd(experiments)
        with server() as address:
            look(people, address)
            wait_until(lambda: not people.is_waiting(), ALL_RUNS_SECONDS, every=0.2)
            return Side(name, people.ended())


def turns_kept(ended: list[runs.Run]) -> bool:
    """Whether everybody's k-th run has started before anybody's next one, and each one's in the order of their queueing."""
    started = defaultdict(list)
    for run in sorted(ended, key=lambda run: run.created):
        started[run.owner].append(run.started or 0.0)
    in_order = all(first <= second for times in started.values() for first, second in pairwise(times))
    turns = list(zip(*started.values(), strict=True))
    return in_order and all(max(turn) <= min(following) for turn, following in pairwise(turns))


def looking(times: Times) -> Callable[[Crowd, str], None]:
    """What looks at pages and at news until all runs have ended, and fills `times`."""

    def look(people: Crowd, address: str) -> None:
        with ThreadPoolExecutor(1) as beside:
            asking = beside.submit(ask_for_news, people, address, times.news)
            with pressing(people.people[0], address) as press:
                while people.is_waiting():
                    times.page.append(press())
                    time.sleep(PRESS_EVERY)
            asking.result()

    return look


@contextmanager
def pressing(person: Visitor, address: str) -> Iterator[Callable[[], float]]:
    """What presses the switch of early stopping, an edit of the design, and says how long it took until the page showed it."""
    with browser_of(person.cookie, address) as context:
        page = opened(context, f"{address}/train")
        page.wait_for_selector(IDLE)
        pressed = 0

        def press() -> float:
            nonlocal pressed
            pressed += 1
            return answer_time(page, is_on=pressed % 2 == 1)

        press()  # the first one finds what has never been shown
        yield press


def answer_time(page: Page, is_on: bool) -> float:
    """Seconds until the fields of early stopping are there, or gone."""
    page.wait_for_selector(IDLE)
    switch = page.get_by_role("switch", name="Early stopping")
    seconds: float = switch.evaluate(ANSWER_TIME, ["[data-testid=stNumberInput]", "Patience", is_on])
    return seconds


def ask_for_news(people: Crowd, address: str, taken: list[float]) -> None:
    """Ask for every run that goes once a second, as a chart that shows it does: for what it has not seen yet."""
    seen: dict[str, tuple[int, str]] = {}
    while people.is_waiting():
        begun = time.monotonic()
        for id in runs.ids(*runs.GOING):
            run = runs.find(id)
            assert run
            taken.append(news(address, run, people.cookies[run.owner], seen))
        time.sleep(max(0.0, begun + ASK_EVERY - time.monotonic()))


def news(address: str, run: runs.Run, cookie: str, seen: dict[str, tuple[int, str]]) -> float:
    """Seconds of one answer, a new connection among them; `seen` has the cursor of each run, and the generation that it belongs to."""
    cursor, generation = seen.get(run.id, (0, ""))
    path = f"/api/runs/{run.id}/series?after={cursor}&generation={generation}"
    begun = time.perf_counter()
    request = urllib.request.Request(f"{address}{path}", headers={"Cookie": f"{COOKIE}={cookie}"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        body = answer.read()
    seconds = time.perf_counter() - begun
    (length,) = struct.unpack_from("<I", body)
    told = json.loads(body[4 : 4 + length])
    seen[run.id] = told["cursor"], told["generation"]
    return seconds


# What came of it -------------------------------------------------------------------------------------------------


def sides_table(sides: list[Side], ideal: float) -> str:
    """Every way to train them, and its speed beside that of the streams."""
    rows = [
        [
            side.name,
            f"{side.finished} of {len(side.ended)}",
            f"{side.seconds:.1f}",
            f"{np.median([run.seconds for run in side.ended]):.2f}",
            f"{side.training:.0%}",
            f"{side.speed:,.0f}",
            f"{side.speed / ideal:.3f}",
        ]
        for side in sides
    ]
    head = ["runs trained by", "finished", "seconds", "one run (median)", "slots training", "steps/s", "beside streams"]
    return table(head, rows)


def answers_table(times: Times) -> str:
    rows = []
    for name, seconds, promised in (("a page", times.page, PROMISED_PAGE), ("news", times.news, PROMISED_NEWS)):
        values = [f"{value * 1e3:,.0f}" for value in (*np.percentile(seconds, [50, 95]), max(seconds))]
        rows.append([name, str(len(seconds)), *values, f"p95 <= {promised * 1e3:g}"])
    return table(["milliseconds until", "asked", "p50", "p95", "most", "promised"], rows)


def verdict(crowds: list[Side], ideal: float, times: Times) -> str:
    """Every promise that was not kept, in one line."""
    missed = []
    for side in crowds:
        if side.finished < len(side.ended):
            missed.append(f"{side.name}: {len(side.ended) - side.finished} runs did not finish")
        if not turns_kept(side.ended):
            missed.append(f"{side.name}: the order was not fair")
        if side.speed < PROMISED_SHARE * ideal:
            missed.append(f"{side.name}: {side.speed / ideal:.2f} of two streams, promised {PROMISED_SHARE:g}")
    missed += [
        f"p95 of {name}"
        for name, seconds, promised in (("pages", times.page, PROMISED_PAGE), ("news", times.news, PROMISED_NEWS))
        if np.percentile(seconds, 95) > promised
    ]
    return f"Missed: {'; '.join(missed)}." if missed else "Everything promised was kept."


@click.command(help=__doc__)
@click.option("--epochs", default=30, show_default=True, type=click.IntRange(min=1), help="Of each run.")
@click.option("--network", default="digits-cnn", show_default=True, type=click.Choice(list(GALLERY)))
@click.option("--people", default=10, show_default=True, type=click.IntRange(min=2), help="With three runs each.")
def main(epochs: int, network: str, people: int) -> None:
    print(f"{machine()}; {people} people, {EACH} runs each, {network}, {epochs} epochs a run")
    experiments = [experiment(network, epochs, seed) for seed in range(people * EACH)]
    times = Times([], [])
    before = streams("two streams, before", experiments)
    unseen = crowd("the crowd, nobody looks", experiments, lambda _crowd, _address: None)
    seen = crowd("the crowd, looked at", experiments, looking(times))
    after = streams("two streams, after", experiments)
    ideal = (before.speed + after.speed) / 2
    print(sides_table([before, unseen, seen, after], ideal))
    fair = [f"{side.name}: {'yes' if turns_kept(side.ended) else 'no'}" for side in (unseen, seen)]
    print(f"Turns kept? {'; '.join(fair)}.\n")
    print(answers_table(times))
    print(f"Load at the end {os.getloadavg()[0]:.1f}. {verdict([unseen, seen], ideal, times)}")


if __name__ == "__main__":
    main()
