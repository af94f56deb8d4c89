"""Who is asking: a signed cookie, made at a browser's first visit, names the owner of designs, data and runs."""

import hashlib
import secrets
import time

from itsdangerous import BadSignature, TimestampSigner
from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from builder.store import secret

COOKIE = "layerlab_owner"
VALID_SECONDS = 365 * 24 * 3600
RENEW_SECONDS = 30 * 24 * 3600
"""A cookie this old is signed anew, so that nobody who comes back within a year loses what is theirs."""

WITHOUT_COOKIE = ("/_stcore", "/static", "/media", "/component", "/assets")
"""Addresses whose answers may be kept in a shared cache, where nobody's cookie belongs, or that need no owner."""


class Identity:
    """ASGI middleware: whoever comes without a valid cookie gets one, and is that owner from this request on.

    It never holds an answer back, and leaves websockets alone: they come after the page that set the cookie.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(WITHOUT_COOKIE):
            await self.app(scope, receive, send)
            return
        given = HTTPConnection(scope).cookies.get(COOKIE)
        owner = owner_of(given)
        if owner is not None and owner_of(given, max_age=RENEW_SECONDS) is not None:
            await self.app(scope, receive, send)
            return
        new = _signer().sign(owner or secrets.token_urlsafe(16)).decode()

        async def send_with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.append("set-cookie", _set_cookie(new, is_secure=scope.get("scheme") == "https"))
            await send(message)

        await self.app(_with_cookie(scope, new), receive, send_with_cookie)


def owner_of(cookie: object, max_age: int = VALID_SECONDS) -> str | None:
    """The owner that a cookie names; None where it is missing, forged or older than `max_age` seconds.

    To be asked by every route and every script run: a websocket can be opened with any Cookie header.
    """
    if not isinstance(cookie, str):
        return None
    try:
        owner, signed = _signer().unsign(cookie, return_timestamp=True)
    except BadSignature:
        return None
    # One that was signed in the future is as good as a new one: a clock that is set back must cost nobody their things.
    return owner.decode() if time.time() - signed.timestamp() <= max_age else None


def _signer() -> TimestampSigner:
    return TimestampSigner(secret(), salt="layerlab.owner", key_derivation="hmac", digest_method=hashlib.sha256)


def _with_cookie(scope: Scope, value: str) -> Scope:
    """The same request as if the browser had sent this cookie already; its other cookies stay as they are."""
    sent = "; ".join(content.decode("latin-1") for name, content in scope["headers"] if name == b"cookie")
    cookies = [cookie.strip() for cookie in sent.split(";")]
    cookies = [cookie for cookie in cookies if cookie and cookie.partition("=")[0].strip() != COOKIE]
    header = "; ".join([*cookies, f"{COOKIE}={value}"]).encode("latin-1")
    others = [(name, content) for name, content in scope["headers"] if name != b"cookie"]
    return {**scope, "headers": [*others, (b"cookie", header)]}


def _set_cookie(value: str, is_secure: bool) -> str:
    secure = "; Secure" if is_secure else ""
    return f"{COOKIE}={value}; Path=/; Max-Age={VALID_SECONDS}; HttpOnly; SameSite=Lax{secure}"
