"""Small answers without a wait, and pages that travel as what is new in them."""

import gc
import socket

from uvicorn.protocols.websockets import websockets_sansio_impl as websockets
from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory


def answer_at_once() -> int:
    """Turn Nagle's algorithm off for whoever connects to this process from now on; how many sockets listen.

    The socket that Streamlit binds leaves it on, and the web server writes head and body of an answer one after the
    other: on a connection that is kept, the body then waits some 40 ms for the browser to acknowledge the head.
    """
    listening = [one for one in gc.get_objects() if type(one) is socket.socket and _is_listening(one)]
    for one in listening:
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # handed on to every connection it accepts
    return len(listening)


def _is_listening(one: socket.socket) -> bool:
    if one.fileno() < 0 or one.family not in (socket.AF_INET, socket.AF_INET6):
        return False
    return one.type == socket.SOCK_STREAM and one.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN) == 1


def remember_pages() -> None:
    """Let a compressed websocket refer to the 32 KiB before: a script run sends nearly what the one before has sent.

    The web server would keep 4 KiB of them, less than one run. It is some 250 KiB more for each browser
    (RFC 7692, section 7.1.2; zlib's own account of its memory).
    """
    websockets.ServerPerMessageDeflateFactory = _remembering  # type: ignore[assignment, attr-defined]


def _remembering(**_smaller: object) -> ServerPerMessageDeflateFactory:
    return ServerPerMessageDeflateFactory(server_max_window_bits=15, compress_settings={"memLevel": 8})
