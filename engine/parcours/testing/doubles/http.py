"""The shared part of HTTP doubles: a server on a free loopback port, and its faults."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable
from types import TracebackType
from typing import Self, TypeAlias, assert_never

from aiohttp import web

from parcours.testing.doubles.faults import Drop, Hang, HttpReply, Script
from parcours.testing.doubles.loop_thread import LoopThread

HttpFault: TypeAlias = HttpReply | Drop | Hang

CLOSE_TIMEOUT_S = 0.05
"""How long a closing double lets answers finish before it cancels them; 0 would mean for ever."""


class HttpServer(ABC):
    """A provider on `http://127.0.0.1:<port>` for the length of a `with`.

    A subclass takes each request in `handle`, and passes those that carry a message to `respond`, which takes it in, or
    applies the fault that a test has asked for with `next`.
    """

    host = "127.0.0.1"

    def __init__(self) -> None:
        self.port = 0
        self._script: Script[HttpFault] = Script()
        self._thread = LoopThread(type(self).__name__)

    @property
    def url(self) -> str:
        """Its URL, without a slash at the end."""
        return f"http://{self.host}:{self.port}"

    def next(self, fault: HttpFault, times: int = 1) -> None:
        """Give the next `times` messages this fault."""
        self._script.add(fault, times)

    def cut_off(self) -> None:
        """Refuse new connections from now on; open ones go on."""
        self._thread.call(self._stop_listening())

    @abstractmethod
    async def handle(self, request: web.BaseRequest) -> web.Response:
        """Answer one request. Runs on the double's own loop."""

    async def respond(self, request: web.BaseRequest, take: Callable[[], web.Response]) -> web.Response:
        """Take the message in by calling `take`, or apply the fault that a test has asked for."""
        fault = self._script.take()
        match fault:
            case None:
                return take()
            case HttpReply():
                return to_response(fault)
            case Drop():
                take()
                assert request.transport is not None, "a request that is being answered has a transport"
                request.transport.abort()
                return web.Response()
            case Hang():
                take()
                await self._closing.wait()
                return web.Response()
            case _:
                assert_never(fault)

    def __enter__(self) -> Self:
        self._thread.__enter__()
        self._thread.call(self._open())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._thread.call(self._close())
        self._thread.__exit__(kind, error, trace)

    async def _open(self) -> None:
        self._closing = asyncio.Event()
        self._server = web.Server(self.handle, access_log=None)
        self._listener = await asyncio.get_running_loop().create_server(self._server, self.host, 0)
        self.port = self._listener.sockets[0].getsockname()[1]

    async def _stop_listening(self) -> None:
        self._listener.close()

    async def _close(self) -> None:
        await self._stop_listening()
        self._closing.set()
        await self._server.shutdown(timeout=CLOSE_TIMEOUT_S)


def to_response(answer: HttpReply) -> web.Response:
    """The answer as aiohttp sends it."""
    return web.json_response(dict(answer.body), status=answer.status, headers=dict(answer.headers))
