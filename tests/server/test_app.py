"""The whole application, as `streamlit run app.py` starts it, and what it is configured to be."""

import os
import socket
import subprocess
import sys
import tomllib
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from builder import engine, limits
from builder.store import database, tables

ROOT = Path(__file__).parents[2]


@pytest.fixture
def address(home: Path, tmp_path: Path, until: Callable[..., float]) -> Iterator[str]:
    """The app's address, started from a folder that is not its own."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    app = subprocess.Popen(
        [sys.executable, "-m", "streamlit", "run", str(ROOT / "app.py"), f"--server.port={port}"],
        env=os.environ | {"LAYERLAB_HOME": str(home)},
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        until(lambda: is_up(url), seconds=60)
        yield url
    finally:
        app.terminate()
        app.wait(timeout=30)
        engine.stop()


def is_up(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/_stcore/health") as answer:
            return bool(answer.status == 200)
    except urllib.error.URLError:
        return False


def beats() -> int:
    with database.reading() as connection:
        return int(connection.execute(sa.select(tables.site.c.beats)).scalar_one())


def test_the_app_starts_an_engine_gives_signs_of_life_and_an_identity(
    address: str, home: Path, until: Callable[..., float]
) -> None:
    assert engine.status().alive
    assert home.stat().st_mode & 0o077 == 0
    until(lambda: beats() > 0)
    with urllib.request.urlopen(address) as page:
        assert page.headers["set-cookie"].startswith("layerlab_owner=")
        assert page.headers["x-frame-options"] == "SAMEORIGIN"
    with pytest.raises(urllib.error.HTTPError) as unknown:
        urllib.request.urlopen(f"{address}/api/runs/{'x' * 12}/series")
    assert unknown.value.code == 404
    unknown.value.close()


def test_an_engine_that_has_ended_is_started_again(address: str, until: Callable[..., float]) -> None:
    assert engine.stop()
    until(lambda: engine.status().alive, seconds=60)


def test_the_configuration_serves_this_machine_alone_and_refuses_what_is_large() -> None:
    configuration = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())
    server = configuration["server"]
    assert server["address"] == "127.0.0.1"
    assert server["enableXsrfProtection"] is True
    assert server["enableStaticServing"] is False
    assert server["maxUploadSize"] * limits.MIB == limits.UPLOAD_BYTES
    assert configuration["browser"]["gatherUsageStats"] is False
    assert configuration["client"] == {"showErrorDetails": "none", "toolbarMode": "minimal"}
