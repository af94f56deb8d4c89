"""An engine of the test's own, which leaves no process behind."""

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from builder import engine

COMMAND = (sys.executable, "-m", "tests.engine.fake_engine")
Start = Callable[..., engine.Status]


def processes_of(home: Path) -> dict[int, str]:
    """Engines and workers of this home that live, by process id: those that its own log names, and no others."""
    log = home / "engine.log"
    started = re.findall(r"(engine|worker) (?:\w+ )?started, process (\d+)", log.read_text() if log.exists() else "")
    return {int(pid): kind for kind, pid in started if is_alive(int(pid))}


def is_alive(pid: int) -> bool:
    """Whether the process is there, and no zombie that nobody waited for yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.fixture
def start(home: Path, until: Callable[..., float]) -> Iterator[Start]:
    """`start()` makes sure of an engine with counting workers; it is stopped after the test, and must leave nothing."""

    def start(*command: str) -> engine.Status:
        engine.ensure(command or COMMAND)
        until(lambda: engine.status().pid)
        return engine.status()

    yield start
    engine.stop()
    until(lambda: not processes_of(home))
