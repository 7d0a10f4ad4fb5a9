"""Members in a topic of Kafka: in order by key, and nothing claimed that no broker has acknowledged."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any

import pytest
from confluent_kafka import KafkaError
from tests.dispatch.conftest import told
from tests.logs import topic_messages

from parcours.channel import Accepted, Ambiguous, NotSent, Receipt, Refused
from parcours.destination import Member
from parcours.destinations import kafka_producer
from parcours.destinations.kafka import KafkaDestination
from parcours.destinations.kafka_producer import KafkaTopic
from parcours.testing.contracts import DestinationContract
from parcours.testing.destination_contract import member
from parcours.testing.doubles import Kafka

PRODUCE = 0


@pytest.fixture
def kafka() -> Iterator[Kafka]:
    with Kafka() as opened:
        opened.create("vip", 1)
        yield opened


class Topic:
    """A cluster with the topic, which can go away for good."""

    def __init__(self, kafka: Kafka) -> None:
        self.kafka = kafka
        self.end = ExitStack()


class TestKafka(DestinationContract[Topic]):
    destination = KafkaDestination
    entry_point = "kafka"

    @contextmanager
    def other(self) -> Iterator[Topic]:
        with Kafka() as kafka:
            kafka.create("vip", 1)
            topic = Topic(kafka)
            with topic.end:
                yield topic

    def settings(self, other: Topic) -> dict[str, Any]:
        return {"servers": other.kafka.servers, "topic": "vip"}

    def taken(self, other: Topic) -> list[dict[str, Any]]:
        return [json.loads(message.value() or b"") for message in topic_messages(other.kafka, "vip")]

    def unreachable(self, other: Topic) -> bool:
        other.end.enter_context(other.kafka.away())
        return True


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kafka_producer, "TOPIC_KNOWN_S", 1.0)


def tell(kafka: Kafka, members: Sequence[Member], **more: Any) -> list[Receipt]:
    settings = KafkaTopic.model_validate({"servers": kafka.servers, "topic": "vip", **more})
    return told(KafkaDestination(settings), members)


def test_changes_of_one_key_lie_in_one_partition_in_order(kafka: Kafka) -> None:
    kafka.create("many", 4)
    members = [replace(member(number), key=f"key {number % 10}") for number in range(200)]

    receipts = tell(kafka, members, topic="many")

    assert [receipt.key for receipt in receipts] == [each.id for each in members]
    where = [(each.provider_id or "").split("/") for each in receipts if isinstance(each, Accepted)]
    assert len(where) == 200 and len({partition for _, partition, _ in where}) > 1
    for first in range(10):
        of_key = where[first::10]
        assert len({partition for _, partition, _ in of_key}) == 1
        offsets = [int(offset) for *_, offset in of_key]
        assert offsets == sorted(offsets)


def test_a_message_has_the_key_and_the_id_of_its_change(kafka: Kafka) -> None:
    tell(kafka, [member(1)])
    (message,) = topic_messages(kafka, "vip")
    assert (message.key(), message.headers()) == (member(1).key.encode(), [("id", member(1).id.encode())])


def test_a_member_that_is_too_large_is_refused_and_the_others_arrive(kafka: Kafka) -> None:
    large = replace(member(1), fields={"text": "x" * 2_000_000})
    receipts = tell(kafka, [large, member(2)])
    assert [type(receipt) for receipt in receipts] == [Refused, Accepted]
    assert [message.value() for message in topic_messages(kafka, "vip")] == [member(2).as_json()]


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (KafkaError.TOPIC_AUTHORIZATION_FAILED, NotSent),
        (KafkaError.MSG_SIZE_TOO_LARGE, Refused),
        (KafkaError.INVALID_RECORD, Refused),
    ],
)
def test_what_the_brokers_answer_says_what_has_become_of_it(kafka: Kafka, error: int, kind: type[Receipt]) -> None:
    kafka.fail(PRODUCE, [error])
    (receipt,) = tell(kafka, [member(1)])
    assert isinstance(receipt, kind), receipt
    assert not isinstance(receipt, NotSent) or receipt.of_channel


def test_what_a_broker_has_in_hand_for_too_long_is_in_doubt(kafka: Kafka) -> None:
    kafka.fail(PRODUCE, [KafkaError.REQUEST_TIMED_OUT] * 1_000)
    (receipt,) = tell(kafka, [member(1)], timeout_s=1.0)
    assert isinstance(receipt, Ambiguous), receipt


def test_it_goes_on_once_the_brokers_are_there_again(kafka: Kafka) -> None:
    async def told() -> list[Receipt]:
        opened = KafkaDestination(KafkaTopic(servers=kafka.servers, topic="vip"))
        await opened.start()
        with kafka.away():
            first = await opened.send([member(1)])
        second = await opened.send([member(1)])
        await opened.stop()
        return [*first, *second]

    first, second = asyncio.run(told())
    assert isinstance(first, NotSent) and first.of_channel
    assert isinstance(second, Accepted)


def test_a_producer_that_is_over_is_followed_by_a_new_one(kafka: Kafka) -> None:
    kafka.fail(PRODUCE, [KafkaError.INVALID_PRODUCER_EPOCH])

    async def told() -> list[Receipt]:
        opened = KafkaDestination(KafkaTopic(servers=kafka.servers, topic="vip"))
        await opened.start()
        receipts = [*await opened.send([member(1)]), *await opened.send([member(2)])]
        await opened.stop()
        return receipts

    *_, last = asyncio.run(told())
    assert isinstance(last, Accepted)


def test_an_option_that_librdkafka_does_not_know_is_told(kafka: Kafka) -> None:
    with pytest.raises(ValueError, match="no such.option"):
        tell(kafka, [], options={"no such.option": "1"})


def test_options_may_be_numbers_and_flags_and_some_are_ours() -> None:
    given = {"linger.ms": 5, "socket.keepalive.enable": True, "sasl.password": "x"}
    topic = KafkaTopic.model_validate({"servers": "a:9092", "topic": "t", "options": given})
    assert {name: value.get_secret_value() for name, value in topic.options.items()} == {
        "linger.ms": "5", "socket.keepalive.enable": "true", "sasl.password": "x",
    }  # fmt: skip
    with pytest.raises(ValueError, match="'acks' is not set here: a message counts as told once all replicas"):
        KafkaTopic.model_validate({"servers": "a:9092", "topic": "t", "options": {"acks": "1"}})
