"""Facts in a topic of Kafka and in a stream of NATS JetStream: all of them, and those of a person in order."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from confluent_kafka import KafkaError, Message
from tests.logs import add_stream, stream_messages, topic_messages

from parcours.channel import Accepted, Ambiguous, NotSent, Receipt, Refused
from parcours.destination import FactRow, FactsRefused
from parcours.destinations import kafka_producer
from parcours.destinations.fact_messages import publish_in_rounds
from parcours.destinations.kafka import KafkaDestination
from parcours.destinations.kafka_producer import KafkaTopic
from parcours.destinations.message import Message as ToSend
from parcours.destinations.nats import NatsDestination
from parcours.testing.contracts import FactsDestinationContract
from parcours.testing.doubles import Kafka, NatsServer
from parcours.testing.facts_contract import fact

PRODUCE = 0
PARTITIONS = 3


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kafka_producer, "TOPIC_KNOWN_S", 1.0)


def header(message: Message, name: str) -> str:
    """What a message of Kafka's says of itself."""
    text = dict(message.headers() or ())[name]
    assert isinstance(text, bytes)
    return text.decode()


class TestKafka(FactsDestinationContract[Kafka]):
    destination = KafkaDestination

    @contextmanager
    def other(self) -> Iterator[Kafka]:
        with Kafka() as kafka:
            kafka.create("facts", PARTITIONS)
            yield kafka

    def settings(self, other: Kafka) -> dict[str, Any]:
        return {"servers": other.servers, "topic": "facts"}

    def taken(self, other: Kafka) -> list[tuple[str, bytes]]:
        held = topic_messages(other, "facts", PARTITIONS)
        return [(header(message, "id"), message.value() or b"") for message in held]

    def cut_off(self, other: Kafka) -> Any:
        return other.away()

    def too_long(self, other: Kafka) -> int:
        return 2_000_000


class TestNats(FactsDestinationContract[NatsServer]):
    destination = NatsDestination

    @contextmanager
    def other(self) -> Iterator[NatsServer]:
        with NatsServer() as server:
            add_stream(server, "FACTS", "facts", max_msg_size=2_000)
            yield server

    def settings(self, other: NatsServer) -> dict[str, Any]:
        return {"url": other.url, "subject": "facts"}

    def taken(self, other: NatsServer) -> list[tuple[str, bytes]]:
        return [(headers["Nats-Msg-Id"], value) for value, headers in stream_messages(other, "FACTS")]

    def cut_off(self, other: NatsServer) -> Any:
        return other.away()

    def too_long(self, other: NatsServer) -> int:
        return 3_000

    def recognises(self) -> bool:
        return True


def test_a_fact_lies_under_its_person_and_that_of_nobody_under_no_key() -> None:
    with Kafka() as kafka:
        kafka.create("facts", 1)
        TestKafka().publish(kafka, [fact(1, "anna"), fact(2, "")])
        held = topic_messages(kafka, "facts")

    told = [(message.key(), header(message, "id"), header(message, "table")) for message in held]
    assert told == [(b"anna", fact(1).id, "moves"), (None, fact(2).id, "moves")]


def test_a_broker_that_answers_with_an_error_leaves_no_gap_in_what_a_person_has_there() -> None:
    facts = [fact(number, "anna") for number in range(6)]
    with Kafka() as kafka:
        kafka.create("facts", 1)

        async def hand_over() -> None:
            opened = KafkaDestination(KafkaTopic(servers=kafka.servers, topic="facts"))
            await opened.start()
            try:
                await opened.publish(facts[:2])
                kafka.fail(PRODUCE, [KafkaError.TOPIC_AUTHORIZATION_FAILED])
                await opened.publish(facts)
            finally:
                await opened.stop()

        with pytest.raises(ConnectionError):
            asyncio.run(hand_over())
        TestKafka().publish(kafka, facts)
        held = [header(message, "id") for message in topic_messages(kafka, "facts")]

    assert list(dict.fromkeys(held)) == [each.id for each in facts]


class Log:
    """Takes messages, but for those to which it has another answer."""

    def __init__(self, **otherwise: Receipt) -> None:
        self.otherwise = otherwise
        self.rounds: list[list[str]] = []

    async def send(self, messages: Sequence[ToSend]) -> list[Receipt]:
        self.rounds.append([message.id for message in messages])
        return [self.otherwise.get(message.id, Accepted(message.id)) for message in messages]


def row(name: str) -> FactRow:
    """A fact of whoever the first letter names; "-" is nobody."""
    return FactRow(name, "moves", name[0].replace("-", ""), b"{}")


def test_each_round_has_one_fact_of_every_person_and_all_of_nobody() -> None:
    log = Log()
    asyncio.run(publish_in_rounds(log.send, [row(name) for name in ("a1", "b1", "a2", "-1", "a3", "-2", "b2")]))
    assert log.rounds == [["a1", "b1", "-1", "-2"], ["a2", "b2"], ["a3"]]


@pytest.mark.parametrize("answer", [NotSent("a2", "gone"), Ambiguous("a2", "gone")])
def test_nothing_leaves_behind_what_may_not_have_arrived(answer: Receipt) -> None:
    log = Log(a2=answer)
    with pytest.raises(ConnectionError, match="gone"):
        asyncio.run(publish_in_rounds(log.send, [row(name) for name in ("a1", "a2", "a3")]))
    assert log.rounds == [["a1"], ["a2"]]


def test_what_is_refused_holds_up_nobody() -> None:
    log = Log(a2=Refused("a2", "too long"))
    with pytest.raises(FactsRefused) as refused:
        asyncio.run(publish_in_rounds(log.send, [row(name) for name in ("a1", "a2", "a3")]))
    assert log.rounds == [["a1"], ["a2"], ["a3"]]
    assert refused.value.reasons == {"a2": "too long"}
