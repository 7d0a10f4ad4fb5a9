"""Recorded events come in the order of time in bounded memory, or the first one out of order is named."""

from __future__ import annotations

import asyncio
import tracemalloc
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parcours.config import Settings
from parcours.errors import EventsUnsorted
from parcours.instants import EPOCH, LATEST_MS, ceil_ms
from parcours.journey.model.document import ProjectDocument
from parcours.journey.project import Project
from parcours.segment.line import instant
from parcours.simulation.linked import LinkedNames
from parcours.simulation.recorded import Recorded, RecordingReader, in_order, sorted_by_time
from parcours.simulation.sorting import RUNS_MAX


def events(times: list[int]) -> list[Recorded]:
    return [Recorded(at, number, b"line %d" % number) for number, at in enumerate(times, start=1)]


def all_of(ordered: AbstractAsyncContextManager[Iterator[Recorded]]) -> list[Recorded]:
    async def read() -> list[Recorded]:
        async with ordered as each:
            return list(each)

    return asyncio.run(read())


def number_of(ordered: AbstractAsyncContextManager[Iterator[Recorded]]) -> int:
    async def count() -> int:
        async with ordered as each:
            return sum(1 for _ in each)

    return asyncio.run(count())


@pytest.mark.parametrize("held_bytes_max", [1, 500, 10**9])  # a file for each line, for a few, and none at all
@given(times=st.lists(st.integers(0, 5), max_size=3 * RUNS_MAX))
def test_events_are_sorted_by_time_and_keep_their_order_within_one(times: list[int], held_bytes_max: int) -> None:
    given_events = events(times)

    assert all_of(sorted_by_time(given_events, held_bytes_max)) == sorted(given_events, key=lambda event: event.at)


def test_memory_is_bounded_however_many_events_there_are() -> None:
    backwards = (Recorded(-number, number, b"%1000d" % number) for number in range(20_000))
    tracemalloc.start()
    try:
        read = number_of(sorted_by_time(backwards, held_bytes_max=1_000_000))
        _, most_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert read == 20_000
    assert most_bytes < 10_000_000  # of 20 MB


@pytest.mark.parametrize("times", [[], [1], [1, 1, 2], [0, 5, 5]])
def test_events_in_order_pass(times: list[int]) -> None:
    assert list(in_order(events(times))) == events(times)


def test_the_first_event_out_of_order_is_named_by_its_line() -> None:
    with pytest.raises(EventsUnsorted, match="line 3 is earlier"):
        list(in_order(events([1, 5, 4, 2])))


def test_reading_counts_what_is_usable_and_keeps_why_the_rest_is_not() -> None:
    reading = RecordingReader(Settings(), LinkedNames(Project.of(ProjectDocument(project="shop")).program, Settings()))
    lines = [b'{"timestamp":"1970-01-01T00:00:01Z"}', b"", b"{oops", b"{}"]

    found = list(reading.events(lines))

    assert [(event.at, event.number) for event in found] == [(1000, 1)]
    assert (reading.read, reading.usable) == (3, 1)
    assert [number for number, _ in reading.unusable] == [3, 4]


@given(st.integers(0, LATEST_MS * 1_000 - 1_000))
def test_the_time_of_an_event_is_rounded_up_as_every_instant_is(microseconds: int) -> None:
    moment = EPOCH + timedelta(microseconds=microseconds)

    assert instant(moment) == ceil_ms(moment)
