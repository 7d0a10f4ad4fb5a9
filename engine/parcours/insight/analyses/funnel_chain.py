"""How far does a unit get through the steps of a funnel in their order, and by which events?

A chain is an event that fits the first step and later ones that fit the steps after it. Wanted is the longest; of
equally long ones that with the earliest start, then with the earliest event at each step.

Going forward, only the latest chain of each length is kept: its start and its last event. No other one is needed. If
two chains of one length can go on, the one whose last event is later started no earlier (else it could have started
where the other did), so whatever event goes on with the other goes on with it too, within all bounds. So the first
event that completes a chain of the greatest length is found in one pass.

Every wanted chain ends with that event. Two chains of equal length of which one starts earlier and ends later cross:
up to some step the one is ahead in time, from the next on the other. What is before the crossing in the one and behind
it in the other is a chain as well, within all bounds. Going backward from that event, it is noted which events can
still get to it, for which again the nearest event of the step after is enough; and from the earliest of those that fit
the first step, the next such event at each step is taken. Neither way takes more than a few operations an event and a
step.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from parcours.insight.analyses.triggers import Sighting
from parcours.journey.analyses import Funnel

UNBOUNDED: Final = 1 << 60
"""More ms than lie between any two times."""

_NEVER: Final = -(1 << 62)
_NOT_YET: Final = 1 << 62
"""Farther from any time than UNBOUNDED, so that what does not exist is out of all bounds."""


class OrderedChains:
    """Finds the wanted chain of a unit, for the orders `strict` and `next`.

    Sightings have the bits of the steps from the lowest on, and above them one for each event that is excluded.
    """

    __slots__ = ("_bounds", "_is_next", "_levels", "_steps", "_within_ms")

    def __init__(self, asked: Funnel) -> None:
        self._steps = len(asked.steps)
        self._within_ms = UNBOUNDED if asked.within_ms is None else asked.within_ms
        self._bounds = [UNBOUNDED] * (self._steps + 1)  # by the number of a step: from the event of the step before
        for step, bound_ms in asked.step_within_ms.items():
            self._bounds[step] = bound_ms
        self._is_next = asked.order == "next"
        self._levels = Levels(self._steps)

    def find(self, sightings: Sequence[Sighting]) -> list[int]:
        """The positions of the chain's events among the sightings; empty if none fits the first step."""
        depth, last = self._first_longest(sightings)
        return [last] if depth == 1 else self._traced(sightings, depth, last) if depth else []

    def _first_longest(self, sightings: Sequence[Sighting]) -> tuple[int, int]:
        """The greatest length of a chain, and the position of the first event that completes one."""
        steps, within_ms, bounds, is_next = self._steps, self._within_ms, self._bounds, self._is_next
        levels_of = self._levels
        nobody = [_NEVER] * (steps + 1)
        starts, lasts = nobody.copy(), nobody.copy()
        depth, last, following = 0, -1, 0
        for position, (place, at, bits) in enumerate(sightings):
            if is_next and place != following:
                starts = nobody.copy()  # an event that fits nothing lies between
            following = place + 1
            levels = levels_of[bits]
            for level in levels:  # the highest first, so that no event serves two steps
                if level == 1:
                    starts[1] = at
                elif at - starts[level - 1] <= within_ms and at - lasts[level - 1] <= bounds[level]:
                    starts[level] = starts[level - 1]
                else:
                    continue
                lasts[level] = at
                if level > depth:
                    depth, last = level, position
                    if depth == steps:
                        return depth, last
            if is_next:
                before, starts = starts, nobody.copy()
                for level in levels:  # the event took the step, or it is a repeat of it and passed over
                    starts[level] = before[level]
            if bits >> steps:
                starts = nobody.copy()
                if bits & 1:
                    starts[1] = at
        return depth, last

    def _traced(self, sightings: Sequence[Sighting], depth: int, last: int) -> list[int]:
        """The chain of this length that ends at this position: the earliest start, then the earliest at each step."""
        completing = self._completing(sightings, depth, last)
        chain = [completing[1][-1]]
        for positions in completing[2:]:
            chain.append(next(position for position in reversed(positions) if position > chain[-1]))
        return chain

    def _completing(self, sightings: Sequence[Sighting], depth: int, last: int) -> list[list[int]]:
        """By step, the positions from which the last event can be reached, the latest first."""
        bounds, is_next = self._bounds, self._is_next
        completing: list[list[int]] = [[] for _ in range(depth + 1)]
        completing[depth].append(last)
        nearest = [_NOT_YET] * (depth + 1)  # by step, the time of the nearest such event after the one at hand
        following, nearest[depth], _ = sightings[last]
        earliest_ms = nearest[depth] - self._within_ms
        for position in range(last - 1, -1, -1):
            place, at, bits = sightings[position]
            if at < earliest_ms or (is_next and place + 1 != following):
                break
            following = place
            levels = self._levels[bits]
            found = [level for level in levels if level < depth and nearest[level + 1] - at <= bounds[level + 1]]
            if is_next:  # the way to an event is open only while all before it fit the step before
                nearest = [each if level - 1 in levels else _NOT_YET for level, each in enumerate(nearest)]
            for level in found:
                completing[level].append(position)
                nearest[level] = at
            if bits >> self._steps:
                break
        return completing


class Levels(dict[int, tuple[int, ...]]):
    """By the bits of a sighting, the numbers of the steps that it fits, the highest first; each is found once."""

    def __init__(self, steps: int) -> None:
        super().__init__()
        self._steps = steps

    def __missing__(self, bits: int) -> tuple[int, ...]:
        found = tuple(level for level in range(self._steps, 0, -1) if bits >> (level - 1) & 1)
        self[bits] = found
        return found
