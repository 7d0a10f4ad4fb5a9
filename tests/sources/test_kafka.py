"""Does Kafka pass the contract suite of sources, and what does a topic have that other logs do not?"""

from __future__ import annotations

import asyncio
import unittest
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from random import Random
from typing import Any, ClassVar

import pytest
from confluent_kafka import Consumer, KafkaError
from tests.sources.kafka_topics import Topic, lines_of, new_topic, reading

from parcours.source import Line, PartitionGone, PositionOutOfRange, Read, Source, SourceUnreachable
from parcours.sources import kafka_reader
from parcours.sources.kafka import KafkaSource
from parcours.testing.doubles import Kafka
from parcours.testing.source_contract import SourceContract

FETCH, NOT_AUTHORISED = 1, 29


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
        yield new_topic(self.kafka, 2)

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

    def test_a_time_leads_to_the_first_line_that_is_not_before_it(self) -> None:
        raise unittest.SkipTest("a mock cluster finds no offsets by their times: test_kafka_times.py")


@pytest.fixture
def topic(kafka: Kafka) -> Topic:
    return new_topic(kafka)


def numbered(numbers: range) -> list[bytes]:
    return [b"%d" % number for number in numbers]


async def raised(kind: type[Exception], call: Callable[[], Awaitable[object]]) -> str:
    """What the error says that comes sooner or later."""
    for _ in range(200):
        try:
            await call()
        except kind as error:
            return str(error)
    raise AssertionError(f"no {kind.__name__} is raised")


def test_a_line_has_its_key_its_headers_and_the_time_of_the_log(topic: Topic) -> None:
    topic.write([b"1", None], key=b"anna", headers=[("h", b"1"), ("h", b"2")], timestamp_ms=1_700_000_000_123)

    async def read() -> list[Line]:
        async with reading(topic) as source:
            return await lines_of(source, 2)

    told = b"anna", [("h", b"1"), ("h", b"2")], 1_700_000_000_123
    assert asyncio.run(read()) == [Line(0, b"1", *told), Line(1, None, *told)]


def test_a_header_whose_name_is_no_text_makes_a_line_unusable() -> None:
    class Poison:
        """What librdkafka has of such a message; no producer of Python's writes one."""

        def headers(self) -> None:
            b"\xff".decode()

        def timestamp(self) -> tuple[int, int]:
            return 0, -1

        def offset(self) -> int:
            return 7

        def value(self) -> bytes:
            return b"{}"

        def key(self) -> None:
            return None

    line = kafka_reader._line(Poison())

    assert line == Line(7, b"{}", None, (), None, "the name of a header is no UTF-8")


def test_a_large_message_is_read_as_the_others_are(topic: Topic) -> None:
    large = b"x" * 4_000_000  # a partition of the mock cluster holds no larger one
    writer = topic.kafka.producer()
    for value in (b"1", large, b"3"):
        writer.produce(topic.name, value, partition=0)
        assert writer.flush(20) == 0

    async def read() -> list[Line]:
        async with reading(topic, options={"fetch.message.max.bytes": 100_000}) as source:
            return await lines_of(source, 3)

    assert [line.value for line in asyncio.run(read())] == [b"1", large, b"3"]


def _is_end(message: Any) -> bool:
    error = message.error()
    return error is not None and error.code() == KafkaError._PARTITION_EOF


def test_the_mark_of_a_transaction_at_the_end_is_no_lag(topic: Topic, monkeypatch: pytest.MonkeyPatch) -> None:
    class Marked(Consumer):
        """Reads as if a mark lay behind the last line: the mock cluster writes none."""

        def consume(self, *limits: Any) -> list[Any]:
            return [End() if _is_end(each) else each for each in super().consume(*limits)]

    class End:
        def error(self) -> KafkaError:
            return KafkaError(KafkaError._PARTITION_EOF)

        def partition(self) -> int:
            return 0

        def offset(self) -> int:
            return 2

    monkeypatch.setattr(kafka_reader, "Consumer", Marked)
    topic.write([b"1"])

    async def read() -> Read:
        async with reading(topic) as source:
            await lines_of(source, 1)
            return await source.read("0", 1, 10)

    assert asyncio.run(read()) == Read([], 2, lag=0)
    assert topic.settings().of_client()["isolation.level"] == "read_committed"


