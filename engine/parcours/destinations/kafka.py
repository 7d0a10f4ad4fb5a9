"""The destination `kafka`: members as messages of a topic, each under the key by which the other side knows the person.

So changes of one person lie in one partition, in order. Facts lie there under the person's name.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from pydantic import BaseModel

from parcours.channel import Receipt
from parcours.destination import FactRow, Member
from parcours.destinations.fact_messages import publish_in_rounds
from parcours.destinations.kafka_producer import KafkaProducer, KafkaTopic
from parcours.destinations.message import message_of
from parcours.destinations.snapshots import ToldWithEachMember


class KafkaDestination(ToldWithEachMember):
    """Writes to one topic."""

    Settings: ClassVar[type[BaseModel]] = KafkaTopic
    libraries: ClassVar[tuple[str, ...]] = ("confluent_kafka",)

    def __init__(self, settings: KafkaTopic) -> None:
        self._producer = KafkaProducer(settings)

    async def start(self) -> None:
        await self._producer.open()

    async def send(self, members: Sequence[Member]) -> list[Receipt]:
        return await self._producer.send([message_of(member) for member in members])

    async def publish(self, facts: Sequence[FactRow]) -> None:
        await publish_in_rounds(self._producer.send, facts)

    async def stop(self) -> None:
        await self._producer.close()
