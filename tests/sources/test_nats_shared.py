"""Does each of those that read a stream of NATS by one durable consumer get all of it, and nothing else?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from nats.js import JetStreamContext
from tests.sources.nats_streams import Streams, live, offsets, to_the_end

from parcours.source import Line, SourceUnreachable
from parcours.sources import nats_stream
from parcours.sources.nats import NatsSettings, NatsSource
from parcours.testing.doubles import NatsServer


@pytest.fixture
def streams(server: NatsServer, monkeypatch: pytest.MonkeyPatch) -> Streams:
    monkeypatch.setattr(nats_stream, "WAIT_S", 0.05)
    return Streams(server)


@pytest.fixture(scope="module")
def server() -> Iterator[NatsServer]:
    with NatsServer() as opened:
        yield opened


def test_two_that_share_a_durable_each_read_all(streams: Streams) -> None:
    name = streams.write([b"%d" % number for number in range(60)])

    async def read(one: NatsSource) -> None:
        other = NatsSource(NatsSettings.model_validate(streams.settings()))
        positions: dict[NatsSource, int | None] = {one: None, other: None}
        lines: dict[NatsSource, list[Line]] = {one: [], other: []}
        for turn in range(60):
            source = (one, other)[turn % 7 in (0, 2, 3)]
            got = await source.read(name, positions[source], 3)
            positions[source] = got.position
            lines[source] += got.lines
        await other.close()
        for got_lines in lines.values():
            assert len(got_lines) > 30
            assert offsets(got_lines) == list(range(1, len(got_lines) + 1))

    live(streams.settings(), read)


def test_what_somebody_else_reads_by_the_durable_is_not_taken_for_what_the_subjects_name(streams: Streams) -> None:
    name = streams.write([])
    for subject in ("orders", "clicks", "orders", "clicks"):
        streams.write([subject.encode()], subject=subject)

    async def read(orders: NatsSource) -> list[int]:
        everything = NatsSource(NatsSettings.model_validate(streams.settings()))
        first = await orders.read(name, None, 1)
        assert offsets((await everything.read(name, None, 1)).lines) == [1]
        second = await orders.read(name, first.position, 1)
        await everything.close()
        return [*offsets(first.lines), *offsets(second.lines)]

    assert live(streams.settings(subjects=f"{name}.orders"), read) == [1, 3]


def test_what_somebody_else_takes_from_the_consumer_is_not_missing(streams: Streams) -> None:
    name = streams.write([b"%d" % number for number in range(10)])
    streams.do(lambda stream: stream.delete_msg(name, 5))

    async def take(stream: JetStreamContext) -> None:
        await (await stream.pull_subscribe_bind("parcours", name)).fetch(3)

    async def read(source: NatsSource) -> list[int]:
        first = await source.read(name, None, 2)
        streams.do(take)
        return [*offsets(first.lines), *offsets(await to_the_end(source, name, first.position))]

    assert live(streams.settings(), read) == [1, 2, 3, 4, 6, 7, 8, 9, 10]


def test_nothing_is_left_though_somebody_else_has_taken_all(streams: Streams) -> None:
    name = streams.write([b"%d" % number for number in range(5)])

    async def take(stream: JetStreamContext) -> None:
        await (await stream.pull_subscribe_bind("parcours", name)).fetch(10)

    async def read(source: NatsSource) -> list[int]:
        first = await source.read(name, None, 2)
        streams.do(take)
        return offsets((await source.read(name, first.position, 10)).lines)

    assert live(streams.settings(), read) == [3, 4, 5]


def test_who_is_never_left_alone_with_a_durable_is_told(streams: Streams, monkeypatch: pytest.MonkeyPatch) -> None:
    name = streams.write([b"1", b"2"])
    created = nats_stream.NatsStream._create

    async def create(self: nats_stream.NatsStream, position: int) -> dict[str, Any]:
        made = await created(self, position)
        streams.do(lambda stream: stream.delete_consumer(name, "parcours"))
        return made

    monkeypatch.setattr(nats_stream.NatsStream, "_create", create)

    async def read(source: NatsSource) -> None:
        with pytest.raises(SourceUnreachable, match="somebody else reads by the consumer"):
            await source.read(name, None, 10)

    live(streams.settings(), read)


def test_a_consumer_that_is_somebody_elses_is_left_alone(streams: Streams) -> None:
    name = streams.write([b"1"])
    streams.do(lambda stream: stream.add_consumer(name, durable_name="orders"))

    async def read(source: NatsSource) -> None:
        with pytest.raises(SourceUnreachable, match="is not ours"):
            await source.read(name, None, 10)

    live(streams.settings(durable="orders"), read)
    assert streams.do(lambda stream: stream.consumer_info(name, "orders")).num_pending == 1
