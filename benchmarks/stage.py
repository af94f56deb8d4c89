"""What the benchmarks share that look at the whole app: a home of its own, its server, its visitors, a browser, and waiting."""

import asyncio
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any, NamedTuple

from playwright.sync_api import BrowserContext, Page, sync_playwright

from builder import engine
from builder.server.identity import COOKIE, Identity, owner_of
from builder.store import database

ROOT = Path(__file__).parents[1]
APP = ROOT / "app.py"
WAIT = 60.0
"""Seconds until something that must come is missed."""


def wait_until(condition: Callable[[], object], seconds: float = WAIT, every: float = 0.02) -> None:
    """Return as soon as it is true."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"still not so after {seconds:g} s"
        time.sleep(every)


@contextmanager
def own_home() -> Iterator[Path]:
    """A folder for everything that app, engine and workers keep. The engine is stopped and the folder gone afterwards."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        os.environ["LAYERLAB_HOME"] = folder
        os.environ.pop("LAYERLAB_STORE", None)
        try:
            yield Path(folder)
        finally:
            engine.stop()
            database.close()


# The server ------------------------------------------------------------------------------------------------------


@contextmanager
def server(script: Path = APP) -> Iterator[str]:
    """The address of the app, or of another one of Streamlit's, which listens on this machine alone."""
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    options = ["--server.address=127.0.0.1", f"--server.port={port}"]
    options += ["--server.headless=true", "--server.fileWatcherType=none"]
    app = subprocess.Popen(
        [sys.executable, "-m", "streamlit", "run", str(script), *options],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        address = f"http://127.0.0.1:{port}"
        wait_until(lambda: answers(f"{address}/_stcore/health"), seconds=120)
        yield address
    finally:
        app.terminate()
        app.wait(30)


def answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=5):
            return True
    except (urllib.error.URLError, TimeoutError):
        return False


class Visitor(NamedTuple):
    """Somebody, and the cookie that says so."""

    owner: str
    cookie: str


def new_visitor() -> Visitor:
    """Somebody who comes for the first time: the app's own middleware makes the cookie, and no server is needed."""
    answered: list[Any] = []

    async def answer(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def keep(message: Any) -> None:
        answered.append(message)

    visit = Identity(answer)({"type": "http", "path": "/", "scheme": "http", "headers": []}, keep, keep)  # type: ignore[arg-type]
    asyncio.run(visit)
    cookie = SimpleCookie(dict(answered[0]["headers"])[b"set-cookie"].decode())[COOKIE].value
    owner = owner_of(cookie)
    assert owner
    return Visitor(owner, cookie)


class Relay:
    """Stands between a browser and the server, and counts all that goes to the browser: every connection, with headers."""

    def __init__(self, address: str) -> None:
        self.bytes = 0
        self._to = ("127.0.0.1", int(address.rpartition(":")[2]))
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while True:
            try:
                browser, _ = self._listening.accept()
            except OSError:  # closed
                return
            server = socket.create_connection(self._to)
            threading.Thread(target=self._pass_on, args=(browser, server, False), daemon=True).start()
            threading.Thread(target=self._pass_on, args=(server, browser, True), daemon=True).start()

    def _pass_on(self, source: socket.socket, target: socket.socket, counts: bool) -> None:
        with suppress(OSError):  # one of them has left
            while data := source.recv(65_536):
                self.bytes += len(data) if counts else 0
                target.sendall(data)
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._listening.close()


# The browser -----------------------------------------------------------------------------------------------------

IDLE = "[data-testid=stApp][data-test-script-state=notRunning]"
"""Of a page whose script does not run."""


@contextmanager
def browser_of(cookie: str, address: str) -> Iterator[BrowserContext]:
    """A headless Chromium whose visitor bears the cookie."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        context.set_default_timeout(WAIT * 1e3)
        context.add_cookies([{"name": COOKIE, "value": cookie, "url": address}])
        yield context
        browser.close()


def opened(context: BrowserContext, address: str) -> Page:
    """A new tab that shows an address."""
    page = context.new_page()
    page.goto(address)
    return page
