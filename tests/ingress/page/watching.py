"""Somebody who follows topics of a door, event by event, as fast or as slowly as a test wants her to."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, MutableMapping
from contextlib import asynccontextmanager
from typing import Any

from starlette.types import ASGIApp

from parcours.ingress.exchange import CUT_OFF

PATIENCE_S = 30


class Watcher:
    """One stream. While `reads` is cleared its client takes nothing.

    figures  what is known of each topic, by all that was told so far
    is_cut   whether the door has closed the connection as it was
    """

    def __init__(self) -> None:
        self.status: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.answer = b""
        self.reads = asyncio.Event()
        self.reads.set()
        self.ended = asyncio.Event()
        self.figures: dict[str, dict[str, Any]] = {}
        self.is_cut = False
        self._events: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()
        self._gone = asyncio.Event()

    async def receive(self) -> MutableMapping[str, Any]:
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.status.set_result(message["status"])
            return
        await self.reads.wait()
        body: bytes = message["body"]
        self.answer += body
        if self.status.result() != 200:
            return
        for block in body.decode().split("\n\n"):
            fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
            if block.startswith(":"):
                self._events.put_nowait({"event": "silence"})
            elif "data" in fields:
                self._events.put_nowait({**fields, "data": json.loads(fields["data"])})
        if not message.get("more_body"):
            self._events.put_nowait(None)

    async def next(self) -> dict[str, Any] | None:
        """The next event, None at the end."""
        async with asyncio.timeout(PATIENCE_S):
            told = await self._events.get()
        if told is not None and told["event"] in ("state", "counts"):
            self._take(told["event"], told["data"])
        return told

    def _take(self, kind: str, data: dict[str, Any]) -> None:
        if kind == "state":
            self.figures[data["topic"]] = data
        else:
            merge(self.figures[data["topic"]], data)

    async def until(self, kind: str) -> dict[str, Any]:
        """The next event of this kind."""
        while (told := await self.next()) is not None:
            if told["event"] == kind:
                return told
        raise AssertionError(f"the stream ended without {kind}")

    def cut(self) -> None:
        self.is_cut = True

    def go(self) -> None:
        """Hang up."""
        self._gone.set()


def merge(known: dict[str, Any], told: dict[str, Any]) -> None:
    """This has changed."""
    for name, value in told.items():
        if isinstance(value, dict) and isinstance(known.get(name), dict):
            merge(known[name], value)
        elif value is None:
            known.pop(name, None)
        else:
            known[name] = value


@asynccontextmanager
async def watching(app: ASGIApp, topics: str, **headers: str) -> AsyncIterator[Watcher]:
    """Follow these topics until the end of the block."""
    watcher = Watcher()
    told = {"accept": "text/event-stream", "host": "localhost", **headers}
    scope = {
        "type": "http", "method": "GET", "path": "/live", "raw_path": b"/live", "root_path": "",
        "query_string": f"topics={topics}".encode(), "scheme": "http", "client": ("127.0.0.1", 1),
        "extensions": {CUT_OFF: {"abort": watcher.cut}},
        "headers": [(name.encode(), value.encode()) for name, value in told.items()],
    }  # fmt: skip

    async def run() -> None:
        asked: list[MutableMapping[str, Any]] = [{"type": "http.request", "body": b"", "more_body": False}]

        async def receive() -> MutableMapping[str, Any]:
            return asked.pop() if asked else await watcher.receive()

        await app(scope, receive, watcher.send)
        watcher.ended.set()

    task = asyncio.ensure_future(run())
    try:
        yield watcher
    finally:
        watcher.go()
        watcher.reads.set()
        async with asyncio.timeout(PATIENCE_S):
            await task
