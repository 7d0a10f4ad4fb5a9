"""How does the client of the door's benchmark ask, and how long do answers take? Over connections that stay open.

A latency counts from when its request should have left, so a door that stalls cannot hide it.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence

from measuring.open_loop import latencies


def request(path: str, body: bytes, key: str = "") -> bytes:
    """key: of a door that wants one"""
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    if key:
        head += f"\r\nAuthorization: Bearer {key}"
    return head.encode() + b"\r\n\r\n" + body


class Connection:
    """One connection that stays; a request is written as it stands, and its answer is read whole."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, port: int, host: str = "127.0.0.1") -> Connection:
        return cls(*await asyncio.open_connection(host, port, limit=2**20))

    async def ask(self, sent: bytes) -> bytes:
        self._writer.write(sent)
        head = await self._reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        body = await self._reader.readexactly(length)
        assert head.startswith(b"HTTP/1.1 200"), (head, body)
        return body

    def close(self) -> None:
        self._writer.close()


async def send_all(
    port: int, requests: Sequence[bytes], connections_open: int, host: str = "127.0.0.1"
) -> tuple[float, int]:
    """Seconds in which all are answered over a few connections, and how many events were accepted."""
    connections = [await Connection.open(port, host) for _ in range(connections_open)]
    waiting = iter(requests)
    accepted = 0

    async def send(connection: Connection) -> None:
        nonlocal accepted
        for each in waiting:
            answer = await connection.ask(each)
            accepted += json.loads(answer)["accepted"]

    started_s = time.perf_counter()
    await asyncio.gather(*map(send, connections))
    seconds = time.perf_counter() - started_s
    for connection in connections:
        connection.close()
    return seconds, accepted


async def door_latencies(port: int, requests: Sequence[bytes], per_second: float) -> list[float]:
    """Milliseconds from when each request should have left until its answer, in rising order."""
    free: asyncio.Queue[Connection] = asyncio.Queue()
    for _ in range(64):
        free.put_nowait(await Connection.open(port))

    async def ask(number: int) -> None:
        connection = await free.get()
        await connection.ask(requests[number])
        free.put_nowait(connection)

    return await latencies(ask, per_second, len(requests))
