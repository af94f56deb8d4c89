"""What the shipped settings expose, and what is pinned (SAFETY 26)."""

import ipaddress
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SERVER = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())["server"]

PINNED = {
    name: tuple(map(int, version.split(".")))
    for name, version in re.findall(r"^([A-Za-z0-9_.-]+)==([0-9.]+)\s*$", (ROOT / "requirements.txt").read_text(), re.M)
}


def test_the_server_listens_on_this_machine_alone():
    assert ipaddress.ip_address(SERVER["address"]).is_loopback


def test_cross_site_requests_are_refused():
    assert SERVER["enableXsrfProtection"] is True
    assert SERVER.get("enableCORS", True) is True


def test_no_folder_is_served_by_streamlit():
    assert SERVER["enableStaticServing"] is False


def test_an_upload_has_at_most_50_mb():
    assert 0 < SERVER["maxUploadSize"] <= 50


def test_a_person_is_never_shown_a_traceback():
    client = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())["client"]
    assert client["showErrorDetails"] in ("none", False)


@pytest.mark.parametrize(
    ("package", "lowest"), [("torch", (2, 10)), ("streamlit", (1, 54)), ("pillow", (12, 3)), ("pyarrow", (14, 0, 1))]
)
def test_versions_with_known_holes_are_not_installed(package: str, lowest: tuple[int, ...]):
    assert PINNED[package] >= lowest


def test_every_requirement_is_pinned_to_one_version():
    lines = [line.split("#")[0].strip() for line in (ROOT / "requirements.txt").read_text().splitlines()]
    assert {line.partition("==")[0] for line in lines if line} == set(PINNED)
