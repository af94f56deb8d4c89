"""Connections answer at once, and do not say twice what they said just before."""

import random
import socket
import threading
import tomllib
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from uvicorn.protocols.websockets import websockets_sansio_impl
from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory
from websockets.sync.client import connect

from builder.server.sockets import answer_at_once, remember_pages


def no_delay(connection: socket.socket) -> bool:
    return connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0


def accepted(server: socket.socket) -> socket.socket:
    """The server's end of a new connection."""
    with closing(socket.create_connection(server.getsockname())):
        connection, _ = server.accept()
        return connection


def test_whoever_connects_is_answered_without_delay() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as server, closing(socket.socket()) as idle:
        with closing(accepted(server)) as before:
            assert not no_delay(before)
        assert answer_at_once() >= 1
        with closing(accepted(server)) as after:
            assert no_delay(after)
        assert not no_delay(idle)


def test_sockets_that_are_closed_or_not_of_a_network_are_left_alone() -> None:
    closed = socket.create_server(("127.0.0.1", 0))
    closed.close()
    pair = socket.socketpair()
    before = answer_at_once()
    with closing(pair[0]), closing(pair[1]), closing(socket.create_server(("127.0.0.1", 0))):
        assert answer_at_once() == before + 1


PAGE = random.Random(1).randbytes(20_000)
"""More than 4 KiB, and nothing in it that is said twice."""


async def sends_pages(scope: Any, receive: Any, send: Any) -> None:
    """Sends the same page whenever it is asked for one."""
    await receive()
    await send({"type": "websocket.accept"})
    while (await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "bytes": PAGE})


class Counting(socket.socket):
    """Counts what arrives."""

    received = 0

    def recv(self, *arguments: Any) -> bytes:
        data = super().recv(*arguments)
        self.received += len(data)
        return data


def second_page() -> int:
    """Bytes that arrive where a page is sent that was sent just before."""
    config = uvicorn.Config(sends_pages, ws="websockets-sansio", lifespan="off", log_level="warning")
    server = uvicorn.Server(config)
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        serving = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        serving.start()
        with closing(Counting()) as connection:
            connection.connect(listening.getsockname())
            with connect("ws://127.0.0.1/", sock=connection, max_size=None) as browser:
                for _ in range(2):
                    before = connection.received
                    browser.send("again")
                    assert browser.recv() == PAGE
                taken = connection.received - before
        server.should_exit = True
        serving.join(10)
    return taken


def test_a_page_that_was_sent_just_before_takes_next_to_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(websockets_sansio_impl, "ServerPerMessageDeflateFactory", ServerPerMessageDeflateFactory)
    assert second_page() > len(PAGE) // 2, "else the web server does it by itself, and we need not"
    remember_pages()
    assert second_page() < 500


def test_the_app_compresses_what_its_websockets_send() -> None:
    config = tomllib.loads((Path(__file__).parents[2] / ".streamlit" / "config.toml").read_text())
    assert config["server"]["enableWebsocketCompression"] is True
