"""Connections answer at once."""

import socket
from contextlib import closing

from builder.server.sockets import answer_at_once


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
