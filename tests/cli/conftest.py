"""The command line in this process where it only looks, in processes of its own where an engine works for it."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from builder.cli import main
from tests.engine.conftest import processes_of

ROOT = Path(__file__).parents[2]
SECONDS = 120
"""For one command, with the start of an engine and a worker's import of torch on a busy machine."""


@dataclass
class Said:
    """What a command said and how it ended."""

    code: int
    out: str
    err: str

    @property
    def last(self) -> Any:
        """The JSON object of the last line."""
        return json.loads(self.out.splitlines()[-1])


Say = Callable[..., Said]


@pytest.fixture
def layerlab(home: Path) -> Say:
    """`layerlab("describe", "lenet5")` runs a command in this process. Nothing but an exit may come out of it."""

    def layerlab(*words: str) -> Said:
        result = CliRunner().invoke(main, words)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Said(result.exit_code, result.stdout, result.stderr)

    return layerlab


@pytest.fixture(scope="session")
def training(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Say]:
    """`training("train", "playground")` runs a command as people do. All share one engine, which leaves nothing behind."""
    home = tmp_path_factory.mktemp("cli") / "home"
    others = {name: value for name, value in os.environ.items() if not name.startswith("LAYERLAB_")}

    def training(*words: str) -> Said:
        result = subprocess.run(
            [sys.executable, "-m", "builder", *words],
            cwd=ROOT, env=others | {"LAYERLAB_HOME": str(home)}, capture_output=True, text=True, timeout=SECONDS,
        )  # fmt: skip
        assert "Traceback" not in result.stderr, result.stderr
        return Said(result.returncode, result.stdout, result.stderr)

    yield training
    training("engine", "stop")  # unless it has had nothing to do for so long that it is gone
    assert not training("engine", "status", "--json").last["alive"]
    assert not processes_of(home)
