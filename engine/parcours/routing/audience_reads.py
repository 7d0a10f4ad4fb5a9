"""Audience reads over all shards: members are listed slice by slice, and placed in the order of their names.

The order is over all shards, so it is fixed here and not in any of them. Every call may be repeated, and the whole
of it: a list is always the same (shard/reads.py), and until the first shard is told when people enter, nobody does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from heapq import heappop, heappush, merge
from itertools import dropwhile, repeat
from operator import gt
from typing import Final

from parcours.journey.model.recurrence import is_endless
from parcours.journey.program import Journey, Program, ReadEntry
from parcours.routing.ports import ReadPort, until_answered
from parcours.shard.messages import AudienceRead
from parcours.shard.requests import ListMembers, PlaceMembers

EARLY_PAUSE_S: Final = 0.01
"""Pause before a shard is asked again whose clock is behind."""


@dataclass(frozen=True, slots=True)
class Due:
    """A read that is to come."""

    at_ms: int
    journey: Journey
    entry: ReadEntry

    @property
    def recurs(self) -> bool:
        """Whether it is one of several, by a rule."""
        return self.entry.rule is not None

    @property
    def is_endless(self) -> bool:
        """Whether there is always another one after it."""
        return self.entry.rule is not None and is_endless(self.entry.rule)

    @property
    def name(self) -> str:
        """The journey's."""
        return self.journey.name

    @property
    def after_events(self) -> bool:
        """Whether it comes after the events of its instant."""
        return True

    @property
    def read(self) -> AudienceRead:
        entry, journey = self.entry, self.journey
        return AudienceRead(journey.name, journey.version, self.at_ms, entry.audience, entry.people_per_second)


class Upcoming:
    """The reads that are still to come, in the order in which they fall due; a rule may have no end."""

    def __init__(self, program: Program) -> None:
        self._reads: list[tuple[Journey, ReadEntry]] = []
        self._instants: list[Iterator[int]] = []
        self._queue: list[tuple[int, int]] = []
        self._made: dict[str, int] = {}
        """The newest instant of each journey at which its audience has been read, by whichever version."""

        self.renew(program, None)

    def renew(self, program: Program, at_ms: int | None) -> None:
        """From this time on the reads are those of this program; a version that is known already goes on as it was."""
        known = {(journey.name, journey.version): place for place, (journey, _) in enumerate(self._reads)}
        waiting = {place: due_ms for due_ms, place in self._queue}
        before, self._queue = self._instants, []
        self._reads = [(journey, journey.entry) for journey in program.journeys if isinstance(journey.entry, ReadEntry)]
        self._instants = []
        for place, (journey, entry) in enumerate(self._reads):
            old = known.get((journey.name, journey.version))
            coming = entry.instants(program.timezone) if old is None else before[old]
            if old is None and at_ms is not None:
                first_ms = max(at_ms, self._made.get(journey.name, -1) + 1)  # one version reads at one instant
                coming = dropwhile(partial(gt, first_ms), coming)
            self._instants.append(coming)
            if old is None:
                self._push(place)
            elif old in waiting:
                heappush(self._queue, (waiting[old], place))

    def _push(self, place: int) -> None:
        at_ms = next(self._instants[place], None)
        if at_ms is not None:
            heappush(self._queue, (at_ms, place))

    def first(self) -> Due | None:
        """The earliest one, None if there is none."""
        if not self._queue:
            return None
        at_ms, place = self._queue[0]
        journey, entry = self._reads[place]
        return Due(at_ms, journey, entry)

    def done(self) -> None:
        """The earliest one has been made: the next of its rule takes its place."""
        at_ms, place = heappop(self._queue)
        self._made[self._reads[place][0].name] = at_ms
        self._push(place)

    def drop(self) -> None:
        """Neither the earliest one nor any other of its rule is to come."""
        heappop(self._queue)


async def list_members(port: ReadPort, read: AudienceRead, most: int) -> list[list[str]] | None:
    """The members in one shard, slice by slice, each slice sorted; None if it waits for this read no more."""
    slices: list[list[str]] = []
    after: tuple[int, str] | None = None
    while True:
        members = await until_answered(partial(port.ask, ListMembers(read, after, most)))
        if members.state == "gone":
            return None
        if members.state == "early":
            await asyncio.sleep(EARLY_PAUSE_S)
            continue
        slices.append(sorted(members.people))
        after = members.after
        if after is None:
            return slices
        await asyncio.sleep(0)  # others have their turn between two slices


async def list_everywhere(ports: Sequence[ReadPort], read: AudienceRead, most: int) -> list[list[list[str]]] | None:
    """The members in every shard; None if one of them waits for this read no more."""
    listed = await asyncio.gather(*(list_members(port, read, most) for port in ports))
    known = [slices for slices in listed if slices is not None]
    return known if len(known) == len(listed) else None


async def place_members(
    ports: Sequence[ReadPort], read: AudienceRead, listed: Sequence[list[list[str]]], most: int
) -> int:
    """Tell each shard the places of its members, at most so many at once; how many they are together.

    listed  by shard, its slices; a name comes before another if its bytes do, and so does its text
    """
    places: list[list[tuple[str, int]]] = [[] for _ in ports]
    numbers = [0] * len(ports)

    async def hand_over(shard: int) -> None:
        entries = PlaceMembers(read.journey, read.at, numbers[shard], places[shard])
        await until_answered(partial(ports[shard].ask, entries))
        numbers[shard] += 1
        places[shard] = []

    people = 0
    slices = [zip(slice_, repeat(shard)) for shard, slices in enumerate(listed) for slice_ in slices]
    for person, shard in merge(*slices):
        places[shard].append((person, _delay_ms(people, read.people_per_second)))
        people += 1
        if len(places[shard]) == most:
            await hand_over(shard)
        if people % most == 0:
            await asyncio.sleep(0)
    for shard, left in enumerate(places):
        if left:
            await hand_over(shard)
    return people


def _delay_ms(place: int, people_per_second: int | None) -> int:
    """Person number `place`, from 0, enters so much later than the first."""
    return 0 if people_per_second is None else place * 1000 // people_per_second
