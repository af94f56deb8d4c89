"""What tests of every part share: a home of their own, seeds, and a way to wait."""

import os
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

from builder.store import database

# A home is made once for all examples of a test: each example makes its own rows in it.
SHARED_HOME = [HealthCheck.function_scoped_fixture]
settings.register_profile("default", max_examples=15, deadline=None, suppress_health_check=SHARED_HOME)
settings.register_profile("nightly", max_examples=500, deadline=None, suppress_health_check=SHARED_HOME)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


@pytest.fixture(autouse=True)
def seed() -> None:
    random.seed(0)
    np.random.seed(0)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A LAYERLAB_HOME of the test's own. The folder is made on first use."""
    folder = tmp_path / "home"
    monkeypatch.setenv("LAYERLAB_HOME", str(folder))
    monkeypatch.delenv("LAYERLAB_STORE", raising=False)
    monkeypatch.delenv("LAYERLAB_SECRET", raising=False)
    yield folder
    database.close()


@pytest.fixture
def until() -> Callable[..., float]:
    """`until(condition, seconds=10)` waits until it is true, and returns how long that took; fails after `seconds`."""

    def wait(condition: Callable[[], object], seconds: float = 10) -> float:
        start = time.monotonic()
        while not condition():
            assert time.monotonic() - start < seconds, f"still not true after {seconds} s"
            time.sleep(0.005)
        return time.monotonic() - start

    return wait
