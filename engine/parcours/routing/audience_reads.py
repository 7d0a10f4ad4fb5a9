"""Who enters when an audience is read, and when is it read? Members at the instant, in the order of their names.

The order is over all shards, so it is fixed here and not in any of them. A rule recurs on the clock of the
project's zone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from heapq import heappop, heappush
from itertools import dropwhile
from operator import gt

from parcours.journey.model.recurrence import Recurrence
from parcours.journey.program import Journey, Program, ReadEntry
from parcours.routing.ports import ReadPort
from parcours.shard.messages import Reading
from parcours.shard.requests import LetIn, ReadMembers


@dataclass(frozen=True, slots=True)
class Due:
    """A read that is to come. One that recurs has others after it."""

    at_ms: int
    recurs: bool
    journey: Journey
    entry: ReadEntry


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
            coming = instants(entry, program.timezone) if old is None else before[old]
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
        return Due(at_ms, entry.rule is not None, journey, entry)

    def done(self) -> None:
        """The earliest one has been made: the next of its rule takes its place."""
        at_ms, place = heappop(self._queue)
        self._made[self._reads[place][0].name] = at_ms
        self._push(place)

    def drop(self) -> None:
        """Neither the earliest one nor any other of its rule is to come."""
        heappop(self._queue)


def instants(entry: ReadEntry, timezone: str) -> Iterator[int]:
    """The instants of one read entry: one, or as its rule says."""
    if entry.rule is None:
        return iter([entry.at_ms])
    return Recurrence(entry.rule, entry.at_ms, timezone).instants()


async def read_audience(ports: Sequence[ReadPort], journey: Journey, entry: ReadEntry, at_ms: int) -> None:
    """Let the members of the audience enter, person n (their names as bytes, in order) n / rate later.

    May be repeated after a failure: a shard takes the reading of one instant once.
    """
    people: list[tuple[bytes, int, str]] = []
    for shard, port in enumerate(ports):
        people += [(person.encode(), shard, person) for person in await port.ask(ReadMembers(entry.audience, at_ms))]
    people.sort()
    shares: list[list[tuple[str, int]]] = [[] for _ in ports]
    for place, (_, shard, person) in enumerate(people):
        shares[shard].append((person, at_ms + _delay_ms(place, entry.people_per_second)))
    for port, share in zip(ports, shares, strict=True):
        await port.ask(LetIn(Reading(journey.name, journey.version, at_ms, share)))


def _delay_ms(place: int, people_per_second: int | None) -> int:
    return 0 if people_per_second is None else place * 1000 // people_per_second
