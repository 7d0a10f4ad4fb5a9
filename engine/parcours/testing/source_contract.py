"""The suite that every source passes, those that come along and yours.

    class TestQueue(SourceContract[Queue]):
        source = QueueSource
        ...

Subclass it in a test module of your own and say how to open your log, how to write to it, and how to make it go
wrong. Plain pytest runs it; no plugin is needed.
"""

from __future__ import annotations

import asyncio
import importlib.metadata
import unittest
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractContextManager, suppress
from typing import Any, ClassVar, Generic, TypeVar

import pydantic

from parcours.source import (
    GROUP,
    Line,
    PartitionGone,
    PositionOutOfRange,
    Read,
    Source,
    SourceUnreachable,
    TellsTimes,
)

Broker = TypeVar("Broker")
T = TypeVar("T")

READINGS_MAX = 200
"""So many readings may bring nothing before the suite gives up."""

AT_ONCE = 1_000

LONG = 100_000
"""Bytes of a long line: more than most buffers take at once."""


class SourceContract(ABC, Generic[Broker]):
    """The contract suite of sources. `Broker` is the type of your log; each test opens a new one."""

    source: ClassVar[type[Source]]
    """The class under test."""

    entry_point: ClassVar[str | None] = None
    """The name of its entry point; None if it is not meant to be installed."""

    @abstractmethod
    def broker(self) -> AbstractContextManager[Broker]:
        """A log without lines; it closes with the context."""

    @abstractmethod
    def settings(self, broker: Broker) -> dict[str, Any]:
        """Settings that lead to that log, and begin each partition at its first line. Called while it is open."""

    @abstractmethod
    def write(self, broker: Broker, values: Sequence[bytes], partition: int = 0) -> str:
        """Write lines behind those of partition number `partition`; returns the name that the partition has then."""

    @abstractmethod
    def cut_off(self, broker: Broker) -> AbstractContextManager[None]:
        """While it lasts the log cannot be reached."""

    @abstractmethod
    def remove(self, broker: Broker, partition: str) -> None:
        """Take the partition away with all its lines."""

    def forget(self, broker: Broker, partition: str, position: int) -> None:
        """Let the log forget all lines before this position."""
        raise unittest.SkipTest("the log forgets no lines")

    def may_grow(self) -> bool:
        """Whether lines may come behind those of a partition that has been read."""
        return True

    def test_it_has_all_that_a_source_needs(self) -> None:
        for name in ("Settings", "start", "partitions", "read", "close"):
            assert hasattr(self.source, name), f"{self.source.__name__} lacks {name}"

    def test_its_entry_point_leads_to_it(self) -> None:
        if self.entry_point is None:
            raise unittest.SkipTest("say by `entry_point` which one leads to it, if it is installed")
        found = importlib.metadata.entry_points(group=GROUP, name=self.entry_point)
        assert found, f"no installed distribution has the entry point {self.entry_point!r} in {GROUP}"
        loaded = [point.load() for point in found]
        assert loaded == [self.source], f"{self.entry_point!r} leads to {loaded}, not to {self.source}"

    def test_its_settings_are_closed_and_described(self) -> None:
        with self.broker() as broker:
            settings = self.settings(broker)
        self.source.Settings.model_validate(settings)
        assert self.source.Settings.model_json_schema()["properties"], "its settings have no JSON Schema"
        try:
            self.source.Settings.model_validate({**settings, "key_that_nobody_declared": 1})
        except pydantic.ValidationError:
            return
        raise AssertionError("its settings take unknown keys: set extra='forbid'")

    def test_it_closes_though_nothing_was_read(self) -> None:
        async def nothing(source: Source) -> None:
            del source

        with self.broker() as broker:
            self._life(broker, nothing)

    def test_all_lines_come_in_their_order_and_each_has_its_own_offset(self) -> None:
        with self.broker() as broker:
            values = [b'{"n":%d}' % number for number in range(50)]
            partition = self.write(broker, values)
            lines = self._all(broker, partition)
        assert [line.value for line in lines] == values
        assert all(type(line.value) is bytes for line in lines), "values are bytes"
        offsets = [line.offset for line in lines]
        assert offsets == sorted(set(offsets)), f"offsets have to grow: {offsets}"
        assert all(type(offset) is int and offset >= 0 for offset in offsets)

    def test_lines_come_as_they_were_written_many_and_long_ones(self) -> None:
        values = [b" \tLine %d \xc3\xa9 " % number for number in range(400)]
        values[200] = b'{"long":"%b"}' % (b"x" * LONG)
        with self.broker() as broker:
            partition = self.write(broker, values)
            assert [line.value for line in self._all(broker, partition)] == values

    def test_partitions_are_named_and_read_apart(self) -> None:
        async def all_named(source: Source) -> None:
            for name in await _named(source, {first, second}):
                await source.read(name, None, AT_ONCE)

        with self.broker() as broker:
            first = self.write(broker, [b"1", b"2"], partition=0)
            second = self.write(broker, [b"3"], partition=1)
            self._life(broker, all_named)
            assert [line.value for line in self._all(broker, first)] == [b"1", b"2"]
            assert [line.value for line in self._all(broker, second)] == [b"3"]

    def test_no_more_lines_come_than_are_asked_for_and_the_position_leads_to_the_next(self) -> None:
        async def two_by_two(source: Source) -> list[Read]:
            reads = [await _something(source, partition, None, 2)]
            for _ in range(2):
                reads.append(await _something(source, partition, reads[-1].position, 2))
            return reads

        with self.broker() as broker:
            partition = self.write(broker, [b"%d" % number for number in range(6)])
            reads = self._life(broker, two_by_two)
        values = [line.value for read in reads for line in read.lines]
        assert values == [b"%d" % number for number in range(6)], values
        assert all(1 <= len(read.lines) <= 2 for read in reads)
        for read in reads:
            assert read.position > read.lines[-1].offset, "the position is not behind the last line"

    def test_another_process_goes_on_at_any_line(self) -> None:
        with self.broker() as broker:
            partition = self.write(broker, [b"%d" % number for number in range(6)])
            lines = self._all(broker, partition)
            for number, line in enumerate(lines):
                again = self._all(broker, partition, line.offset)
                assert again == lines[number:], f"from offset {line.offset} on it reads {again}"

    def test_reading_changes_nothing(self) -> None:
        async def twice(source: Source) -> tuple[list[Line], list[Line]]:
            first = await _some(source, partition, None, 3)
            return first, await _some(source, partition, first[0].offset, 3)

        with self.broker() as broker:
            partition = self.write(broker, [b"1", b"2", b"3"])
            first, again = self._life(broker, twice)
        assert again == first

    def test_at_the_end_it_answers_without_lines_and_stays_there(self) -> None:
        async def at_the_end(source: Source) -> tuple[int, Read]:
            position = (await _something(source, partition, None, AT_ONCE)).position
            return position, await source.read(partition, position, AT_ONCE)

        with self.broker() as broker:
            partition = self.write(broker, [b"1", b"2"])
            position, read = self._life(broker, at_the_end)
        assert (list(read.lines), read.position) == ([], position)
        assert read.lag in (0, None), f"nothing is left, and the lag is {read.lag}"

    def test_what_is_written_later_is_read_from_the_end(self) -> None:
        async def later(source: Source) -> list[bytes | None]:
            position = (await _something(source, partition, None, AT_ONCE)).position
            self.write(broker, [b"later"])
            return [line.value for line in (await _something(source, partition, position, AT_ONCE)).lines]

        if not self.may_grow():
            raise unittest.SkipTest("nothing is written behind what has been read")
        with self.broker() as broker:
            partition = self.write(broker, [b"1"])
            assert self._life(broker, later) == [b"later"]

    def test_a_lag_that_is_told_counts_what_is_left(self) -> None:
        with self.broker() as broker:
            partition = self.write(broker, [b"1", b"2", b"3"])
            read = self._life(broker, lambda source: _something(source, partition, None, 1))
        assert read.lag in (2, None), f"2 lines are left, and the lag is {read.lag}"

    def test_a_partition_that_is_gone_is_said_to_be(self) -> None:
        with self.broker() as broker:
            partition = self.write(broker, [b"1"])
            self.write(broker, [b"2"], partition=1)
            self.remove(broker, partition)
            self._raises(PartitionGone, broker, partition, 0)

    def test_a_position_that_is_not_there_any_more_is_out_of_range(self) -> None:
        with self.broker() as broker:
            partition = self.write(broker, [b"1", b"2", b"3"])
            lines = self._all(broker, partition)
            self.forget(broker, partition, lines[2].offset)
            error = self._raises(PositionOutOfRange, broker, partition, lines[0].offset)
            begun = self._all(broker, partition)
        assert isinstance(error, PositionOutOfRange)
        assert error.first in (None, lines[2].offset)
        assert begun == lines[2:], f"who begins there reads {begun}"

    def test_nor_is_it_there_for_one_that_has_read_it(self) -> None:
        async def once_more(source: Source) -> int:
            await _some(source, partition, None, 3)
            self.forget(broker, partition, lines[2].offset)
            for _ in range(READINGS_MAX):
                try:
                    read = await source.read(partition, lines[0].offset, AT_ONCE)
                except PositionOutOfRange as error:
                    return error.position
                assert not read.lines, f"it jumps to {read.lines[0].offset}"
            raise AssertionError("it reads what is not there any more")

        with self.broker() as broker:
            partition = self.write(broker, [b"1", b"2", b"3"])
            lines = self._all(broker, partition)
            assert self._life(broker, once_more) == lines[0].offset

    def test_a_partition_all_of_which_is_forgotten_has_its_end(self) -> None:
        async def at_the_end(source: Source) -> Read:
            return await source.read(partition, end, AT_ONCE)

        with self.broker() as broker:
            partition = self.write(broker, [b"1", b"2", b"3"])
            end = self._life(broker, lambda source: _something(source, partition, None, AT_ONCE)).position
            self.forget(broker, partition, end)
            read = self._life(broker, at_the_end)
            self._raises(PositionOutOfRange, broker, partition, 0)
        assert (list(read.lines), read.position) == ([], end)

    def test_a_position_behind_the_end_is_out_of_range(self) -> None:
        with self.broker() as broker:
            partition = self.write(broker, [b"1", b"2", b"3"])
            end = self._life(broker, lambda source: _something(source, partition, None, AT_ONCE)).position
            self._raises(PositionOutOfRange, broker, partition, end + 1_000)

    def test_a_log_that_cannot_be_reached_is_unreachable_and_goes_on_once_it_can(self) -> None:
        async def in_between(source: Source) -> tuple[str, list[Line]]:
            with self.cut_off(broker):
                try:
                    await source.read(partition, None, AT_ONCE)
                except SourceUnreachable as error:
                    said = str(error)
                else:
                    raise AssertionError("it reads a log that cannot be reached")
                with suppress(SourceUnreachable):
                    assert partition in await source.partitions(), "what cannot be reached is not gone"
            return said, list((await _something(source, partition, None, AT_ONCE)).lines)

        with self.broker() as broker:
            partition = self.write(broker, [b"1"])
            said, lines = self._life(broker, in_between)
        assert said, "it does not say why"
        assert [line.value for line in lines] == [b"1"]

    def test_a_time_leads_to_the_first_line_that_is_not_before_it(self) -> None:
        async def places(source: Source) -> list[int | None]:
            if not isinstance(source, TellsTimes):
                raise unittest.SkipTest("it cannot tell where a time is")
            return [await source.position_at(partition, at_ms) for at_ms in (0, *times, max(times) + 1)]

        with self.broker() as broker:
            partition = self.write(broker, [b"1", b"2", b"3"])
            lines = self._all(broker, partition)
            times = [line.timestamp_ms or 0 for line in lines]
            told = self._life(broker, places)
        expected = [next((line.offset for line in lines if (line.timestamp_ms or 0) >= at), None) for at in times]
        assert told == [lines[0].offset, *expected, None], f"the times {times} are said to be at {told}"

    def _life(self, broker: Broker, do: Callable[[Source], Awaitable[T]]) -> T:
        """Open a source, do something with it, and close it."""

        async def life() -> T:
            source = self.source(self.source.Settings.model_validate(self.settings(broker)))
            await source.start()
            try:
                return await do(source)
            finally:
                await source.close()

        return asyncio.run(life())

    def _all(self, broker: Broker, partition: str, position: int | None = None) -> list[Line]:
        """All lines of the partition from the position on."""

        async def read(source: Source) -> list[Line]:
            got = await _something(source, partition, position, AT_ONCE)
            lines = list(got.lines)
            while got.lines:
                got = await source.read(partition, got.position, AT_ONCE)
                lines += got.lines
            return lines

        return self._life(broker, read)

    def _raises(self, kind: type[Exception], broker: Broker, partition: str, position: int) -> Exception:
        """The error of reading there."""

        async def read(source: Source) -> Exception:
            for _ in range(READINGS_MAX):
                try:
                    await source.read(partition, position, AT_ONCE)
                except kind as error:
                    return error
            raise AssertionError(f"reading {partition!r} at {position} raises no {kind.__name__}")

        error = self._life(broker, read)
        assert str(error), "the error does not say what is wrong"
        return error


async def _named(source: Source, partitions: set[str]) -> Sequence[str]:
    """Ask which partitions there are until these are among them: a source may look twice."""
    named: Sequence[str] = ()
    for _ in range(READINGS_MAX):
        named = await source.partitions()
        if partitions <= set(named):
            return named
    raise AssertionError(f"{sorted(partitions)} are not all among {named}")


async def _something(source: Source, partition: str, position: int | None, most: int) -> Read:
    """The first reading that brings any lines: a log may take a while."""
    for _ in range(READINGS_MAX):
        read = await source.read(partition, position, most)
        if read.lines:
            return read
        position = read.position
    raise AssertionError(f"{READINGS_MAX} readings of {partition!r} bring nothing")


async def _some(source: Source, partition: str, position: int | None, number: int) -> list[Line]:
    """So many lines, in as many readings as it takes."""
    lines: list[Line] = []
    while len(lines) < number:
        read = await _something(source, partition, position, number - len(lines))
        lines += read.lines
        position = read.position
    return lines
