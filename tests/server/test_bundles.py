"""The bundles: sent for ever, compressed ahead, and nothing but them."""

import gzip
import re
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from builder.server.bundles import STATIC, Bundles
from tests.server.conftest import Answer, Client

SCRIPT = b"export default 1;"
SECRET = b"nobody's business"


@pytest.fixture
def browser(tmp_path: Path) -> Client:
    static, evil = tmp_path / "static", tmp_path / "static_evil"
    for folder in (static, evil):
        folder.mkdir()
    (static / "live-abcd_-12.js").write_bytes(SCRIPT)
    (static / "live-abcd_-12.js.gz").write_bytes(gzip.compress(SCRIPT))
    (static / "view-00000000.css").write_bytes(b"body {}")
    (static / "notes.txt").write_bytes(SECRET)
    (evil / "live-abcdefgh.js").write_bytes(SECRET)
    (tmp_path / "live-outside1.js").write_bytes(SECRET)
    (static / "link-abcdefgh.js").symlink_to(evil / "live-abcdefgh.js")
    (static / "pack-abcdefgh.js").mkdir()
    return Client(Starlette(routes=[Mount("/assets", Bundles(static))]))


def get(browser: Client, name: str, accept: str = "", method: str = "GET") -> Answer:
    return browser.get(f"/assets/{name}", method=method, accept_encoding=accept)


def test_a_bundle_is_kept_for_ever(browser: Client) -> None:
    answer = get(browser, "live-abcd_-12.js")
    assert (answer.status, answer.body) == (200, SCRIPT)
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-type"].startswith("text/javascript")
    assert answer.headers["content-encoding"] == "identity"


@pytest.mark.parametrize("accept", ["gzip", "br, gzip;q=0.5", "deflate,GZIP"])
def test_it_is_sent_compressed_to_whoever_takes_that(browser: Client, accept: str) -> None:
    answer = get(browser, "live-abcd_-12.js", accept)
    assert gzip.decompress(answer.body) == SCRIPT
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["vary"] == "Accept-Encoding"
    assert answer.headers["content-type"].startswith("text/javascript")


@pytest.mark.parametrize("accept", ["", "br", "gzip;q=0", "gzip; q=0.000", "x-gzipped", "identity"])
def test_it_is_sent_as_it_is_to_whoever_does_not(browser: Client, accept: str) -> None:
    assert get(browser, "live-abcd_-12.js", accept).body == SCRIPT


def test_without_a_compressed_form_it_is_sent_as_it_is(browser: Client) -> None:
    answer = get(browser, "view-00000000.css", "gzip")
    assert (answer.body, answer.headers["content-encoding"]) == (b"body {}", "identity")
    assert answer.headers["content-type"].startswith("text/css")


@pytest.mark.parametrize(
    "name",
    [
        "",
        "live-none0000.js",
        "notes.txt",
        "pack-abcdefgh.js",
        "link-abcdefgh.js",  # leads into static_evil
        "../static_evil/live-abcdefgh.js",
        "..%2Fstatic_evil%2Flive-abcdefgh.js",
        "_evil/live-abcdefgh.js",
        "../live-outside1.js",
        "..\\live-outside1.js",
        "/live-abcd_-12.js",
        "//host/live-abcd_-12.js",
        "C:live-abcd_-12.js",
        "live-abcd_-12.js\x00",
        "live-abcd_-12.js\n",
        "live-abcd_-12.js/",
        "./live-abcd_-12.js",
    ],
)
def test_nothing_else_is_sent_wherever_it_lies(browser: Client, name: str) -> None:
    for accept in ("", "gzip"):
        answer = get(browser, name, accept)
        assert answer.status == 404
        assert SECRET not in answer.body


def test_a_sibling_whose_name_begins_alike_is_another_folder(tmp_path: Path, browser: Client) -> None:
    bundles = Bundles(tmp_path / "static")
    assert bundles.file("live-abcd_-12.js") == tmp_path / "static" / "live-abcd_-12.js"
    assert bundles.file("link-abcdefgh.js") is None
    assert browser.get("/assets_evil/live-abcdefgh.js").status == 404


def test_a_bundle_can_only_be_read(browser: Client) -> None:
    assert get(browser, "live-abcd_-12.js", method="POST").status == 405
    assert get(browser, "live-abcd_-12.js", method="HEAD").body == b""


def test_there_is_one_live_bundle_and_its_compressed_form_is_the_same() -> None:
    (bundle,) = STATIC.glob("live-*.js")
    assert Bundles(STATIC).file(bundle.name) == bundle
    assert gzip.decompress(bundle.with_name(bundle.name + ".gz").read_bytes()) == bundle.read_bytes()
    assert re.search(rb"export *\{", bundle.read_bytes())  # the page imports its default
