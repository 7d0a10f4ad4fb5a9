"""Streams of a NATS for tests, and how a source reads them to their end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from itertools import count
from typing import Any, TypeVar

from nats.js import JetStreamContext

from parcours.source import Line
from parcours.sources.nats import NatsSettings, NatsSource
from parcours.testing.doubles import NatsServer

T = TypeVar("T")

_numbers = count()


class Streams:
    """Some streams of a server that other tests have others of; their names begin alike."""

    def __init__(self, server: NatsServer) -> None:
        self.server = server
        self.name = f"EVENTS-{next(_numbers)}"

    def do(self, what: Callable[[JetStreamContext], Awaitable[T]]) -> T:
        return self.server.do(lambda client: what(client.jetstream()))

    def write(self, values: Sequence[bytes], partition: int = 0, subject: str = "a", **config: Any) -> str:
        """Write behind what a stream has; one that there is not yet is made."""
        name = f"{self.name}-{partition}"

        async def publish(stream: JetStreamContext) -> None:
            await stream.add_stream(name=name, subjects=[f"{name}.>"], **config)
            for value in values:
                await stream.publish(f"{name}.{subject}", value)

        self.do(publish)
        return name

    def settings(self, **more: Any) -> dict[str, Any]:
        return {"url": self.server.url, "stream": [f"{self.name}-0", f"{self.name}-1"], **more}


def live(settings: dict[str, Any], do: Callable[[NatsSource], Awaitable[T]]) -> T:
    """Do something with a source."""

    async def life() -> T:
        source = NatsSource(NatsSettings.model_validate(settings))
        await source.start()
        try:
            return await do(source)
        finally:
            await source.close()

    return asyncio.run(life())


async def to_the_end(source: NatsSource, name: str, position: int | None = None, most: int = 1_000) -> list[Line]:
    """All lines from a position on."""
    lines: list[Line] = []
    while (read := await source.read(name, position, most)).lines:
        lines += read.lines
        position = read.position
    return lines


def offsets(lines: Sequence[Line]) -> list[int]:
    return [line.offset for line in lines]
