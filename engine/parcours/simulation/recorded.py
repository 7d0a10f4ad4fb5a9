"""How do recorded lines come in the order of time? Read one by one, then sorted in bounded memory, or refused.

A file may be larger than the memory, so the sorting puts lines aside (simulation/sorting.py). Lines of one time keep
the order in which they were read.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Generator, Iterable, Iterator
from contextlib import asynccontextmanager
from itertools import chain, islice
from operator import attrgetter
from typing import NamedTuple

import msgspec

from parcours.config import Settings
from parcours.errors import EventsUnsorted
from parcours.segment import Unusable, timestamp_of
from parcours.simulation.sorting import Sorter

HELD_BYTES_MAX = 64 * 1024 * 1024
"""Memory for lines that wait to be sorted."""

EVENT_OVERHEAD_BYTES = 160
"""What Python needs for an event beside the bytes of its line."""

EVENTS_AT_ONCE = 100
"""Events handed to the sorting at once; by so many the bound may be passed, and between two lots others go on."""


class Recorded(NamedTuple):
    """A line with its timestamp in ms and its number in the file, from 1. They compare as they have to be applied."""

    at: int
    number: int
    line: bytes


_line = attrgetter("line")


class RecordingReader:
    """Reads timestamps off lines; what has none that can be used is kept apart with its reason.

    read      lines so far, without empty ones
    usable    those of them that have a timestamp
    finished  whether all have been read
    unusable  (line number, reason)
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.read = 0
        self.finished = False
        self.unusable: list[tuple[int, str]] = []

    @property
    def usable(self) -> int:
        return self.read - len(self.unusable)

    def events(self, lines: Iterable[bytes]) -> Generator[Recorded, None, None]:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            self.read += 1
            try:
                yield Recorded(timestamp_of(line, self._settings), number, line)
            except Unusable as reason:
                self.unusable.append((number, str(reason)))
        self.finished = True


@asynccontextmanager
async def in_order(events: Iterable[Recorded]) -> AsyncGenerator[Iterator[Recorded], None]:
    """The events as they come. To read on raises EventsUnsorted at the first that is earlier than the one before.

    On the way out all that nobody asked for is read too, so that what is found out about a file and what is said
    of it does not depend on how far virtual time went.
    """
    ordered = _refusing_disorder(events)
    yield ordered
    for place, _ in enumerate(ordered):
        if place % EVENTS_AT_ONCE == 0:
            await asyncio.sleep(0)


def _refusing_disorder(events: Iterable[Recorded]) -> Generator[Recorded, None, None]:
    last_ms = None
    for event in events:
        if last_ms is not None and event.at < last_ms:
            raise EventsUnsorted(f"line {event.number} is earlier than the line before it")
        last_ms = event.at
        yield event


_decoder = msgspec.msgpack.Decoder(list[Recorded])


@asynccontextmanager
async def sorted_by_time(
    events: Iterable[Recorded], held_bytes_max: int = HELD_BYTES_MAX
) -> AsyncGenerator[Iterator[Recorded], None]:
    """The events in the order of time, then of their numbers, once all have been read.

    Raises OSError where temporary files find no room.
    """
    with Sorter(_decoder, held_bytes_max) as sorter:
        each = iter(events)
        while some := list(islice(each, EVENTS_AT_ONCE)):
            sorter.add(some, sum(map(len, map(_line, some))) + len(some) * EVENT_OVERHEAD_BYTES)
            await asyncio.sleep(0)
        yield chain.from_iterable(sorter.blocks())
