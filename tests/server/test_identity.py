"""The signed cookie that says whose designs, data and runs somebody may see."""

import asyncio
import base64
import hashlib
import hmac
import time
from collections.abc import Callable
from http.cookies import SimpleCookie

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from builder.server import identity
from builder.server.identity import COOKIE, Identity, owner_of
from builder.store import secret
from tests.server.conftest import Client

pytestmark = pytest.mark.usefixtures("home")


async def who_am_i(request: Request) -> PlainTextResponse:
    return PlainTextResponse(str(owner_of(request.cookies.get(COOKIE))))


async def which_cookies(request: Request) -> PlainTextResponse:
    return PlainTextResponse(request.headers["cookie"])


@pytest.fixture
def browser() -> Client:
    routes = [Route("/who", who_am_i), Route("/cookies", which_cookies), Route("/static/x", who_am_i)]
    return Client(Starlette(routes=routes, middleware=[Middleware(Identity)]))


def signed_by_hand(owner: str, when: float, key: bytes | None = None) -> str:
    """A cookie made from the definition of the signature: HMAC-SHA256 with a key derived by HMAC-SHA256."""

    def text(data: bytes) -> str:
        return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

    derived = hmac.new(key or secret(), b"layerlab.owner", hashlib.sha256).digest()
    signed = f"{owner}.{text(int(when).to_bytes(4, 'big'))}"
    return f"{signed}.{text(hmac.new(derived, signed.encode(), hashlib.sha256).digest())}"


def test_the_first_request_is_seen_under_the_identity_that_its_answer_sets(browser: Client) -> None:
    answer = browser.get("/who")
    assert browser.owner is not None
    assert answer.body.decode() == browser.owner


def test_an_identity_stays_and_is_not_set_again(browser: Client) -> None:
    first = browser.get("/who").body
    second = browser.get("/who")
    assert second.body == first
    assert second.set_cookies == []


def test_two_browsers_are_two_people(browser: Client) -> None:
    other = Client(browser.app)
    assert browser.get("/who").body != other.get("/who").body


def test_scripts_and_other_sites_cannot_use_the_cookie(browser: Client) -> None:
    (cookie,) = browser.get("/who").set_cookies
    morsel = SimpleCookie(cookie)[COOKIE]
    assert morsel["httponly"]
    assert (morsel["samesite"], morsel["path"], morsel["max-age"]) == ("Lax", "/", str(365 * 24 * 3600))
    assert not morsel["secure"]


def test_over_https_the_cookie_never_travels_without(browser: Client) -> None:
    browser.scheme = "https"
    (cookie,) = browser.get("/who").set_cookies
    assert SimpleCookie(cookie)[COOKIE]["secure"]


def test_a_cookie_is_signed_as_the_definition_says() -> None:
    assert owner_of(signed_by_hand("ada", time.time())) == "ada"


def test_a_forged_cookie_is_replaced_and_counts_for_nothing(browser: Client) -> None:
    forged = signed_by_hand("ada", time.time(), key=b"guessed")
    browser.cookies = {COOKIE: forged}
    answer = browser.get("/who")
    assert answer.body != b"ada"
    assert browser.cookies[COOKIE] != forged
    assert browser.owner == answer.body.decode()


def test_no_changed_character_is_overlooked() -> None:
    cookie = signed_by_hand("ada", time.time())
    changed = [cookie[:at] + ("A" if cookie[at] != "A" else "B") + cookie[at + 1 :] for at in range(len(cookie) - 1)]
    assert {owner_of(other) for other in changed} == {None}


@given(st.one_of(st.none(), st.integers(), st.binary(), st.text(), st.lists(st.text())))
def test_anything_else_is_nobody(cookie: object) -> None:
    assert owner_of(cookie) is None


def test_a_cookie_signed_under_another_secret_is_nobody_s(monkeypatch: pytest.MonkeyPatch) -> None:
    cookie = signed_by_hand("ada", time.time())
    monkeypatch.setenv("LAYERLAB_SECRET", "another one")
    assert owner_of(cookie) is None


def test_whoever_comes_back_after_a_month_keeps_identity_for_another_year(browser: Client) -> None:
    month_old = signed_by_hand("ada", time.time() - identity.RENEW_SECONDS - 10)
    browser.cookies = {COOKIE: month_old}
    assert browser.get("/who").body == b"ada"
    assert browser.cookies[COOKIE] != month_old
    assert browser.owner == "ada"


def test_a_cookie_is_worth_nothing_after_a_year(browser: Client) -> None:
    browser.cookies = {COOKIE: signed_by_hand("ada", time.time() - identity.VALID_SECONDS - 10)}
    assert browser.get("/who").body != b"ada"


def test_other_cookies_reach_the_route_unchanged(browser: Client) -> None:
    strange = 'theme="a\\073b"; ' + f"{COOKIE}=forged; x=ä=1; lone"
    sent = browser.get("/cookies", cookie=strange).body.decode("latin-1", "replace")
    others = [part for part in sent.split("; ") if not part.startswith(COOKIE)]
    assert others[0] == 'theme="a\\073b"'
    assert others[2] == "lone"
    assert sent.count(COOKIE) == 1


def test_what_shared_caches_keep_has_no_cookie(browser: Client) -> None:
    assert browser.get("/static/x").set_cookies == []


def test_an_answer_is_not_held_back_and_a_websocket_is_left_alone() -> None:
    sent: list[Message] = []
    seen_while_running: list[int] = []

    async def stream(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.accept"})
            return
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"first", "more_body": True})
        seen_while_running.append(len(sent))
        await send({"type": "http.response.body", "body": b"second"})

    async def receive() -> Message:
        return {"type": "http.request"}

    async def send(message: Message) -> None:
        sent.append(message)

    asyncio.run(Identity(stream)({"type": "http", "path": "/", "headers": []}, receive, send))
    assert seen_while_running == [2]
    sent.clear()
    asyncio.run(Identity(stream)({"type": "websocket", "path": "/", "headers": []}, receive, send))
    assert sent == [{"type": "websocket.accept"}]


def test_every_answer_carries_the_security_headers(visit: Callable[[], Client]) -> None:
    for path in ("/", "/api/runs/x/series", "/assets/x"):
        headers = visit().get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
        assert headers["x-frame-options"] == "SAMEORIGIN"
        assert "frame-ancestors 'self'" in headers["content-security-policy"]
