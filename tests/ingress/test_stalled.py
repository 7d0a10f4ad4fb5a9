"""A client that takes nothing of a stream any more is cut off, though what it was sent last has not left yet."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncGenerator
from pathlib import Path

from tests.ingress.page.studio import Studio, at_the_studio

from parcours.ingress.application import Application
from parcours.ingress.door import Door
from parcours.ingress.exchange import Answer, Request, Route
from parcours.ingress.servers import answering
from parcours.ingress.settings import ServeSettings

PATIENCE_S = 30
PIECE = b"x" * 2**20


def test_its_connection_is_closed_as_it_is(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        ended = asyncio.Event()

        async def endless(_door: Door, _request: Request) -> Answer:
            async def pieces() -> AsyncGenerator[bytes, None]:
                try:
                    while True:
                        yield PIECE
                finally:
                    ended.set()

            return Answer(stream=pieces(), media_type="text/plain", stalled_s=0.05)

        route = Route(method="GET", path="/endless", handler=endless, summary="Never ends.")
        with socket.create_server(("127.0.0.1", 0)) as listening:
            port = listening.getsockname()[1]
            async with answering([listening], ServeSettings()) as servers, asyncio.timeout(PATIENCE_S):
                servers.entrances[0].application = Application(studio.door, routes=[route])
                with socket.create_connection(("127.0.0.1", port)) as client:
                    client.sendall(b"GET /endless HTTP/1.1\r\nHost: localhost\r\n\r\n")
                    await ended.wait()
                    assert not await asyncio.to_thread(ends_with_a_piece, client)

    at_the_studio(tmp_path, visit)


def ends_with_a_piece(client: socket.socket) -> bool:
    """Whether all that was to be sent has come."""
    client.settimeout(PATIENCE_S)
    told = b""
    try:
        while piece := client.recv(2**20):
            told = piece
    except ConnectionResetError:
        return False
    return told.endswith(b"\r\n")
