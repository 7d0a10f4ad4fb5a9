"""What tests of Kafka share: a topic of its own for each, and a source that reads it."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from parcours.source import Line
from parcours.sources.kafka import KafkaSource
from parcours.sources.kafka_settings import KafkaSettings
from parcours.testing.doubles import Kafka

_numbers = itertools.count()

QUICK = {"session.timeout.ms": 2_000, "heartbeat.interval.ms": 100, "topic.metadata.refresh.interval.ms": 200}
"""Groups notice soon who has gone, and what partitions there are."""


@dataclass(frozen=True)
class Topic:
    kafka: Kafka
    name: str

    def settings(self, **others: Any) -> KafkaSettings:
        given = {"servers": self.kafka.servers, "topic": self.name, "group": self.name, **others}
        return KafkaSettings.model_validate({**given, "options": QUICK | others.get("options", {})})

    def write(self, values: Sequence[bytes | None], partition: int = 0, **others: Any) -> None:
        self.kafka.write(self.name, values, partition, **others)


def new_topic(kafka: Kafka, partitions: int = 1) -> Topic:
    topic = Topic(kafka, f"topic-{next(_numbers)}")
    kafka.create(topic.name, partitions)
    return topic


@asynccontextmanager
async def reading(topic: Topic, **settings: Any) -> AsyncIterator[KafkaSource]:
    """A source that reads the topic."""
    source = KafkaSource(topic.settings(**settings))
    await source.start()
    try:
        yield source
    finally:
        await source.close()


async def lines_of(source: KafkaSource, number: int, position: int | None = None, partition: str = "0") -> list[Line]:
    """So many lines from there on."""
    lines: list[Line] = []
    for _ in range(200):
        read = await source.read(partition, position, number - len(lines))
        lines += read.lines
        position = read.position
        if len(lines) == number:
            return lines
    raise AssertionError(f"{len(lines)} lines of {number} have come")
