"""What sources.yaml holds of a topic of Kafka, and what librdkafka is told of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final, Literal

from pydantic import Field

from parcours.kafka_client import KafkaClient, TopicName

FETCHED_KBYTES_MAX: Final = 32 * 1024
"""So much librdkafka fetches ahead, for all partitions together; a message that is longer comes all the same."""

OURS: Final = {
    "group.id": "it is `group`",
    "auto.offset.reset": "it is `from`, and holds only for what has never been read",
    "enable.auto.commit": "positions lie in the engine's store",
    "auto.commit.enable": "positions lie in the engine's store",
    "enable.auto.offset.store": "positions lie in the engine's store",
    "partition.assignment.strategy": "partitions are dealt out by cooperative-sticky",
    "group.protocol": "partitions are dealt out by cooperative-sticky",
    "group.instance.id": "two processes with the same settings would throw each other out",
    "enable.partition.eof": "the engine needs it",
    "allow.auto.create.topics": "reading makes no topic",
    "isolation.level": "what a transaction takes back is not read",
}
"""Options that are not the operator's, and why."""


class KafkaSettings(KafkaClient):
    """Which topic is read, and how one reaches the brokers."""

    ours: ClassVar[Mapping[str, str]] = OURS

    topic: TopicName = Field(description="The topic; it has to be there.")
    group: str = Field(
        min_length=1, description="The consumer group: processes of one group share the topic's partitions."
    )
    begin: Literal["earliest", "latest"] = Field(
        "earliest",
        alias="from",
        description="Where a partition is begun that has never been read: at its oldest line, or behind its newest.",
    )

    def of_client(self) -> dict[str, Any]:
        """What a client of librdkafka takes, without what depends on what it is for."""
        usual = {
            "topic.metadata.refresh.interval.ms": 10_000,
            "fetch.wait.max.ms": 100,  # who begins waits for it; an idle broker is asked ten times a second, no burden
            "fetch.queue.backoff.ms": 20,  # a queue that was full once is filled again while the engine works
            "queued.max.messages.kbytes": FETCHED_KBYTES_MAX,
        }
        needed = {
            "group.id": self.group,
            "auto.offset.reset": "error",
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            "partition.assignment.strategy": "cooperative-sticky",
            "enable.partition.eof": True,
            "allow.auto.create.topics": False,
            "isolation.level": "read_committed",
        }
        return self.told(usual, needed)
