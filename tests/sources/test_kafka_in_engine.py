"""Is each line of a topic applied once, and is what cannot be used set aside, while partitions move between readers?"""

from __future__ import annotations

import asyncio

import msgspec
from tests.sources.conftest import bought, reading, state_of, until, until_taken
from tests.sources.kafka_topics import new_topic

from parcours.journey.project import Project
from parcours.service.service import Service
from parcours.sources.kafka import KafkaSource
from parcours.testing.doubles import Kafka


def named(person: str, number: int) -> bytes:
    traits = {"email": f"{number}@b.example"}
    return msgspec.json.encode({"type": "identify", "userId": person, "traits": traits})


async def carts(service: Service, person: str) -> int:
    profile = await service.profile(person)
    return 0 if profile is None else profile.counts.get("carts", 0)


async def until_read_to(service: Service, position: int, partitions: int = 1) -> None:
    """Wait until each of so many partitions is read to there, and all of it is answered."""

    async def is_read() -> bool:
        found = (await state_of(service)).partitions
        return [(each.position, each.lag) for each in found] == [(position, 0)] * partitions

    await until(is_read, f"{partitions} partitions are read to {position}")


def attached_to(service: Service) -> Service:
    """What another process would have: its own readers, and the same shards."""
    other = Service.__new__(Service)
    other._host, other._loop, other._closed = service._host, service._loop, False
    other._pumps = {}
    return other


def test_what_cannot_be_used_is_set_aside_with_its_place_and_the_rest_goes_on(kafka: Kafka, project: Project) -> None:
    topic = new_topic(kafka)
    large = bought("anna", "x" * 4_000_000)  # the mock cluster holds no larger one
    topic.write([bought("anna", "c1"), b"no JSON", None, large, bought("anna", "c2")], timestamp_ms=1_700_000_000_000)

    async def backend() -> None:
        async with reading(project, "memory:", KafkaSource(topic.settings())) as service:
            await until_taken(service, 5)

            assert (await state_of(service)).outcomes == {
                "accepted": 2, "duplicate": 0, "ignored": 1, "set_aside": 2, "undeclared": 0
            }  # fmt: skip
            assert await carts(service, "anna") == 2
            reasons = sorted(each.reason for each in await service.dead_letters())
            assert [reason.partition(": ")[0] for reason in reasons] == [
                f"stream/0 at offset {offset}" for offset in (1, 3)
            ]
            assert "not a call" in reasons[0] and "event_bytes_max" in reasons[1], reasons

    asyncio.run(backend())


def test_of_two_readers_in_one_group_each_line_is_applied_once_and_in_its_order(kafka: Kafka, project: Project) -> None:
    topic = new_topic(kafka, 4)
    sent = 0

    def write(number: int) -> None:
        nonlocal sent
        for partition in range(4):
            person, carts = f"u{partition}", range(sent, sent + number)
            topic.write(
                [line for cart in carts for line in (named(person, cart), bought(person, f"c{cart}"))], partition
            )
        sent += number

    async def all_applied(service: Service) -> bool:
        people = [await service.profile(f"u{partition}") for partition in range(4)]
        return [(each.counts.get("carts", 0), each.traits.get("email")) for each in people if each is not None] == [
            (sent, f"{sent - 1}@b.example")
        ] * 4  # what came last is what holds

    async def backend() -> None:
        async with reading(project, "memory:", KafkaSource(topic.settings())) as service:
            write(100)
            await until(lambda: all_applied(service), "the first one has read all")
            other = attached_to(service)
            await other.read_source("stream", KafkaSource(topic.settings()))
            write(100)

            async def shared() -> bool:
                return [len((await state_of(each)).partitions) for each in (service, other)] == [2, 2]

            await until(shared, "they share the partitions")
            write(100)
            await until(lambda: all_applied(service), "both have read all")
            await other._end_sources()
            write(100)
            await until(lambda: all_applied(service), "the first one has read all again")
            await until_read_to(service, 2 * sent, partitions=4)
            assert await all_applied(service)
            assert await service.troubles() == []

    asyncio.run(backend())


def test_a_topic_that_vanishes_is_a_trouble_and_goes_on_when_it_is_back(kafka: Kafka, project: Project) -> None:
    topic = new_topic(kafka)
    topic.write([bought("anna", "c1")])

    async def told(service: Service) -> bool:
        return any("Kafka has no topic" in each for each in await service.troubles())

    async def backend() -> None:
        async with reading(project, "memory:", KafkaSource(topic.settings())) as service:
            await until_taken(service, 1)
            kafka.delete(topic.name)
            await until(lambda: told(service), "the trouble is told")
            kafka.create(topic.name)
            topic.write([bought("anna", "c1"), bought("anna", "c2")])
            await until_read_to(service, 2)
            assert await carts(service, "anna") == 2

    asyncio.run(backend())


def test_lines_that_the_log_has_forgotten_are_a_trouble_until_somebody_decides(
    kafka: Kafka, project: Project, tmp_path: object
) -> None:
    topic = new_topic(kafka)
    topic.write([bought("anna", f"c{number}") for number in range(3)])
    store = f"sqlite:///{tmp_path}/store"

    async def told(service: Service) -> bool:
        says = "the log does not hold position 3; the oldest that there is: 5"
        return any(says in each for each in await service.troubles())

    async def backend() -> None:
        async with reading(project, store, KafkaSource(topic.settings())) as service:
            await until_taken(service, 3)
        topic.write([bought("anna", f"c{number}") for number in range(3, 7)])
        kafka.forget(topic.name, 0, 5)
        async with reading(project, store, KafkaSource(topic.settings())) as service:
            await until(lambda: told(service), "the trouble is told")
            assert await carts(service, "anna") == 3
            await service.move_source("stream", "0", 5)
            await until_taken(service, 2)
            assert await carts(service, "anna") == 5

    asyncio.run(backend())
