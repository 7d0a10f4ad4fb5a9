"""Kafka as a source: the partitions of a topic that a consumer group gives to this process.

The group says who reads what, and nothing else. Positions lie in the engine's stores, and none is committed to the
group: so a partition that moves to another process goes on where the shards say, and who still reads it is refused by
them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from pydantic import BaseModel

from parcours.closing import close_all
from parcours.source import PartitionGone, Read, SourceUnreachable
from parcours.sources.kafka_settings import KafkaSettings

if TYPE_CHECKING:
    from parcours.sources.kafka_group import KafkaGroup
    from parcours.sources.kafka_reader import KafkaReader


class KafkaSource:
    """Reads a topic. A partition is named by its number."""

    Settings: ClassVar[type[BaseModel]] = KafkaSettings
    libraries: ClassVar[tuple[str, ...]] = ("confluent_kafka",)

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self._clients: tuple[KafkaGroup, KafkaReader] | None = None

    async def start(self) -> None:
        self._open()

    async def partitions(self) -> Sequence[str]:
        group, reader = await self._sound()
        await reader.there()
        given = await group.partitions()
        reader.keep(given)
        return [str(number) for number in sorted(given)]

    async def read(self, partition: str, position: int | None, most: int) -> Read:
        number = _number(partition)
        _, reader = await self._sound()
        return await reader.read(number, position, most)

    async def position_at(self, partition: str, at_ms: int) -> int | None:
        number = _number(partition)
        _, reader = await self._sound()
        return await reader.position_at(number, at_ms)

    async def close(self) -> None:
        if self._clients is not None:
            clients, self._clients = self._clients, None
            await close_all([each.close for each in clients])

    async def _sound(self) -> tuple[KafkaGroup, KafkaReader]:
        """The clients; new ones where those before are done for."""
        if self._clients is not None and any(each.is_over for each in self._clients):
            await self.close()
            self._open()
        if self._clients is None:
            raise SourceUnreachable("it is closed")
        return self._clients

    def _open(self) -> tuple[KafkaGroup, KafkaReader]:
        from confluent_kafka import KafkaException

        from parcours.sources.kafka_group import KafkaGroup
        from parcours.sources.kafka_reader import KafkaReader

        try:
            reader = KafkaReader(self._settings)
            self._clients = KafkaGroup(self._settings), reader
        except KafkaException as error:
            raise SourceUnreachable(f"librdkafka does not take these options: {error.args[0].str()}") from error
        return self._clients


def _number(partition: str) -> int:
    if not partition.isdecimal():
        raise PartitionGone(f"partitions of Kafka are numbers, and {partition!r} is none")
    return int(partition)
