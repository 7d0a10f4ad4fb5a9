"""Does Kafka pass the contract suite of sources, and what does a topic have that other logs do not?"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest

from parcours.source import Source
from parcours.sources import kafka_reader
from parcours.sources.kafka import KafkaSource
from parcours.testing.doubles import Kafka
from parcours.testing.source_contract import SourceContract

_topics = itertools.count()


@dataclass(frozen=True)
class Topic:
    kafka: Kafka
    name: str


@pytest.fixture(scope="module")
def kafka() -> Iterator[Kafka]:
    with Kafka() as opened:
        yield opened


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kafka_reader, "WAIT_S", 0.1)
    monkeypatch.setattr(kafka_reader, "ANSWER_S", 1.0)


class TestKafkaSource(SourceContract[Topic]):
    source: ClassVar[type[Source]] = KafkaSource
    entry_point = "kafka"
    kafka: Kafka

    @pytest.fixture(autouse=True)
    def _one_for_all(self, kafka: Kafka) -> None:
        self.kafka = kafka

    @contextmanager
    def broker(self) -> Iterator[Topic]:
        topic = Topic(self.kafka, f"contract-{next(_topics)}")
        self.kafka.create(topic.name, 2)
        yield topic

    def settings(self, broker: Topic) -> dict[str, Any]:
        return {"servers": broker.kafka.servers, "topic": broker.name, "group": broker.name}

    def write(self, broker: Topic, values: Sequence[bytes], partition: int = 0) -> str:
        broker.kafka.write(broker.name, values, partition)
        return str(partition)

    def cut_off(self, broker: Topic) -> AbstractContextManager[None]:
        return broker.kafka.away()

    def remove(self, broker: Topic, partition: str) -> None:
        broker.kafka.delete(broker.name)

    def forget(self, broker: Topic, partition: str, position: int) -> None:
        broker.kafka.forget(broker.name, int(partition), position)
