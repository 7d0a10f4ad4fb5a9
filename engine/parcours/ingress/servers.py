"""The HTTP servers of a door: uvicorn's, with bounds for what comes before a request can be looked at.

They take connections from the first moment on, and ask an entrance (entrance.py), behind which the application comes to
be. Signals are the business of whoever runs them.
"""

from __future__ import annotations

import asyncio
import re
import secrets
import socket
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from http import HTTPStatus
from typing import Final

from uvicorn import Config, Server
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from parcours.ingress.entrance import Entrance
from parcours.ingress.exchange import CUT_OFF, Problem, headers_of
from parcours.ingress.settings import ServeSettings

REQUESTS_S: Final = 10
"""How long requests under way may take once nothing new is taken."""

HEADERS_MAX: Final = 32 * 1024
"""Bytes of the headers of one request: many times what any client sends."""

HEADERS_TOO_LONG: Final = "The headers are too long."

HOST: Final = re.compile(rb"(\[[0-9A-Fa-f:.]+\]|[\w.~%!$&'()*+,;=-]*)(:[0-9]*)?")
"""What a header `Host` may say (RFC 9110, 7.2)."""

IDLE_S: Final = 65
"""How long a connection may idle: longer than balancers keep theirs, so that the door never closes one they use."""


class Servers:
    """One at each of these sockets; `entrances` are what they ask."""

    def __init__(self, sockets: list[socket.socket], settings: ServeSettings) -> None:
        self.entrances = [Entrance() for _ in sockets]
        self._servers = [_server(entrance, settings) for entrance in self.entrances]
        each = zip(self._servers, sockets, strict=True)
        self._running = [asyncio.ensure_future(server.serve([taken])) for server, taken in each]

    def hurry(self) -> None:
        """Wait for no request when they end."""
        for server in self._servers:
            server.force_exit = True

    async def end(self) -> None:
        """Take nothing new, and return once what is under way has been answered. May be called again."""
        for server in self._servers:
            server.should_exit = True
        await asyncio.gather(*self._running)


@asynccontextmanager
async def answering(sockets: list[socket.socket], settings: ServeSettings) -> AsyncIterator[Servers]:
    """Servers at these sockets, which have ended when the block has."""
    servers = Servers(sockets, settings)
    try:
        yield servers
    finally:
        await servers.end()


class _Unsignalled(Server):
    """A server that leaves signals to whoever runs it."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _server(application: Entrance, settings: ServeSettings) -> Server:
    return _Unsignalled(
        Config(
            application,
            loop="none",
            http=_bounded(settings.connections_max, settings.read_timeout_s),
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=True,
            proxy_headers=bool(settings.forwarded_allow),
            forwarded_allow_ips=list(settings.forwarded_allow),
            timeout_keep_alive=IDLE_S,
            timeout_graceful_shutdown=REQUESTS_S,
        )
    )


def _bounded(connections_max: int, read_timeout_s: float) -> type[HttpToolsProtocol]:
    """The protocol of a server that bounds connections in number, and headers in length and time.

    A connection beyond the number is closed at once, and so is one that says nothing for long. What the parser lets
    pass, and RFC 9112 does not, is refused here: a proxy may have understood it otherwise.
    """

    class Bounded(HttpToolsProtocol):
        header_bytes = 0
        in_headers: asyncio.TimerHandle | None = None
        refused: Problem | None = None

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as it is above
            super().connection_made(transport)
            if len(self.connections) > connections_max:
                transport.abort()
            self.timeout_keep_alive_task = self.loop.call_later(IDLE_S, self.timeout_keep_alive_handler)

        def data_received(self, data: bytes) -> None:
            before = self.in_headers
            super().data_received(data)
            if before is not None and self.in_headers is before and not self.transport.is_closing():
                self.header_bytes += len(data)  # of a header that has not ended nothing else is told
                if self.header_bytes > HEADERS_MAX:
                    self.end_headers(HEADERS_TOO_LONG)

        def on_message_begin(self) -> None:
            super().on_message_begin()
            self.header_bytes = 0
            self.in_headers = self.loop.call_later(
                read_timeout_s, self.end_headers, "The headers did not come in time."
            )

        def on_header(self, name: bytes, value: bytes) -> None:
            super().on_header(name, value)
            self.header_bytes += len(name) + len(value)
            if self.header_bytes > HEADERS_MAX:
                raise ValueError(HEADERS_TOO_LONG)  # the parser stops at it, and the request is answered with 400

        def on_headers_complete(self) -> None:
            self.forget_headers()
            self.refused = wrong_with(self.headers, self.parser.get_http_version())
            if self.refused is not None:
                raise self.refused  # the parser stops at it, and it is answered below
            self.scope["extensions"] = {CUT_OFF: {"abort": self.transport.abort}}
            super().on_headers_complete()

        def connection_lost(self, exc: Exception | None) -> None:
            self.forget_headers()
            super().connection_lost(exc)

        def forget_headers(self) -> None:
            if self.in_headers is not None:
                self.in_headers.cancel()
                self.in_headers = None

        def end_headers(self, why: str) -> None:
            self.forget_headers()
            self.send_400_response(why)

        def send_400_response(self, msg: str) -> None:
            problem = self.refused or Problem(400, "invalid", msg)
            self.transport.write(no_request(problem, self.server_state.default_headers))
            self.transport.close()

    return Bounded


def wrong_with(headers: Iterable[tuple[bytes, bytes]], version: str) -> Problem | None:
    """Why a request with these headers is none that can be understood in one way only (RFC 9112, 3.2 and 6.1)."""
    hosts = 0
    codings: list[bytes] = []
    for name, value in headers:
        if name == b"host":
            hosts += 1
            if HOST.fullmatch(value) is None:
                return Problem(400, "invalid", "Host names no host.")
        elif name == b"transfer-encoding":
            codings += [coding.strip() for coding in value.lower().split(b",")]
    if hosts > 1 or (hosts == 0 and version == "1.1"):
        return Problem(400, "invalid", "A request names one Host.")
    if codings and (version != "1.1" or codings[-1] != b"chunked"):
        return Problem(400, "invalid", "The body could end anywhere.")
    if len(codings) > 1:
        return Problem(501, "unsupported", "Of transfer codings the door knows chunked alone.")
    return None


def no_request(problem: Problem, further: Iterable[tuple[bytes, bytes]]) -> bytes:
    """What is answered to what is no request, in the shape that the application's answers have."""
    request_id = secrets.token_hex(8)
    answer = problem.answer(request_id)
    headers = [*further, *headers_of(answer, request_id), (b"connection", b"close")]
    status = f"HTTP/1.1 {problem.status} {HTTPStatus(problem.status).phrase}".encode()
    lines = [status, *(name + b": " + value for name, value in headers), b"", answer.body]
    return b"\r\n".join(lines)