def test_what_was_never_read_begins_behind_the_newest_line_where_the_settings_say_so(topic: Topic) -> None:
    topic.write(numbered(range(5)))

    async def read() -> list[Line]:
        async with reading(topic, **{"from": "latest"}) as source:
            position = (await source.read("0", None, 10)).position
            topic.write([b"new"])
            assert [line.value for line in await lines_of(source, 6, 0)] == [*numbered(range(5)), b"new"]
            return await lines_of(source, 1, position)

    assert [(line.offset, line.value) for line in asyncio.run(read())] == [(5, b"new")]


@pytest.mark.parametrize("seed", range(2))
def test_from_whatever_position_and_in_whatever_steps_each_line_comes_once(
    kafka: Kafka, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr(kafka_reader, "FETCHED_MAX", 40)
    monkeypatch.setattr(kafka_reader, "KEPT_LINES_MAX", 20)  # so that partitions are paused all the time
    topic, lines, chance = new_topic(kafka, 3), 1_000, Random(seed)
    for partition in range(3):
        topic.write(numbered(range(lines)), partition)

    async def read(source: KafkaSource, partition: str) -> None:
        position = 0
        while position < lines:
            if chance.random() < 0.03:
                position = chance.randrange(position + 1)
            came = await source.read(partition, position, chance.randint(1, 100))
            assert [line.value for line in came.lines] == numbered(range(position, position + len(came.lines)))
            assert came.lag is None or came.lag == lines - came.position
            position = came.position

    async def side_by_side() -> None:
        async with reading(topic, options={"fetch.wait.max.ms": 5}) as source:
            await asyncio.gather(*(read(source, str(partition)) for partition in range(3)))

    asyncio.run(side_by_side())


def test_of_a_partition_that_nobody_asks_for_no_more_is_kept_than_may_be(
    kafka: Kafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kafka_reader, "FETCHED_MAX", 100)
    monkeypatch.setattr(kafka_reader, "KEPT_BYTES_MAX", 2 * 50_000)
    topic = new_topic(kafka, 2)
    for partition in range(2):
        topic.write([b"x" * 1_000] * 2_000, partition)

    async def read() -> tuple[int, int]:
        async with reading(topic) as source:
            await source.read("1", 0, 1)
            await lines_of(source, 2_000)
            assert source._clients is not None
            kept = source._clients[1]._partitions[1]
            at_most = len(kept.lines)
            return at_most, len(await lines_of(source, 1_999, 1, "1"))

    kept, came = asyncio.run(read())
    assert 0 < kept <= 100 + 100, "what one alone may keep, and what was under way"
    assert came == 1_999


def test_lines_that_are_forgotten_while_it_reads_are_told_and_not_skipped(
    topic: Topic, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kafka_reader, "FETCHED_MAX", 1)
    monkeypatch.setattr(kafka_reader, "KEPT_LINES_MAX", 0)  # so that it is paused after its first line
    topic.write(numbered(range(10)))

    async def read() -> None:
        async with reading(topic) as source:
            while not (first := (await source.read("0", 0, 1)).lines):
                pass  # it has not been fetched yet
            assert [line.value for line in first] == [b"0"]
            topic.kafka.forget(topic.name, 0, 5)
            position = 1

            async def on() -> None:
                nonlocal position
                came = await source.read("0", position, 1)
                assert [line.value for line in came.lines] == numbered(range(position, came.position))
                position = came.position

            told = await raised(PositionOutOfRange, on)
            assert told == f"the log does not hold position {position}; the oldest that there is: 5"
            assert position < 5
            assert [line.offset for line in await lines_of(source, 5, 5)] == [5, 6, 7, 8, 9]

    asyncio.run(read())


def test_a_topic_that_vanishes_is_gone_and_goes_on_where_it_was_once_it_is_back(topic: Topic) -> None:
    topic.write(numbered(range(3)))

    async def read() -> list[Line]:
        async with reading(topic) as source:
            await lines_of(source, 3)
            topic.kafka.delete(topic.name)
            assert "has no topic" in await raised(SourceUnreachable, source.partitions)
            assert "has no topic" in await raised(PartitionGone, lambda: source.read("0", 3, 10))

            topic.kafka.create(topic.name)
            topic.write(numbered(range(5)))
            return await lines_of(source, 2, 3)

    assert [line.value for line in asyncio.run(read())] == [b"3", b"4"]


def test_a_topic_that_is_made_anew_and_shorter_is_out_of_range(topic: Topic) -> None:
    topic.write(numbered(range(3)))

    async def read() -> None:
        async with reading(topic) as source:
            await lines_of(source, 3)
            topic.kafka.delete(topic.name)
            await raised(SourceUnreachable, source.partitions)
            topic.kafka.create(topic.name)
            assert "the oldest that there is: 0" in await raised(PositionOutOfRange, lambda: source.read("0", 3, 10))

    asyncio.run(read())


def test_what_a_broker_refuses_is_told_in_its_words_and_reading_goes_on_once_it_does_not(topic: Topic) -> None:
    async def read() -> list[Line]:
        async with reading(topic) as source:
            await source.read("0", 0, 10)
            topic.kafka.fail(FETCH, [NOT_AUTHORISED] * 10_000)  # a single one may meet the member of the group
            said = await raised(SourceUnreachable, lambda: source.read("0", 0, 10))
            assert "uthorization failed" in said
            topic.kafka.fail(FETCH, [])
            topic.write([b"1"])
            return await lines_of(source, 1, 0)

    assert [line.value for line in asyncio.run(read())] == [b"1"]


def test_brokers_that_go_away_while_it_reads_are_told_and_reading_goes_on(topic: Topic) -> None:
    topic.write([b"1"])

    async def read() -> list[Line]:
        async with reading(topic) as source:
            await lines_of(source, 1)
            with topic.kafka.away():
                said = await raised(SourceUnreachable, lambda: source.read("0", 1, 10))
                assert "Connect to" in said or "Disconnected" in said or "brokers are down" in said, said
            topic.write([b"2"])
            return await lines_of(source, 1, 1)

    assert [line.value for line in asyncio.run(read())] == [b"2"]


def test_a_login_that_is_not_taken_is_told_in_the_words_of_the_client(topic: Topic) -> None:
    login = {"security.protocol": "sasl_plaintext", "sasl.mechanism": "PLAIN", "sasl.username": "u"}

    async def ask() -> str:
        async with reading(topic, options={**login, "sasl.password": "p"}) as source:
            return await raised(SourceUnreachable, source.partitions)

    assert "SASL" in asyncio.run(ask())


def test_options_that_do_not_go_together_are_told(topic: Topic) -> None:
    async def start() -> None:
        with pytest.raises(SourceUnreachable, match="does not take these options: .*max.poll.interval.ms"):
            await KafkaSource(topic.settings(options={"max.poll.interval.ms": "10"})).start()

    asyncio.run(start())


def test_a_partition_is_begun_while_a_fetch_of_others_waits(kafka: Kafka) -> None:
    topic = new_topic(kafka, 2)
    topic.write([b"1"])

    async def read() -> Read:
        async with reading(topic, options={"fetch.wait.max.ms": 20_000}) as source:
            await lines_of(source, 1)
            assert await source.read("0", 1, 10) == Read([], 1, lag=0)  # and on for twenty seconds
            return await source.read("1", None, 10)

    assert asyncio.run(read()).position == 0


def test_clients_that_are_done_for_are_made_anew(topic: Topic) -> None:
    topic.write([b"1"])
    fatal = KafkaError(KafkaError._FATAL, "this client is done for", fatal=True)

    async def read() -> list[Line]:
        async with reading(topic) as source:
            await lines_of(source, 1)
            assert source._clients is not None
            clients = source._clients
            clients[1]._hear(fatal)  # as librdkafka does; the mock cluster knows no way to make it
            said = await raised(SourceUnreachable, lambda: clients[1].read(0, 1, 10))
            assert said == "this client is done for"
            came = await lines_of(source, 1)
            assert source._clients[0] is not clients[0]
            assert source._clients[1] is not clients[1]
            return came

    assert [line.value for line in asyncio.run(read())] == [b"1"]


def test_a_partition_that_is_no_number_is_gone(topic: Topic) -> None:
    async def read() -> None:
        async with reading(topic) as source:
            assert "'orders' is none" in await raised(PartitionGone, lambda: source.read("orders", 0, 10))
            assert "has no partition 9" in await raised(PartitionGone, lambda: source.read("9", 0, 10))

    asyncio.run(read())
