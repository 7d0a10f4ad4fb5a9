"""The destination `nats`: members, or facts, as messages of a stream of NATS JetStream.

JetStream knows a message that comes again by its id, that of the change or the fact, within the stream's window for
duplicates.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from pydantic import BaseModel

from parcours.channel import Receipt
from parcours.destination import FactRow, Member
from parcours.destinations.fact_messages import publish_in_rounds
from parcours.destinations.message import message_of
from parcours.destinations.nats_publisher import NatsPublisher, NatsSubject
from parcours.destinations.snapshots import ToldWithEachMember


class NatsDestination(ToldWithEachMember):
    """Publishes to one subject, by one connection."""

    Settings: ClassVar[type[BaseModel]] = NatsSubject
    libraries: ClassVar[tuple[str, ...]] = ("nats", "cryptography")

    def __init__(self, settings: NatsSubject) -> None:
        self._publisher = NatsPublisher(settings)

    async def start(self) -> None:
        await self._publisher.open()

    async def send(self, members: Sequence[Member]) -> list[Receipt]:
        return await self._publisher.send([message_of(member) for member in members])

    async def publish(self, facts: Sequence[FactRow]) -> None:
        await publish_in_rounds(self._publisher.send, facts)

    async def stop(self) -> None:
        await self._publisher.close()
