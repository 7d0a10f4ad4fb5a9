"""Recorded lines in the order of time: all of them are read, and sorted in bounded memory or refused if unsorted.

A recording may be larger than the memory, so an external merge sort orders it (sorting.py). Lines of one time keep the
order in which they were read. Those that are in order already are put aside as well: before the first of them is
applied, all have been read for names that are linked (linked.py).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Generator, Iterable, Iterator
from contextlib import asynccontextmanager
from itertools import chain, islice
from operator import attrgetter
from typing import Final, NamedTuple
from zlib import crc32

import msgspec

from parcours.config import Settings
from parcours.core.identity import SLOTS
from parcours.errors import EventsUnsorted
from parcours.routing.calls import line_bytes
from parcours.routing.router import UNREAD
from parcours.segment.line import Unusable, read_heading
from parcours.segment.links import LINKING
from parcours.shard.unusable import read_unusable
from parcours.simulation.linked import Groups, LinkedNames
from parcours.simulation.sorting import Sorter
from parcours.simulation.told_inputs import ToldInputs

HELD_BYTES_MAX = 64 * 1024 * 1024
"""Memory for lines that are being sorted."""

EVENT_OVERHEAD_BYTES = 170
"""What Python needs for an event beside the bytes of its line."""

EVENTS_AT_ONCE = 100
"""Events added to the sorter at once, by which the memory may be exceeded; between two such lots other tasks run."""


class Recorded(NamedTuple):
    """A line with its timestamp in ms and its number in the file, from 1. They compare in the order of application.

    slot  that of its person's name, so that the line is not read once more to send it, unless somebody of that slot
          lives elsewhere; UNREAD where its user id alone does not say so
    """

    at: int
    number: int
    line: bytes
    slot: int = UNREAD


_line = attrgetter("line")

_SLOTS: Final = tuple(range(SLOTS))
"""One object for each number: a file of millions of lines needs no more."""


_MAY_LINK: Final = LINKING | {None}
"""The types of lines in which links are looked for; None: it could not be read at once."""


class RecordingReader:
    """Reads the timestamps of lines; lines without a usable one are set aside with the reason.

    read      lines so far, without empty ones
    usable    those of them that have a timestamp
    unusable  (line number, reason)
    groups    which names live together, once all lines have been read
    """

    def __init__(self, settings: Settings, linked: LinkedNames, told: ToldInputs | None = None) -> None:
        """
        linked  hears the lines that may link names
        told    hears the lines of a store's inputs, and takes those that concern nobody
        """
        self._linked = linked
        self._told = told
        self._settings = settings
        self.read = 0
        self.groups = Groups()
        self.unusable: list[tuple[int, str]] = []

    @property
    def usable(self) -> int:
        return self.read - len(self.unusable)

    def events(self, lines: Iterable[object]) -> Generator[Recorded, None, None]:
        """The usable lines with their timestamps.

        Raises CallerError for what is no line at all, where the inputs of a store are not all there, and where too many
        names are linked.
        """
        slots, told, may_link = _SLOTS, self._told, _MAY_LINK
        new = tuple.__new__  # what `Recorded(...)` comes to, without a call of Python's for each line
        for number, given in enumerate(lines, start=1):
            line = given if type(given) is bytes else line_bytes(given, number)  # the quickest check, for millions
            if not line.strip():
                continue
            self.read += 1
            try:
                if told is not None and told.hear(line, number):
                    self.read -= 1
                    continue
                at, user_id, kind = read_heading(line, self._settings)
            except Unusable as reason:
                told_before = read_unusable(line)
                self.unusable.append((number, str(reason) if told_before is None else told_before[0]))
            else:
                if kind in may_link:
                    self._linked.hear(line, number)
                # The slot is as `slot_of` says, without a call for each line either.
                slot = slots[crc32(user_id.encode()) % SLOTS] if user_id else UNREAD
                yield new(Recorded, (at, number, line, slot))
        if told is not None:
            told.check_end()
        self.groups = self._linked.groups()


def in_order(events: Iterable[Recorded]) -> Generator[Recorded, None, None]:
    """The events as they come. Raises EventsUnsorted at the first that is earlier than the one before."""
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
