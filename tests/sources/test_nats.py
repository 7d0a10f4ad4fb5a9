"""Is a stream of NATS JetStream read line by line, whatever happens to it, to its consumer and to the server?"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, ClassVar

import pytest
from nats.js import JetStreamContext
from tests.sources.nats_streams import Streams, live, offsets, to_the_end

from parcours import nats_connection
from parcours.source import Line, PartitionGone, PositionOutOfRange, Read, Source, SourceUnreachable
from parcours.sources import nats_stream
from parcours.sources.nats import NatsSettings, NatsSource
from parcours.testing.doubles import NatsServer
from parcours.testing.source_contract import SourceContract


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nats_stream, "WAIT_S", 0.05)


@pytest.fixture(scope="module")
def server() -> Iterator[NatsServer]:
    with NatsServer() as opened:
        yield opened


@pytest.fixture
def streams(server: NatsServer) -> Streams:
    return Streams(server)


class TestNatsSource(SourceContract[Streams]):
    source: ClassVar[type[Source]] = NatsSource
    entry_point = "nats"
    server: NatsServer

    @pytest.fixture(autouse=True)
    def _one_for_all(self, server: NatsServer) -> None:
        self.server = server

    @contextmanager
    def broker(self) -> Iterator[Streams]:
        yield Streams(self.server)

    def settings(self, broker: Streams) -> dict[str, Any]:
        return broker.settings()

    def write(self, broker: Streams, values: Sequence[bytes], partition: int = 0) -> str:
        return broker.write(values, partition)

    def cut_off(self, broker: Streams) -> AbstractContextManager[None]:
        return broker.server.away()

    def remove(self, broker: Streams, partition: str) -> None:
        broker.do(lambda stream: stream.delete_stream(partition))

    def forget(self, broker: Streams, partition: str, position: int) -> None:
        broker.do(lambda stream: stream.purge_stream(partition, seq=position))


def test_a_line_has_its_subject_as_key_its_headers_and_its_time(streams: Streams) -> None:
    name = streams.write([])

    async def publish(stream: JetStreamContext) -> int:
        await stream.publish(f"{name}.orders", b"{}", headers={"shop": "Zürich", "Status": "404"})
        await stream.publish(f"{name}.orders", b"")
        return int((await stream.get_msg(name, 1)).time.timestamp() * 1_000)  # type: ignore[union-attr]

    time_ms = streams.do(publish)
    first, gone = live(streams.settings(), lambda source: to_the_end(source, name))

    assert first == Line(
        1, b"{}", f"{name}.orders".encode(), [("shop", "Zürich".encode()), ("Status", b"404")], time_ms
    )
    assert gone.value is None


def test_what_was_deleted_inside_is_no_gap(streams: Streams) -> None:
    name = streams.write([b"%d" % number for number in range(8)])

    async def delete(stream: JetStreamContext) -> None:
        for sequence in (3, 4, 6):
            await stream.delete_msg(name, sequence)

    streams.do(delete)
    for most in (1, 2, 1_000):
        lines = live(streams.settings(), lambda source, most=most: to_the_end(source, name, None, most))  # type: ignore[misc]
        assert offsets(lines) == [1, 2, 5, 7, 8]
    assert offsets(live(streams.settings(), lambda source: to_the_end(source, name, 4))) == [5, 7, 8]


def test_of_subjects_only_those_are_read_that_are_asked_for_and_the_position_passes_the_others(
    streams: Streams,
) -> None:
    name = streams.write([b"1"], subject="orders.new")
    streams.write([b"2", b"3"], subject="clicks")
    streams.write([b"4"], subject="orders.paid")
    streams.write([b"5", b"6"], subject="clicks")

    async def read(source: NatsSource) -> tuple[Read, Read, Read]:
        first = await source.read(name, None, 1)
        second = await source.read(name, first.position, 1)
        return first, second, await source.read(name, second.position, 1)

    for subjects in (f"{name}.orders.>", [f"{name}.orders.new", f"{name}.orders.paid"]):
        first, second, last = live(streams.settings(subjects=subjects), read)
        assert [(offsets(each.lines), each.position, each.lag) for each in (first, second, last)] == [
            ([1], 2, 1),
            ([4], 5, 0),
            ([], 7, 0),
        ]


def test_what_is_purged_while_it_is_read_is_never_passed_over(streams: Streams) -> None:
    name = streams.write([b"%d" % number for number in range(10)])

    async def read(source: NatsSource) -> PositionOutOfRange:
        assert offsets((await source.read(name, None, 2)).lines) == [1, 2]
        streams.do(lambda stream: stream.purge_stream(name, seq=6))
        with pytest.raises(PositionOutOfRange) as told:
            await source.read(name, 3, 2)
        with pytest.raises(PositionOutOfRange):
            await source.read(name, 3, 2)
        assert offsets(await to_the_end(source, name, 6)) == [6, 7, 8, 9, 10]
        streams.do(lambda stream: stream.purge_stream(name))
        assert (await source.read(name, 11, 2)).position == 11, "all that was purged had been read"
        return told.value

    error = live(streams.settings(), read)
    assert (error.position, error.first) == (3, 6)


def test_what_a_purge_leaves_before_the_gap_is_read(streams: Streams, monkeypatch: pytest.MonkeyPatch) -> None:
    """The stream forgets between a pull and the look at what it has: nobody can say any more what the gap was."""
    name = streams.write([b"%d" % number for number in range(6)])
    streams.do(lambda stream: stream.delete_msg(name, 3))
    told = nats_stream.NatsStream._told

    async def told_later(self: Any, consumer: Any) -> Any:
        streams.do(lambda stream: stream.purge_stream(name, seq=6))
        return await told(self, consumer)

    async def read(source: NatsSource) -> list[int]:
        monkeypatch.setattr(nats_stream.NatsStream, "_told", told_later)
        got = await source.read(name, 1, 10)
        assert (got.position, got.lag) == (3, 3)
        with pytest.raises(PositionOutOfRange):
            await source.read(name, got.position, 10)
        return offsets(got.lines)

    assert live(streams.settings(), read) == [1, 2]


def test_a_stream_that_is_deleted_amid_reading_is_gone_and_a_new_one_is_another(streams: Streams) -> None:
    name = streams.write([b"1", b"2", b"3"])

    async def read(source: NatsSource) -> None:
        assert (await source.read(name, None, 10)).position == 4
        streams.do(lambda stream: stream.delete_stream(name))
        with pytest.raises(PartitionGone, match=f"there is no stream {name}"):
            await source.read(name, 4, 10)
        streams.write([b"new"])
        with pytest.raises(PositionOutOfRange):
            await source.read(name, 4, 10)
        assert offsets((await source.read(name, 0, 10)).lines) == [1]

    live(streams.settings(), read)


def test_the_consumer_tells_operators_how_far_the_stream_is_read(streams: Streams) -> None:
    name = streams.write([b"1", b"2", b"3"])
    live(streams.settings(durable="shop"), lambda source: source.read(name, None, 2))

    told = streams.do(lambda stream: stream.consumer_info(name, "shop"))

    assert (told.delivered.stream_seq, told.num_pending) == (2, 1)


@pytest.mark.parametrize("retention", ["workqueue", "interest"])
def test_a_stream_that_deletes_what_is_read_is_not_read(streams: Streams, retention: str) -> None:
    name = streams.write([b"1"], retention=retention)

    async def read(source: NatsSource) -> None:
        with pytest.raises(SourceUnreachable, match=f"by its retention {retention}"):
            await source.read(name, None, 10)

    live(streams.settings(), read)


def test_what_has_never_been_read_is_begun_at_the_end_where_the_settings_say_so(streams: Streams) -> None:
    name = streams.write([b"1", b"2"])

    async def read(source: NatsSource) -> list[int]:
        begin = await source.read(name, None, 10)
        streams.write([b"3"])
        return [begin.position, *offsets((await source.read(name, begin.position, 10)).lines)]

    assert live(streams.settings(**{"from": "latest"}), read) == [3, 3]


def test_a_reading_is_bounded_in_bytes_and_one_message_may_be_longer(
    streams: Streams, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nats_stream, "PULLED_BYTES_MAX", 100_000)
    values = [b"x" * size for size in (60_000, 30_000, 30_000, 10 << 20, 5)]
    name = streams.write(values)

    async def read(source: NatsSource) -> list[list[int]]:
        reads = [await source.read(name, None, 10)]
        while reads[-1].lines:
            reads.append(await source.read(name, reads[-1].position, 10))
        assert [line.value for each in reads for line in each.lines] == values
        return [offsets(each.lines) for each in reads]

    assert live(streams.settings(), read) == [[1, 2], [3], [4], [5], []]


def test_a_reading_that_is_cancelled_loses_nothing(streams: Streams) -> None:
    name = streams.write([b"%d" % number for number in range(2_000)])

    async def read(source: NatsSource) -> list[int]:
        position: int | None = None
        for pause in range(40):
            reading = asyncio.ensure_future(source.read(name, position, 100))
            for _ in range(pause):
                await asyncio.sleep(0)
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
        return offsets(await to_the_end(source, name, position, 500))

    assert live(streams.settings(), read) == list(range(1, 2_001))


def test_a_server_that_is_killed_amid_reading_is_read_on_where_it_was(streams: Streams) -> None:
    name = streams.write([b"%d" % number for number in range(300)])

    async def read(source: NatsSource) -> list[int]:
        lines: list[Line] = []
        position: int | None = None
        for number in range(30):
            if number % 5 == 4:
                streams.server.kill()
                with pytest.raises(SourceUnreachable):
                    await source.read(name, position, 10)
                streams.server.start_again()
            got = await source.read(name, position, 10)
            lines += got.lines
            position = got.position
        return offsets(lines)

    assert live(streams.settings(), read) == list(range(1, 301))


def test_a_server_that_falls_silent_is_unreachable(streams: Streams, monkeypatch: pytest.MonkeyPatch) -> None:
    from parcours.sources import nats_pull

    monkeypatch.setattr(nats_connection, "ANSWER_S", 0.3)
    monkeypatch.setattr(nats_pull, "ANSWER_S", 0.3)
    name = streams.write([b"1", b"2"])

    async def read(source: NatsSource) -> list[int]:
        first = await source.read(name, None, 1)
        with streams.server.silent(), pytest.raises(SourceUnreachable, match="does not answer"):
            await source.read(name, first.position, 1)
        return offsets((await source.read(name, first.position, 1)).lines)

    assert live(streams.settings(), read) == [2]


def test_a_stream_and_subjects_are_one_or_some() -> None:
    one = NatsSettings.model_validate({"url": "nats://a", "stream": "E", "subjects": "e.>"})
    assert (one.stream, one.subjects, one.durable) == (("E",), ("e.>",), "parcours")
    with pytest.raises(ValueError, match="JetStream takes no blanks"):
        NatsSettings.model_validate({"url": "nats://a", "stream": "E.x"})
