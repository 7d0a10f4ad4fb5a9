"""Where a time is in a topic: a mock cluster finds no offsets by times, so a client stands here for one that asks."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence

import pytest
from confluent_kafka import Consumer, KafkaError, TopicPartition
from tests.sources.kafka_topics import Topic, new_topic, reading

from parcours.source import PartitionGone, SourceUnreachable, TellsTimes
from parcours.sources import kafka_reader
from parcours.testing.doubles import Kafka

TIMES = (1_000, 2_000, 2_000, 5_000)


class Knowing(Consumer):
    """Knows the times of the messages of one partition, as brokers do."""

    def offsets_for_times(self, partitions: Sequence[TopicPartition], timeout: float = -1) -> list[TopicPartition]:
        (asked,) = partitions
        offset = next((number for number, at in enumerate(TIMES) if at >= asked.offset), -1)
        return [TopicPartition(asked.topic, asked.partition, offset)]


class Refused(Consumer):
    """Is told for each partition that it may not."""

    def offsets_for_times(self, partitions: Sequence[TopicPartition], timeout: float = -1) -> list[TopicPartition]:
        (asked,) = partitions

        class Told(TopicPartition):
            error = KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED)

        return [Told(asked.topic, asked.partition, -1)]


@pytest.fixture
def topic() -> Iterator[Topic]:
    with Kafka() as kafka:
        topic = new_topic(kafka)
        for at in TIMES:
            topic.write([b"{}"], timestamp_ms=at)
        yield topic


async def places(topic: Topic, partition: str, *times: int) -> list[int | None]:
    async with reading(topic) as source:
        assert isinstance(source, TellsTimes)
        return [await source.position_at(partition, at) for at in times]


def test_a_time_leads_to_the_first_message_that_is_not_before_it(topic: Topic, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kafka_reader, "Consumer", Knowing)

    assert asyncio.run(places(topic, "0", 0, 1_000, 1_001, 2_000, 4_999, 5_001)) == [0, 0, 1, 1, 3, None]
    for partition in ("7", "seven"):
        with pytest.raises(PartitionGone):
            asyncio.run(places(topic, partition, 0))


def test_what_brokers_refuse_is_told(topic: Topic, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kafka_reader, "Consumer", Refused)

    with pytest.raises(SourceUnreachable, match="Topic authorization failed"):
        asyncio.run(places(topic, "0", 0))
