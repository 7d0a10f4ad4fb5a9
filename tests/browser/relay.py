"""A line to a door that can be cut, as a phone's is on the way into a tunnel."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from socketserver import BaseRequestHandler, ThreadingTCPServer
from typing import Final
from urllib.parse import urlsplit

PIECE_BYTES: Final = 65_536


class Relay(ThreadingTCPServer):
    """
    address  where it passes on whatever comes
    """

    def __init__(self, to: str) -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        there = urlsplit(to)
        self.there = (there.hostname or "", there.port or 80)
        self.address = f"http://127.0.0.1:{self.server_address[1]}"
        self.open: set[socket.socket] = set()

    def cut(self) -> None:
        """Every connection breaks off; new ones are passed on as before."""
        for connection in list(self.open):
            with suppress(OSError):  # it may be going by itself just now
                connection.shutdown(socket.SHUT_RDWR)


class _Connection(BaseRequestHandler):
    server: Relay
    request: socket.socket

    def handle(self) -> None:
        with socket.create_connection(self.server.there) as there:
            both = {self.request, there}
            self.server.open |= both
            back = threading.Thread(target=_pass_on, args=(there, self.request))
            back.start()
            _pass_on(self.request, there)
            back.join()
            self.server.open -= both


def _pass_on(source: socket.socket, to: socket.socket) -> None:
    """All that comes, until one side has ended; then neither hears anything any more."""
    with suppress(OSError):
        while piece := source.recv(PIECE_BYTES):
            to.sendall(piece)
    for each in (source, to):
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)


@contextmanager
def relaying(to: str) -> Iterator[Relay]:
    """A relay to this address, until the end of the `with`."""
    with Relay(to) as relay:
        thread = threading.Thread(target=relay.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield relay
        finally:
            relay.cut()
            relay.shutdown()
            thread.join()
