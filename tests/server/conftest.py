"""A browser without a window: it keeps cookies, and speaks ASGI to the routes and middleware that the app has."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from http.cookies import SimpleCookie

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message

from builder.server.headers import SecurityHeaders
from builder.server.identity import COOKIE, Identity, owner_of
from builder.server.routes import routes


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    set_cookies: list[str]
    body: bytes


@dataclass
class Client:
    """One browser. `cookies` are sent with every request; an answer may set them."""

    app: ASGIApp
    scheme: str = "http"
    cookies: dict[str, str] = field(default_factory=dict)

    def post(self, path: str, asked: object, **headers: str) -> Answer:
        """Ask for a change, as a page of ours does unless `origin` says otherwise."""
        return self.get(
            path, method="POST", body=json.dumps(asked).encode(), **{"origin": "http://127.0.0.1"} | headers
        )

    def get(self, path: str, query: str = "", method: str = "GET", body: bytes = b"", **headers: str) -> Answer:
        sent = [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items()]
        if self.cookies and "cookie" not in headers:
            cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
            sent.append((b"cookie", cookie.encode("latin-1")))
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1",
            "method": method,
            "scheme": self.scheme,
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(b"host", b"127.0.0.1"), *sent],
            "server": ("127.0.0.1", 80),
            "client": ("127.0.0.1", 1234),
        }
        answer = asyncio.run(_exchange(self.app, scope, body))
        for cookie in answer.set_cookies:
            self.cookies |= {name: morsel.value for name, morsel in SimpleCookie(cookie).items()}
        return answer

    @property
    def owner(self) -> str | None:
        return owner_of(self.cookies.get(COOKIE))


async def _exchange(app: ASGIApp, scope: Message, sent: bytes) -> Answer:
    messages: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": sent, "more_body": False}

    async def send(message: Message) -> None:
        messages.append(message)

    await app(scope, receive, send)
    start = messages[0]
    pairs = [(name.decode().lower(), value.decode("latin-1")) for name, value in start["headers"]]
    body = b"".join(message.get("body", b"") for message in messages[1:])
    set_cookies = [value for name, value in pairs if name == "set-cookie"]
    return Answer(start["status"], dict(pairs), set_cookies, body)


@pytest.fixture
def visit(home: object) -> Callable[[], Client]:
    """`visit()` is a new browser that talks to the routes behind all middleware."""
    app = Starlette(routes=routes, middleware=[Middleware(SecurityHeaders), Middleware(Identity)])
    return lambda: Client(app)


@pytest.fixture
def client(visit: Callable[[], Client]) -> Client:
    """A browser that has been here before."""
    returning = visit()
    returning.get("/")
    return returning
