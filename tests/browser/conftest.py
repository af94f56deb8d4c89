"""A server with an engine of its own, a real browser, and people who visit: any complaint of the browser is a failure."""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, expect, sync_playwright

from builder import engine
from builder.server.identity import COOKIE, owner_of
from builder.store import database, documents
from tests.engine.conftest import processes_of

Json = dict[str, Any]

ROOT = Path(__file__).parents[2]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
START_SECONDS = 60
STOP_SECONDS = 10
WAIT = 60_000
"""Milliseconds until something that must come is missed: many times what it takes, on a busy machine too."""

PROBES = re.compile(r"/(train|runs)/_stcore/(health|host-config)$")
"""Where Streamlit's script looks for its server first when a page other than the first is loaded; not there, by design."""

LEFT = re.compile(r"Traceback .*\n(?:\s.*\n|\n)+starlette\.websockets\.WebSocketDisconnected: .*\n")
"""What Streamlit 1.67 logs where a browser was gone while the server still sent to it: it closes a socket that is closed."""

expect.set_options(timeout=WAIT)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.flaky(reruns=1))  # on a busy machine; what failed once is told (-rR)
            item.add_marker(pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed"))


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the app of the tests keeps everything."""
    return tmp_path_factory.mktemp("browser") / "home"


@contextmanager
def at(home: Path) -> Iterator[None]:
    """The store is the one in a home, for as long as this lasts."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("LAYERLAB_HOME", str(home))
        environment.delenv("LAYERLAB_STORE", raising=False)
        yield
        database.close()


@pytest.fixture(scope="session")
def server(site: Path) -> Iterator[str]:
    """The address of the app, which has a home of its own; app, engine and workers are gone afterwards."""
    others = {name: value for name, value in os.environ.items() if not name.startswith("LAYERLAB_")}
    environment = others | {"LAYERLAB_HOME": str(site)}
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "app.py", f"--server.port={port}", "--server.headless=true"]
    log = site.parent / "server.log"
    with log.open("wb") as output:
        app = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=output)
    try:
        wait_for(f"http://127.0.0.1:{port}/_stcore/health", app, log)
        yield f"http://127.0.0.1:{port}"
    finally:
        app.terminate()
        app.wait(30)
        with at(site):
            engine.stop()
    told = log.read_text()
    told = LEFT.sub("", told)
    assert "Traceback" not in told, told
    assert_nothing_is_left(site)


def wait_for(address: str, app: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not answers(address):
        assert app.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.1)


def answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=5):
            return True
    except OSError:  # refused, reset, or silent for too long
        return False


def assert_nothing_is_left(home: Path) -> None:
    """An engine frees its lock a moment before its process is gone."""
    deadline = time.monotonic() + STOP_SECONDS
    while processes_of(home):
        assert time.monotonic() < deadline, processes_of(home)
        time.sleep(0.02)


@pytest.fixture(scope="module")
def launched() -> Iterator[Callable[[], Browser]]:
    """`launched()` is the browser of a module, started again should it have crashed: people in it share nothing.

    Not one a session: Playwright keeps an event loop running meanwhile, which other tests of the process must not meet.
    """
    with sync_playwright() as playwright:
        browsers: list[Browser] = []

        def launched() -> Browser:
            if not browsers or not browsers[-1].is_connected():
                browsers.append(playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS))
            return browsers[-1]

        yield launched
        for browser in browsers:
            browser.close()


@pytest.fixture
def chromium(launched: Callable[[], Browser]) -> Browser:
    return launched()


@dataclass
class Person:
    """Somebody with a browser of their own, and everything that the browser complained of."""

    context: BrowserContext
    site: Path
    complaints: list[str] = field(default_factory=list)

    def has(self, server: str, document: Json) -> str:
        """The id of a design that is theirs from now on, without any page."""
        self.context.request.get(server)  # says who they are
        (cookie,) = (cookie["value"] for cookie in self.context.cookies() if cookie["name"] == COOKIE)
        with at(self.site):
            owner = owner_of(cookie)
            assert owner
            return documents.create(owner, document["name"], document).id

    def open(self, address: str) -> Page:
        """A new tab."""
        page = self.context.new_page()
        page.goto(address)
        return page

    def hear(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not PROBES.search(message.location["url"]):
            self.complaints.append(f"console: {message.text} ({message.location})")

    def look(self, request: Request) -> None:
        address = urlsplit(request.url)
        if address.scheme in ("http", "https", "ws", "wss") and address.hostname != "127.0.0.1":
            self.complaints.append(f"a request to another host: {request.url}")


@pytest.fixture
def person(chromium: Browser, site: Path) -> Iterator[Callable[[], Person]]:
    """`person()` is somebody new. Whatever a browser complains of until the test ends makes it fail."""
    people: list[Person] = []

    def person() -> Person:
        context = chromium.new_context(viewport={"width": 1280, "height": 900})
        new = Person(context, site)
        context.on("console", new.hear)
        context.on("weberror", lambda error: new.complaints.append(f"page: {error.error}"))
        context.on("request", new.look)
        context.set_default_timeout(WAIT)
        people.append(new)
        return new

    yield person
    for each in people:
        each.context.close()
    assert [complaint for each in people for complaint in each.complaints] == []
