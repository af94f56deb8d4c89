"""The live chart in a real browser: the test itself writes the run that the browser watches."""

import os
import shutil
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from builder.server.identity import COOKIE, owner_of
from builder.store import history, runs

ROOT = Path(__file__).parents[2]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

expect.set_options(timeout=60_000)  # for all tests of a process: no less than others want

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed"),
]

RANGES = "[...document.querySelectorAll('.layerlab-plot')].map(p => [p.layout.xaxis.range, p.layout.yaxis.range])"
REQUESTS = "performance.getEntriesByType('resource').filter(entry => entry.name.includes('/api/')).length"


@pytest.fixture
def address(home: Path, until: Callable[..., float]) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    options = {"server.port": port, "server.fileWatcherType": "none"}
    arguments = [f"--{name}={value}" for name, value in options.items()]
    server = subprocess.Popen(
        [sys.executable, "-m", "streamlit", "run", str(ROOT / "tests/server/live_app.py"), *arguments],
        env=os.environ | {"PYTHONPATH": str(ROOT), "LAYERLAB_HOME": str(home)},
        cwd=ROOT,  # where Streamlit finds our own configuration
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        until(lambda: is_up(url), seconds=60)
        yield url
    finally:
        server.terminate()
        server.wait()


def is_up(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/_stcore/health") as answer:
            return bool(answer.status == 200)
    except urllib.error.URLError:
        return False


@pytest.fixture
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def complaints() -> list[str]:
    """What the browser complained about; each test says what it expects."""
    return []


@pytest.fixture
def page(browser: Browser, address: str, complaints: list[str]) -> Page:
    page = browser.new_context(base_url=address, viewport={"width": 1280, "height": 720}).new_page()
    page.set_default_timeout(30_000)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.goto("/")
    return page


@pytest.fixture
def run(page: Page) -> runs.Run:
    """A queued run of whoever sits at the browser."""
    (cookie,) = [cookie for cookie in page.context.cookies() if cookie["name"] == COOKIE]
    owner = owner_of(cookie["value"])
    assert owner
    return runs.submit(owner, "a run", {})


@pytest.fixture
def recorder(run: runs.Run) -> Iterator[history.Recorder]:
    recorder = history.Recorder(run.id)
    yield recorder
    recorder.close()


def record(recorder: history.Recorder, first: int, last: int) -> None:
    for step in range(first, last + 1):
        recorder.add("train/loss", step, 1000 / (1000 + step))
    recorder.progress(last, 1, last / 1000, 32_000)
    field = np.linspace(-1, 1, 400, dtype="<f4")
    meta = {"x": [-4, 4], "y": [-4, 4], "size": 20, "classes": 2, "labels": ["<b>in</b>", "out"]}
    recorder.view("boundary", last, meta, field.tobytes())
    points = np.array([[-1, -1, 0, 0], [1, 1, 1, 0], [2, 2, 1, 2]], "<f4")
    recorder.view("points", 0, {"count": 3, "labels": meta["labels"]}, points.tobytes())
    recorder.flush()


def drag(page: Page, plot: int) -> None:
    box = page.locator(".layerlab-plot .nsewdrag").nth(plot).bounding_box()
    assert box
    page.mouse.move(box["x"] + 0.2 * box["width"], box["y"] + 0.2 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.6 * box["width"], box["y"] + 0.7 * box["height"], steps=5)
    page.mouse.up()


def test_a_run_is_followed_from_the_queue_to_its_end(
    page: Page, run: runs.Run, recorder: history.Recorder, complaints: list[str], until: Callable[..., float]
) -> None:
    page.goto(f"/?run={run.id}")
    expect(page.get_by_text("Queued: place 1")).to_have_count(2)
    # At once, so that nobody sees the run between two statuses.
    runs.update(run.id, status="running", total_steps=8000, epochs=4, execution={"device": "cpu", "device_name": "CPU"})
    # The script has run again for the new status, and for nothing else.
    expect(page.get_by_text("Script run 2 saw running.")).to_be_visible()
    expect(page.get_by_text("Triggered by running.")).to_be_visible()
    expect(page.get_by_text("Waiting for the first step")).to_have_count(2)

    record(recorder, 1, 2000)
    expect(page.get_by_role("img", name="Loss: training 0.3334 at step 2,000.")).to_be_visible()
    expect(page.get_by_role("img", name="Decision boundary between <b>in</b>, out at step 2,000.")).to_be_visible()
    expect(page.get_by_text("step 2,000 of 8,000")).to_be_visible()
    expect(page.get_by_role("progressbar")).to_have_attribute("aria-valuenow", "25")
    page.evaluate("window.plots = [...document.querySelectorAll('.layerlab-plot')]")

    for plot in (0, 1):
        drag(page, plot)
    expect(page.get_by_role("button", name="reset zoom")).to_have_count(2)
    zoomed = page.evaluate(RANGES)
    record(recorder, 2001, 4000)
    expect(page.get_by_role("img", name="at step 4,000")).to_have_count(2)
    assert page.evaluate(RANGES) == zoomed
    page.get_by_role("button", name="Rerun").click()
    expect(page.get_by_text("Script run 3 saw running.")).to_be_visible()
    assert page.evaluate(RANGES) == zoomed
    assert page.evaluate("[...document.querySelectorAll('.layerlab-plot')].every((p, i) => p === window.plots[i])")

    scale = page.get_by_role("button", name="Loss: logarithmic scale")
    scale.focus()
    page.keyboard.press("Enter")
    expect(scale).to_have_attribute("aria-pressed", "true")
    until(lambda: page.evaluate("window.plots[0].layout.yaxis.type") == "log")
    assert page.evaluate(RANGES)[0][0] == zoomed[0][0]
    page.get_by_label("Smoothing").press("ArrowRight")
    expect(page.get_by_text("over 50 steps")).to_be_visible()
    for _ in range(2):
        page.get_by_role("button", name="reset zoom").first.click()
    expect(page.get_by_role("button", name="reset zoom")).to_have_count(0)
    assert page.evaluate(RANGES)[1] == [[-4, 4], [-4, 4]]
    expect(page.get_by_text("Script run 3 saw running.")).to_be_visible()  # no control has run the script

    record(recorder, 4001, 8000)
    runs.finish(run.id, "finished")
    expect(page.get_by_text("Script run 4 saw finished.")).to_be_visible()
    expect(page.get_by_role("img", name="at step 8,000")).to_have_count(2)
    asked = page.evaluate(REQUESTS)
    page.wait_for_timeout(2500)  # in which a run that goes on would be asked for two to five times
    assert page.evaluate(REQUESTS) == asked
    page.reload()
    expect(page.get_by_role("img", name="at step 8,000")).to_have_count(2)
    assert complaints == []


def test_a_failed_run_says_why_and_someone_else_sees_nothing(
    page: Page, run: runs.Run, recorder: history.Recorder, browser: Browser, address: str, complaints: list[str]
) -> None:
    record(recorder, 1, 10)
    problem = {"code": "x/y", "title": "The loss broke", "because": "It was <i>NaN</i>.", "severity": "error"}
    runs.update(run.id, status="failed", problem=problem)
    page.goto(f"/?run={run.id}")
    expect(page.get_by_role("alert").get_by_text("It was <i>NaN</i>.")).to_be_visible()
    assert complaints == []

    stranger = browser.new_context(base_url=address).new_page()
    stranger.goto(f"/?run={run.id}")
    expect(stranger.get_by_text("This run is not available")).to_have_count(2)
    expect(stranger.get_by_text("The loss broke")).to_have_count(0)


def test_a_hidden_tab_asks_for_nothing_and_catches_up_when_it_is_seen(
    page: Page, run: runs.Run, recorder: history.Recorder
) -> None:
    runs.update(run.id, status="running", total_steps=100)
    record(recorder, 1, 10)
    page.goto(f"/?run={run.id}")
    expect(page.get_by_role("img", name="at step 10")).to_have_count(2)
    hide = (
        "hidden => { Object.defineProperty(document, 'hidden', {value: hidden, configurable: true});"
        "document.dispatchEvent(new Event('visibilitychange')) }"
    )
    page.evaluate(hide, True)
    page.wait_for_timeout(1000)  # what was under way comes to its end
    asked = page.evaluate(REQUESTS)
    record(recorder, 11, 20)
    page.wait_for_timeout(2000)
    assert page.evaluate(REQUESTS) == asked
    page.evaluate(hide, False)
    expect(page.get_by_role("img", name="at step 20")).to_have_count(2)


def test_text_and_plots_follow_a_switch_of_the_theme(page: Page, run: runs.Run, recorder: history.Recorder) -> None:
    record(recorder, 1, 10)
    runs.update(run.id, status="stopped")  # nothing polls any more
    page.emulate_media(color_scheme="light")
    page.goto(f"/?run={run.id}")
    expect(page.get_by_role("img", name="at step 10")).to_have_count(2)
    tick = page.locator(".layerlab-plot .xtick text").first
    color = "element => getComputedStyle(element).fill"
    light = tick.evaluate(color)
    page.emulate_media(color_scheme="dark")
    expect(tick).not_to_have_css("fill", light)
