"""How many steps of a funnel does a unit take in any order within one window, and by which events?

Each step takes one event and none serves two, so it is about seating events at steps that they fit. Sets of events
that can be seated together have two properties (they are the independent sets of a transversal matroid): of two such
sets the larger has an event that the smaller can take in, and if one event too many is there, exactly the events that
can be reached by moving others from seat to seat can make room for it.

Going forward, each event is seated, and if there is no room the earliest of those that can make room leaves. So those
who sit are at any time as late as can be, and as many of them as lie in a window are the most that can be seated in it.
Where the greatest number is seated first, the wanted match ends; it starts with the first event of the window that fits
any step, because every such event can be taken in; and it goes on with each that finds room beside those before it.
An event takes at most as many operations as there are pairs of steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from parcours.insight.analyses.funnel_chain import UNBOUNDED, Levels
from parcours.insight.analyses.triggers import Sighting
from parcours.journey.analyses import Funnel

_FREE: Final = -1
"""The position of nobody: before all others, so that a free seat is taken before the seat of the earliest."""

_NEWCOMER: Final = 0
"""The seat that the event at hand comes from, which is no step's."""


class AnyOrder:
    """Finds the wanted match of a unit. The bits of sightings are as for `OrderedChains`."""

    __slots__ = ("_all", "_levels", "_steps", "_within_ms")

    def __init__(self, asked: Funnel) -> None:
        self._steps = len(asked.steps)
        self._all = (1 << self._steps) - 1
        self._levels = Levels(self._steps)
        self._within_ms = UNBOUNDED if asked.within_ms is None else asked.within_ms

    def find(self, sightings: Sequence[Sighting]) -> list[int]:
        """The positions of the match's events among the sightings, in order; empty if nothing fits a step."""
        depth, first, last = self._first_fullest(sightings)
        seats = _Seats(self._levels, self._steps, sightings)
        return [
            position
            for position in range(first, last + 1)
            if seats.taken < depth and sightings[position][2] & self._all and seats.seat(position, move_out=False)
        ]

    def _first_fullest(self, sightings: Sequence[Sighting]) -> tuple[int, int, int]:
        """The greatest number seated in a window, and the positions of the first such window's first and last event."""
        seats = _Seats(self._levels, self._steps, sightings)
        depth, start, last = 0, 0, -1
        first = left = 0
        for position, (_, at, bits) in enumerate(sightings):
            while at - sightings[first][1] > self._within_ms:
                first += 1
            if bits & self._all:
                if first > left:
                    seats.leave(first)
                    left = first
                seats.seat(position, move_out=True)
                if seats.taken > depth:
                    depth, start, last = seats.taken, first, position
                    if depth == self._steps:
                        break
            if bits >> self._steps:
                first = position
        return depth, start, last


class _Seats:
    """Who sits at which step, by position."""

    __slots__ = ("_holders", "_levels", "_sightings", "taken")

    def __init__(self, levels: Levels, steps: int, sightings: Sequence[Sighting]) -> None:
        self._levels = levels
        self._holders = [_FREE] * (steps + 1)  # by the number of a step
        self._sightings = sightings
        self.taken = 0

    def leave(self, first: int) -> None:
        """Free the seats of all who come before this position."""
        holders = self._holders
        for step, holder in enumerate(holders):
            if _FREE < holder < first:
                holders[step] = _FREE
                self.taken -= 1

    def seat(self, position: int, *, move_out: bool) -> bool:
        """Seat an event, others moving if need be; without room only with `move_out`, in place of the earliest."""
        holders, sightings, levels = self._holders, self._sightings, self._levels
        reached = list(levels[sightings[position][2]])
        if len(reached) == 1:  # nearly always: each step has events of its own
            step, holder = reached[0], holders[reached[0]]
            if holder == _FREE or (move_out and levels[sightings[holder][2]] == levels[sightings[position][2]]):
                holders[step] = position
                self.taken += holder == _FREE
                return True
        came_from = dict.fromkeys(reached, _NEWCOMER)
        for step in reached:  # grows meanwhile: the seats to which a holder can move
            if holders[step] == _FREE:
                break
            for other in levels[sightings[holders[step]][2]]:
                if other not in came_from:
                    came_from[other] = step
                    reached.append(other)
        seat = min(reached, key=holders.__getitem__)
        if holders[seat] == _FREE:
            self.taken += 1
        elif not move_out:
            return False
        while (before := came_from[seat]) != _NEWCOMER:
            holders[seat] = holders[before]
            seat = before
        holders[seat] = position
        return True
