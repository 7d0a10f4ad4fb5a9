"""Who reads what of a topic that processes share, and does each keep what it has when it is slow?"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from threading import Thread

import pytest
from tests.sources.conftest import until
from tests.sources.kafka_topics import Topic, lines_of, new_topic, reading

from parcours.source import SourceUnreachable
from parcours.sources import kafka_group
from parcours.sources.kafka import KafkaSource
from parcours.sources.kafka_group import KafkaGroup
from parcours.testing.doubles import Kafka

JOIN_GROUP, NOT_AUTHORISED = 11, 30

SOON_AGAIN = {"max.poll.interval.ms": 2_000}
"""Whom the mock cluster has thrown out while it waited for others, unheard, asks again three seconds after that."""


def has(source: KafkaSource, *counts: int) -> Callable[[], object]:
    """Whether the source has so many partitions."""

    async def has_them() -> bool:
        try:
            return len(await source.partitions()) in counts
        except SourceUnreachable:
            return False  # between two rounds

    return has_them


async def all_of(*sources: KafkaSource) -> list[str]:
    return sorted([each for source in sources for each in await source.partitions()])


def group_of(source: KafkaSource) -> KafkaGroup:
    assert source._clients is not None
    return source._clients[0]


def test_processes_of_a_group_share_the_partitions_and_take_over_from_one_that_leaves(kafka: Kafka) -> None:
    topic = new_topic(kafka, 4)

    async def share() -> None:
        async with reading(topic) as first:
            await until(has(first, 4), "the first one has all")
            async with reading(topic) as second:
                await until(has(second, 2), "the second one has half of them")
                await until(has(first, 2), "the first one has the other half")
                assert await all_of(first, second) == ["0", "1", "2", "3"]
            await until(has(first, 4), "the first one has all again")

    asyncio.run(share())


def test_one_more_process_than_there_are_partitions_reads_nothing_and_that_is_no_trouble(kafka: Kafka) -> None:
    topic = new_topic(kafka)

    async def share() -> None:
        async with reading(topic) as first, reading(topic) as second:

            async def dealt() -> bool:
                try:
                    return await all_of(first, second) == ["0"]
                except SourceUnreachable:
                    return False

            await until(dealt, "one of them has the partition")

    asyncio.run(share())


def test_whoever_asks_for_partitions_and_is_cancelled_does_not_go_on(kafka: Kafka) -> None:
    topic = new_topic(kafka)

    async def ask() -> None:
        async with reading(topic) as source:
            await until(has(source, 1), "the group has dealt out the partition")
            for steps in range(10):
                asking = asyncio.ensure_future(_asked_often(group_of(source)))
                for _ in range(steps):
                    await asyncio.sleep(0)
                asking.cancel()
                await asyncio.wait([asking])
                assert asking.cancelled(), f"after {steps} steps"

    asyncio.run(ask())


async def _asked_often(group: KafkaGroup) -> None:
    for _ in range(100):
        await group.partitions()
        await asyncio.sleep(0)


def test_a_partition_that_moves_is_fetched_no_more(kafka: Kafka) -> None:
    topic = new_topic(kafka, 2)
    for partition in range(2):
        topic.write([b"1", b"2"], partition)

    async def share() -> None:
        async with reading(topic) as first:
            await until(has(first, 2), "the first one has both")
            for partition in ("0", "1"):
                await lines_of(first, 2, 0, partition)
            assert first._clients is not None
            async with reading(topic) as second:
                await until(has(second, 1), "the second one has one")
                await until(has(first, 1), "the first one has the other")
                (kept,) = await first.partitions()
                (moved,) = await second.partitions()
                assert first._clients[1]._partitions.keys() == {int(kept)}
                assert [line.value for line in await lines_of(second, 1, 1, moved)] == [b"2"]

    asyncio.run(share())


def test_a_source_that_is_not_asked_for_anything_stays_in_its_group(
    kafka: Kafka, caplog: pytest.LogCaptureFixture
) -> None:
    topic = new_topic(kafka)
    options = {"max.poll.interval.ms": 500, "session.timeout.ms": 500}
    caplog.set_level(logging.INFO, "parcours")
    asked = 0

    def often() -> bool:
        nonlocal asked
        asked += 1
        return asked > 200  # each takes 5 ms: twice the interval goes by

    async def wait() -> None:
        async with reading(topic, options=options) as source:
            await until(has(source, 1), "it has the partition")
            await until(often, "nothing is asked of it for a while")
            assert await source.partitions() == ["0"]

    asyncio.run(wait())
    given = [each.getMessage() for each in caplog.records if "the group" in each.getMessage()]
    assert given[:1] == ["the group gives partitions [0]; they are now [0]"]
    assert not any("gone on without this process" in each for each in given), given


def test_a_process_that_does_not_get_on_is_left_behind_and_comes_back(kafka: Kafka) -> None:
    topic = new_topic(kafka)
    options = {"max.poll.interval.ms": 300, "session.timeout.ms": 300}

    async def hang() -> None:
        async with reading(topic, options=options) as source, reading(topic, options=SOON_AGAIN) as other:
            await until(has(source, 0, 1), "they share it")
            group = group_of(source)
            group._task.cancel()  # as if the loop hung
            await until(has(other, 1), "the other one has the partition")
            group._task = asyncio.ensure_future(group._keep_asking())
            await other.close()
            await until(has(source, 1), "it has the partition again")

    asyncio.run(hang())


def test_partitions_that_are_added_are_dealt_out_and_those_before_go_on(kafka: Kafka) -> None:
    topic = new_topic(kafka, 2)
    topic.write([b"1"])

    async def add() -> None:
        async with reading(topic) as source:
            await until(has(source, 2), "it has both")
            await lines_of(source, 1)
            kafka.delete(topic.name)  # the mock cluster adds none: it is made anew with the same lines
            kafka.create(topic.name, 3)
            topic.write([b"1", b"2"])
            topic.write([b"new"], 2)
            await until(has(source, 3), "it has the new one, too")
            while True:
                with suppress(SourceUnreachable):  # for a moment there was less than had been read
                    assert [line.value for line in await lines_of(source, 1, 1)] == [b"2"]
                    break
            assert [line.value for line in await lines_of(source, 1, None, "2")] == [b"new"]

    asyncio.run(add())


def test_a_group_that_does_not_let_this_process_in_is_a_trouble(kafka: Kafka, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kafka_group, "DEALT_WITHIN_S", 0.5)
    topic = new_topic(kafka)

    async def refuse() -> None:
        kafka.fail(JOIN_GROUP, [NOT_AUTHORISED] * 10_000)
        async with reading(topic) as source:
            with pytest.raises(SourceUnreachable, match="uthorization failed|not given this process"):
                await source.partitions()
            kafka.fail(JOIN_GROUP, [])
            await until(has(source, 1), "it is let in after all")

    asyncio.run(refuse())


def test_nothing_is_committed_to_the_group(kafka: Kafka) -> None:
    topic = new_topic(kafka)
    topic.write([b"1", b"2"])

    async def read() -> None:
        async with reading(topic) as source:
            await until(has(source, 1), "it has the partition")
            await lines_of(source, 2)
            assert source._clients is not None
            committed = source._clients[1]._consumer.committed(group_of(source)._consumer.assignment(), timeout=10)
            assert [each.offset for each in committed] == [-1001]  # none

    asyncio.run(read())


def test_a_topic_that_is_not_there_is_told_and_not_made(kafka: Kafka) -> None:
    topic = Topic(kafka, "not-there")

    async def ask() -> None:
        async with reading(topic) as source:
            for _ in range(2):
                with pytest.raises(SourceUnreachable, match="Kafka has no topic not-there"):
                    await source.partitions()

    asyncio.run(ask())


def test_a_member_that_is_closed_while_the_group_deals_leaves_it(kafka: Kafka, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kafka_group, "POLL_EVERY_S", 60)  # what it is given waits for it when it closes
    topic = new_topic(kafka)

    async def live(number: int) -> None:
        source = KafkaSource(topic.settings(group=f"closed-{number}"))
        await source.start()
        await asyncio.sleep(0.05 + number / 300)
        await source.close()

    for number in range(40):
        life = Thread(target=asyncio.run, args=[live(number)], daemon=True)
        life.start()
        life.join(30)
        assert not life.is_alive(), f"member {number} has not ended"
