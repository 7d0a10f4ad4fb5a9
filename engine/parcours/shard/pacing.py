"""Pacing: when may the next slice of a scan have its turn, so that others keep most of the shard's time?

A scan costs a shard its slices, and the columns of whoever an event is of, which are taken before she changes. Both
together may take `SCAN_SHARE` of the time; a slice waits until they do. Nothing can keep the second part from being
due, but it is due once for each person, and who has been taken costs a slice next to nothing: so a scan over busy
people takes as long as it costs, divided by the share, and then it is over. A shard that nobody else wants is not
paced at all.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

from parcours.shard.messages import PeopleColumns
from parcours.shard.turns import Turns

if TYPE_CHECKING:
    from parcours.shard.shard import Shard

SCAN_SHARE: Final = 0.15
"""Of a shard's time that scans take when there is other work. Others lose a fifth of their rate at most: what is in
the processor's caches is lost to them as well, and is not counted.
"""

TAKEN_COST: Final = 2.0
"""What it costs to take somebody's columns for an event, to what a person of a slice costs: each comes by herself."""

LOOK_S: Final = 0.02
"""A slice that waits looks so often whether others still come; about as long as the slice itself."""

Step = Callable[["Shard", int], PeopleColumns]


class Pacing:
    """Of one shard.

    taken         how many people's columns have been taken so far, by slices and for events
    by_the_clock  whether time passes by itself; if not, nobody is kept waiting
    """

    def __init__(self, turns: Turns, taken: Callable[[], int], *, by_the_clock: bool) -> None:
        self._by_the_clock = by_the_clock
        self._turns = turns
        self._taken = taken
        self._one = asyncio.Lock()
        self._counted = 0
        """Of those taken, how many lie in `_free_s`, or were taken by slices."""

        self._seen = 0
        """The number of the last turn that is known of."""

        self._free_s = 0.0
        """When scans will have taken no more than their share."""

        self._person_s = 0.0
        """What the last slice has cost for each person."""

    async def slice(self, turn: Callable[[Step], Awaitable[PeopleColumns]], step: Step) -> PeopleColumns:
        """Take a slice, one after the other, once it may be; `turn` waits for a turn and does it then."""
        async with self._one:
            if self._by_the_clock:
                await self._rest()
            return await turn(self._timed(step))

    async def _rest(self) -> None:
        """Leave the shard to others as long as they want it and have not had their share."""
        time = asyncio.get_running_loop().time
        while self._others_came():
            self._count()
            left_s = self._free_s - time()
            if left_s <= 0:
                return
            await asyncio.sleep(min(left_s, LOOK_S))

    def _others_came(self) -> bool:
        """Whether anybody else wants a turn, or had one since this was asked before."""
        before, self._seen = self._seen, self._turns.number
        return self._turns.wanted or self._seen != before

    def _count(self) -> None:
        """What was taken for events is time of scans."""
        taken = self._taken()
        self._free_s += (taken - self._counted) * TAKEN_COST * self._person_s / SCAN_SHARE
        self._counted = taken

    def _timed(self, step: Step) -> Step:
        """The slice, whose turn it is when it is called."""

        def timed(shard: Shard, now_ms: int) -> PeopleColumns:
            self._count()
            begun_s = asyncio.get_running_loop().time()
            listed = step(shard, now_ms)
            spent_s = asyncio.get_running_loop().time() - begun_s
            self._free_s = max(self._free_s, begun_s) + spent_s / SCAN_SHARE
            if listed.rows:
                self._person_s = spent_s / len(listed.rows)
            self._counted, self._seen = self._taken(), self._turns.number
            return listed

        return timed
