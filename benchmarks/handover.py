"""How long does an event take until a channel is asked to send what it leads to? With a channel that does nothing else.

Of the cart workload the orders lead to a message at once, three in a hundred. The channel notes by the clock of the
machine, which all processes share, when each delivery came, and writes it down in the end.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from door_client import Connection
from measuring.open_loop import at_rate
from pydantic import BaseModel

from parcours import Project
from parcours.channel import Accepted, Channel, Delivery, Receipt
from parcours.journey.model.document import EventsDocument, JourneyDocument, MessageDocument, ProjectDocument

ORDER = "Order Completed"

SENT = b'parcours_deliveries_total{channel="nothing",outcome="sent"} '

NOTED = "noted.json"

CONNECTIONS = 64


class NothingSettings(BaseModel):
    """
    folder  where the channel writes down what came when
    """

    folder: str


class NothingContent(BaseModel):
    """What nobody reads."""

    text: str


class NothingChannel(Channel):
    """Accepts everything at once."""

    Settings: ClassVar[type[BaseModel]] = NothingSettings
    Content: ClassVar[type[BaseModel]] = NothingContent
    address_kind: ClassVar[str] = "nothing"
    capacity = 100

    def __init__(self, settings: NothingSettings) -> None:
        self._path = Path(settings.folder, NOTED)
        self._came_s: dict[str, float] = {}

    async def start(self) -> None:
        """There is nothing to open."""

    async def send(self, deliveries: Sequence[Delivery]) -> list[Receipt]:
        now_s = time.monotonic()
        self._came_s.update({delivery.to: now_s for delivery in deliveries})
        return [Accepted(delivery.key) for delivery in deliveries]

    async def stop(self) -> None:
        self._path.write_text(json.dumps(self._came_s))


def offer(folder: str) -> None:
    """From now on this process finds the channel, as one of a distribution that is installed in the folder."""
    info = Path(folder, "installed", "nothing-1.0.dist-info")
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Name: nothing\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[parcours.channels]\nnothing = handover:NothingChannel\n")
    sys.path.insert(0, str(info.parent))


def project(folder: str) -> Project:
    """One journey: each order is confirmed at once."""
    step = {"id": "confirm", "send": "confirmation", "channels": ["nothing"], "to": {"nothing": "entry.address"}}
    message = {
        "message": "confirmation",
        "class": "transactional",
        "status": "ready",
        "nothing": {"text": "{{ entry.address }} is on its way."},
    }
    unheard: dict[str, object] = {"Product Viewed": {}, "Product Added": {}, "Checkout Started": {}}
    return Project.of(
        ProjectDocument.model_validate({"project": "handover", "channels": {"nothing": {"folder": folder}}}),
        events=EventsDocument.model_validate({"events": {**unheard, ORDER: {"properties": {"address": "string"}}}}),
        messages=[MessageDocument.model_validate(message)],
        journeys=[JourneyDocument.model_validate({"journey": "order", "entry": {"event": ORDER}, "steps": [step]})],
    )


def with_addresses(lines: Sequence[bytes]) -> tuple[list[bytes], dict[int, str]]:
    """The lines, of which each order is a buyer's of her own; and her address, by the place of the line."""
    addressed, addresses = [], {}
    for place, line in enumerate(lines):
        call = json.loads(line)
        if call["event"] == ORDER:
            addresses[place] = f"buyer-{place}"
            call |= {"userId": addresses[place], "properties": {"address": addresses[place]}}
        addressed.append(json.dumps(call).encode())
    return addressed, addresses


async def send(port: int, requests: Sequence[bytes], per_second: float, orders: int) -> list[float]:
    """Send them all at this rate, until all that they lead to has been sent; when each of them was due."""
    free: asyncio.Queue[Connection] = asyncio.Queue()
    for _ in range(CONNECTIONS):
        free.put_nowait(await Connection.open(port))

    async def one(number: int) -> None:
        connection = await free.get()
        await connection.ask(requests[number])
        free.put_nowait(connection)

    due_s, _ = await at_rate(one, per_second, len(requests))
    connection = await free.get()
    async with asyncio.timeout(60):
        while await _sent(connection) < orders:  # noqa: ASYNC110  # another process sends
            await asyncio.sleep(0.5)
    return due_s


async def _sent(connection: Connection) -> float:
    figures = await connection.ask(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
    return float(figures.partition(SENT)[2].partition(b"\n")[0] or 0)


def latencies(folder: str, due_s: Sequence[float], addresses: Mapping[int, str]) -> list[float]:
    """Milliseconds from when each order was due until its delivery came to the channel."""
    came_s: dict[str, float] = json.loads(Path(folder, NOTED).read_text())
    return sorted((came_s[address] - due_s[place]) * 1_000 for place, address in addresses.items())
