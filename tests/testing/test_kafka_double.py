"""Does the Kafka for tests hold lines, forget them, go away and come back, as one does that is none?"""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from confluent_kafka import Consumer, KafkaException, TopicPartition

from parcours.testing.doubles import Kafka

WITHIN_S = 20.0
FETCH, NOT_AUTHORISED = 1, 29


@pytest.fixture(scope="module")
def kafka() -> Iterator[Kafka]:
    with Kafka() as opened:
        yield opened


@pytest.fixture
def consumer(kafka: Kafka) -> Iterator[Consumer]:
    consumer = Consumer(
        {"bootstrap.servers": kafka.servers, "group.id": "g", "log_level": 0, "reconnect.backoff.max.ms": 200}
    )
    yield consumer
    consumer.close()


def ends(consumer: Consumer, topic: str, partition: int = 0, within_s: float = WITHIN_S) -> tuple[int, int] | None:
    return consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=within_s)


def answers(consumer: Consumer, topic: str) -> bool:
    try:
        return ends(consumer, topic, within_s=0.2) is not None
    except KafkaException:
        time.sleep(0.1)  # it says so at once, and connects again by and by
        return False


def test_it_holds_what_is_written_and_forgets_what_it_shall(kafka: Kafka, consumer: Consumer) -> None:
    kafka.create("orders", 2)
    kafka.write("orders", [b"1", None, b"3"], 1, key=b"anna", headers={"h": b"v"}, timestamp_ms=5)
    kafka.forget("orders", 1, 1)

    assert (ends(consumer, "orders", 1), ends(consumer, "orders", 0)) == ((1, 3), (0, 0))
    consumer.assign([TopicPartition("orders", 1, 1)])
    lines = consumer.consume(2, WITHIN_S)
    assert [(line.value(), line.key(), line.headers(), line.timestamp()[1]) for line in lines] == [
        (None, b"anna", [("h", b"v")], 5),
        (b"3", b"anna", [("h", b"v")], 5),
    ]


def test_a_topic_is_gone_once_it_is_deleted(kafka: Kafka, consumer: Consumer) -> None:
    kafka.create("gone")
    kafka.delete("gone")

    assert "gone" not in consumer.list_topics(timeout=WITHIN_S).topics
    with pytest.raises(KafkaException, match="Unknown topic"):
        kafka.delete("gone")


def test_it_goes_away_and_comes_back_with_what_it_held(kafka: Kafka, consumer: Consumer) -> None:
    kafka.write("stays", [b"1"])
    assert ends(consumer, "stays") == (0, 1)

    with kafka.away():
        assert not answers(consumer, "stays")

    assert any(answers(consumer, "stays") for _ in range(200)), "it does not come back"
    assert ends(consumer, "stays") == (0, 1)


def test_it_answers_with_an_error_when_it_shall(kafka: Kafka, consumer: Consumer) -> None:
    kafka.write("refused", [b"1"])
    kafka.fail(FETCH, [NOT_AUTHORISED])
    consumer.assign([TopicPartition("refused", 0, 0)])

    (told,) = consumer.consume(1, WITHIN_S)

    error = told.error()
    assert error is not None
    assert error.name() == "TOPIC_AUTHORIZATION_FAILED"
