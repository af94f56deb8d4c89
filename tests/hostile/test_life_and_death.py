"""The app is killed, then the engine, each with a run going, in a home with an odd name (SAFETY 4 and 10)."""

import contextlib
import os
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from builder import engine
from builder.server import identity
from builder.store import checkpoints, runs
from tests.engine.conftest import processes_of
from tests.engine.test_engine import find
from tests.hostile.counting_engine import ENGINE

ROOT = Path(__file__).parents[2]
Until = Callable[..., float]

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc")


@pytest.fixture
def odd_home(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "a home 🦉 100 %"
    monkeypatch.setenv("LAYERLAB_HOME", str(folder))
    return folder


@pytest.fixture
def until(until: Until) -> Until:
    """As ever, with fewer looks: what is waited for here takes seconds."""
    return lambda condition, seconds=10: until(lambda: time.sleep(0.05) or condition(), seconds)


@contextlib.contextmanager
def app(until: Until, log: Path) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """The application on a free port of this machine, and its address. Runs of its engines count: see `kills.py` for real ones."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [*ENGINE, "run", "app.py", f"--server.port={port}", "--server.headless=true"]
    with log.open("ab") as output, subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=output) as process:
        try:
            until(lambda: answer(f"http://127.0.0.1:{port}/_stcore/health"), 60)
            yield process, f"http://127.0.0.1:{port}"
        finally:
            process.kill()


def answer(url: str, **headers: str) -> bytes:
    """What the server says; nothing where it does not answer."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=10) as found:
            return bytes(found.read())
    except OSError:
        return b""


def test_killed_apps_and_engines_take_nothing_along(odd_home: Path, until: Until, tmp_path: Path):
    log = tmp_path / "app.log"
    try:
        with app(until, log) as (first, _):
            run = runs.submit("ada", "Count", {}).id
            until(lambda: find(run).step > 0, 60)
            serving = engine.status().pid
            first.send_signal(signal.SIGKILL)
            first.wait(10)
        now = find(run).step
        until(lambda: find(run).step > now)
        with app(until, log) as (_, address):
            assert engine.status().pid == serving, "the new app has no other engine"
            cookie = f"{identity.COOKIE}={identity._signer().sign('ada').decode()}"
            assert b'"status":"running"' in answer(f"{address}/api/runs/{run}/series", Cookie=cookie)
            runs.command("ada", run, "pause")
            until(lambda: find(run).status == "paused")
            runs.command("ada", run, "resume")
            until(lambda: find(run).status == "running")
            kill_the_engine(run, odd_home, until)
        assert log.read_text().count("Traceback") == 0, log.read_text()
    finally:
        engine.stop()
        until(lambda: not processes_of(odd_home))


def kill_the_engine(run: str, home: Path, until: Until) -> None:
    """Its worker keeps where the run is and ends; the next engine, which the app starts, goes on from there."""
    killed = engine.status().pid
    assert killed is not None
    mine = set(processes_of(home))
    os.kill(killed, signal.SIGKILL)
    assert until(lambda: not mine & set(processes_of(home))) < 10
    ended = find(run)
    assert ended.status == "interrupted"
    newest = checkpoints.newest(run)
    assert newest is not None and newest[0] == ended.step > 0
    until(lambda: engine.status().alive, 30)
    assert runs.can_go_on(find(run)) and runs.listing("ada")[0].id == run
    runs.resume("ada", run)
    until(lambda: find(run).step > ended.step, 60)
    runs.command("ada", run, "stop")
    assert until(lambda: find(run).status == "stopped") < 2, "as promised"
