"""Does an engine apply each message of a stream once, whatever becomes of the server, the stream and other readers?"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import pytest
from nats.js import JetStreamContext
from tests.sources.conftest import bought, reading, state_of, until, until_taken

from parcours.journey.project import Project
from parcours.service.service import Service
from parcours.sources import nats_stream
from parcours.sources.nats import NatsSettings, NatsSource
from parcours.testing.doubles import NatsServer

T = TypeVar("T")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[NatsServer]:
    monkeypatch.setattr(nats_stream, "WAIT_S", 0.05)
    with NatsServer() as opened:
        do(opened, lambda stream: stream.add_stream(name="EVENTS", subjects=["events"]))
        yield opened


def do(server: NatsServer, what: Callable[[JetStreamContext], Awaitable[T]]) -> T:
    return server.do(lambda client: what(client.jetstream()))


def write(server: NatsServer, values: Sequence[bytes]) -> None:
    async def publish(stream: JetStreamContext) -> None:
        await asyncio.gather(*(stream.publish("events", value, timeout=20) for value in values))

    do(server, publish)


def source_of(server: NatsServer) -> NatsSource:
    return NatsSource(NatsSettings(url=server.url, stream=("EVENTS",)))


async def carts(service: Service, person: str = "anna") -> int:
    found = await service.profile(person)
    return 0 if found is None else found.counts["carts"]


async def until_carts(service: Service, number: int) -> None:
    async def applied() -> bool:
        return await carts(service) == number

    await until(applied, f"{number} carts are bought")


async def until_troubled(service: Service, words: str) -> None:
    async def told() -> bool:
        return any(words in trouble for trouble in await service.troubles())

    await until(told, f"the trouble is told: {words}")


def test_a_stream_is_read_to_its_end_and_on_as_it_grows(project: Project, server: NatsServer) -> None:
    async def backend() -> None:
        write(server, [bought("anna", f"c{number}") for number in range(100)])
        async with reading(project, "memory:", source_of(server)) as service:
            await until_taken(service, 100)
            write(server, [bought("anna", "more")])
            await until_carts(service, 101)
            await until_taken(service, 101)
            (partition,) = (await state_of(service)).partitions
            assert (partition.partition, partition.state, partition.position, partition.lag) == (
                "EVENTS", "reading", 102, 0,
            )  # fmt: skip
            assert await service.troubles() == []

    asyncio.run(backend())


def test_what_is_of_no_use_goes_aside_and_everybody_else_goes_on(project: Project, server: NatsServer) -> None:
    async def backend() -> None:
        write(server, [b"no JSON", b"\xff\x00", b"x" * (10 << 20), b"", bought("anna", "c")])
        async with reading(project, "memory:", source_of(server)) as service:
            await until_taken(service, 5)
            reasons = sorted(letter.reason.partition(": ")[0] for letter in await service.dead_letters())
            assert len(reasons) == 3
            assert all(reason.startswith("stream/EVENTS at offset ") for reason in reasons)
            assert (await state_of(service)).outcomes["ignored"] == 1
            assert await carts(service) == 1

    asyncio.run(backend())


def test_each_message_is_applied_once_though_the_server_is_killed_amid_reading(
    project: Project, server: NatsServer, tmp_path: Path
) -> None:
    number = 3_000

    async def backend() -> None:
        write(server, [bought("anna", f"c{cart}") for cart in range(number)])
        for taken in (500, 1_500, number):
            settings = {"batch_events_max": 20}
            async with reading(project, f"sqlite:///{tmp_path}/store", source_of(server), settings=settings) as service:

                async def some(taken: int = taken, service: Service = service) -> bool:
                    return await carts(service) >= taken

                await until(some, f"{taken} are taken")
                if taken < number:
                    server.kill()
                    await until_troubled(service, "source stream/EVENTS is not read")
                    server.start_again()
                    await until(lambda service=service: _untroubled(service), "it goes on")  # type: ignore[misc]
        async with reading(project, f"sqlite:///{tmp_path}/store", source_of(server)) as service:
            assert await carts(service) == number
            write(server, [bought("anna", "last")])
            await until_carts(service, number + 1)

    asyncio.run(backend())


async def _untroubled(service: Service) -> bool:
    return await service.troubles() == []


def test_two_engines_of_one_store_and_one_durable_apply_each_message_once(project: Project, server: NatsServer) -> None:
    async def backend() -> None:
        write(server, [bought("anna", f"c{cart}") for cart in range(500)])
        async with reading(project, "memory:", source_of(server), settings={"batch_events_max": 20}) as service:
            await until_taken(service, 100)
            other = Service.__new__(Service)  # another process would be attached to the same shards
            other._host, other._loop, other._closed = service._host, service._loop, False
            other._pumps = {}
            await other.read_source("stream", source_of(server))
            await until_carts(service, 500)

            async def stands_by() -> bool:
                return [each.state for each in (await state_of(service)).partitions] == ["standing by"]

            await until(stands_by, "the first one stands by")
            await other._end_sources()
            write(server, [bought("anna", "last")])
            await until_carts(service, 501)

    asyncio.run(backend())


def test_two_engines_of_two_stores_and_one_durable_each_apply_each_message_once(
    project: Project, server: NatsServer
) -> None:
    async def backend() -> None:
        write(server, [bought("anna", f"c{cart}") for cart in range(500)])
        small = {"batch_events_max": 20}
        async with (
            reading(project, "memory:", source_of(server), settings=small) as one,
            reading(project, "memory:", source_of(server), settings=small) as other,
        ):
            await until_carts(one, 500)
            await until_carts(other, 500)

    asyncio.run(backend())


def test_a_purge_of_what_was_not_read_is_the_operators_decision(
    project: Project, server: NatsServer, tmp_path: Path
) -> None:
    async def backend() -> None:
        write(server, [bought("anna", "c0"), bought("anna", "c1")])
        async with reading(project, f"sqlite:///{tmp_path}/store", source_of(server)) as service:
            await until_carts(service, 2)
        write(server, [bought("anna", f"c{cart}") for cart in range(2, 6)])
        do(server, lambda stream: stream.purge_stream("EVENTS", seq=6))
        async with reading(project, f"sqlite:///{tmp_path}/store", source_of(server)) as service:
            await until_troubled(service, "does not hold position 3; the oldest that there is: 6")
            assert await carts(service) == 2

            await service.move_source("stream", "EVENTS", 6)
            await until_carts(service, 3)
            await until(lambda: _untroubled(service), "it goes on")

    asyncio.run(backend())


def test_a_stream_that_is_deleted_is_a_trouble_and_a_new_one_is_another(
    project: Project, server: NatsServer, tmp_path: Path
) -> None:
    async def backend() -> None:
        write(server, [bought("anna", "c0")])
        async with reading(project, f"sqlite:///{tmp_path}/store", source_of(server)) as service:
            await until_carts(service, 1)
        async with reading(project, f"sqlite:///{tmp_path}/store", source_of(server)) as service:
            do(server, lambda stream: stream.delete_stream("EVENTS"))
            await until_troubled(service, "there is no stream EVENTS")
            do(server, lambda stream: stream.add_stream(name="EVENTS", subjects=["events"]))
            await until_troubled(service, "does not hold position 2; the oldest that there is: 1")

    asyncio.run(backend())


def test_an_event_may_be_a_cloud_event_whose_attributes_are_headers(project: Project, server: NatsServer) -> None:
    headers = {"ce-specversion": "1.0", "ce-id": "1", "ce-source": "/shop", "ce-type": "Bought", "ce-subject": "anna"}

    async def publish(stream: JetStreamContext) -> None:
        await stream.publish("events", b'{"cart":"c0"}', headers=headers)

    async def backend() -> None:
        do(server, publish)
        async with reading(project, "memory:", source_of(server)) as service:
            await until_carts(service, 1)

    asyncio.run(backend())
