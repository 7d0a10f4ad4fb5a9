"""What would come of reading a partition again from a place behind? Its lines are read, and the shards are asked.

Nothing is applied, and nobody reads another line because of it. Of a range of many lines the oldest are looked at one
by one, and of the others some here and there, which stand for all around them. What comes first where a look begins may
be the rest of a line, and is passed over.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from parcours.segment.line import Unusable
from parcours.segment.person import route
from parcours.shard.messages import LineOutcome
from parcours.shard.requests import ForetellLines
from parcours.source import Line
from parcours.sources.lines import MakeLine, line_of
from parcours.sources.partition_log import PartitionLog, ReadThere
from parcours.sources.way_in import WayIn

LOOKED_AT_MAX: Final = 10_000
"""Lines that one look reads one after the other, of all its partitions together: a second or two."""

PARTITION_MIN: Final = 100
"""The same of each partition, however many there are."""

PLACES: Final = 20
"""At so many places a look reads on where a range has more lines than it reads."""

SILENT_MAX: Final = 10
"""So many readings may bring nothing before a look takes it that there is nothing any more: a log may take a while."""

ASKED_AT_ONCE: Final = 500
"""Lines that are read, and of which a shard is asked, at once: it holds everybody up for some milliseconds."""


class ReadAgain(msgspec.Struct, frozen=True):
    """What would become of lines, were they read again.

    again       how many would be applied again
    recognised  are known to have been taken, and would not be
    set_aside   are of no use, and would be dead letters
    ignored     have no value
    is_whole    whether all were looked at; the numbers are estimates, otherwise
    """

    again: int
    recognised: int
    set_aside: int
    ignored: int
    is_whole: bool


FATES: Final[Mapping[LineOutcome, str]] = {
    LineOutcome.ACCEPTED: "again",
    LineOutcome.UNDECLARED: "again",
    LineOutcome.DUPLICATE: "recognised",
    LineOutcome.REJECTED: "set_aside",
}


class Look:
    """One look into a partition; `name` is what shards call it."""

    def __init__(self, log: PartitionLog, name: str, way_in: WayIn, make: MakeLine) -> None:
        self._log = log
        self._name = name
        self._way_in = way_in
        self._make = make

    async def back_to(self, position: int, end: int, most: int) -> ReadAgain:
        """What would come of reading from the position on, up to the end.

        At most so many lines are looked at one by one, and as many here and there of those behind them.
        Raises what reading raises, and ShardUnavailable.
        """
        async with self._log.alone() as read:
            return await self._back_to(read, position, end, most)

    async def _back_to(self, read: ReadThere, position: int, end: int, most: int) -> ReadAgain:
        behind, told, _ = await self._told(read, position, end, most)
        is_whole = behind >= end
        step = max(1, -((behind - end) // PLACES))
        for begin in range(behind, end, step):
            stop = min(begin + step, end)
            looked, there, first = await self._told(read, begin, stop, max(1, most // PLACES), cut=True)
            around = max(1.0, (stop - begin) / max(1, looked - first))
            told.update({fate: round(number * around) for fate, number in there.items()})
        return ReadAgain(told["again"], told["recognised"], told["set_aside"], told["ignored"], is_whole)

    async def _told(
        self, read_there: ReadThere, begin: int, end: int, most: int, *, cut: bool = False
    ) -> tuple[int, Counter[str], int]:
        """Where a look ends, what would become of the lines in it, and where it has really begun.

        cut  it may begin within a line
        """
        fates, looked_at, position, silent = Counter[str](), 0, begin, 0
        while position < end and looked_at < most and silent < SILENT_MAX:
            read = await read_there(position, min(most + cut - looked_at, ASKED_AT_ONCE))
            lines = [line for line in read.lines if line.offset < end]
            if cut and len(lines) > 1:
                begin, lines = lines[1].offset, lines[1:]
            cut = cut and not lines
            fates.update(await self._foretold(lines))
            looked_at += len(lines)
            silent = silent + 1 if read.position <= position else 0
            position = end if read.is_over else max(read.position, position)
        return end if silent else min(position, end), fates, begin

    async def _foretold(self, lines: Sequence[Line]) -> Counter[str]:
        cloud_types = self._way_in.program().cloud_types
        made = [(line.offset, line_of(line, self._log.partition, self._make, cloud_types)) for line in lines]
        there = [(offset, line) for offset, line in made if line is not None]
        fates = Counter({"ignored": len(made) - len(there)})
        fates.update(FATES[outcome] for outcome in await self._outcomes(there))
        return fates

    async def _outcomes(self, lines: Sequence[tuple[int, bytes]]) -> Sequence[LineOutcome]:
        """Of each line what the shard of its person says; the others are asked of those that it does not have."""
        outcomes = [LineOutcome.REJECTED] * len(lines)
        shares: list[list[int]] = [[] for _ in self._way_in.ports]
        for place, (_, line) in enumerate(lines):
            if (owner := self._owner(line)) is not None:
                shares[owner].append(place)
        asked = [self._ask(shard, lines, share) for shard, share in enumerate(shares)]
        for share, told in zip(shares, await asyncio.gather(*asked), strict=True):
            for place, outcome in zip(share, told, strict=True):
                outcomes[place] = LineOutcome(outcome)
        others = [
            [
                place
                for of, share in enumerate(shares)
                if of != shard
                for place in share
                if outcomes[place] == LineOutcome.ACCEPTED
            ]
            for shard in range(len(shares))
        ]
        asked = [self._ask(shard, lines, share) for shard, share in enumerate(others)]
        for share, told in zip(others, await asyncio.gather(*asked), strict=True):
            for place, outcome in zip(share, told, strict=True):
                if outcome == LineOutcome.DUPLICATE:
                    outcomes[place] = LineOutcome.DUPLICATE
        return outcomes

    def _owner(self, line: bytes) -> int | None:
        """The shard of the person whom a line names, None for one that goes nowhere."""
        way_in = self._way_in
        try:
            return way_in.slot_map.owner(route(line, way_in.program(), way_in.settings, way_in.slot_map))
        except Unusable:
            return None

    async def _ask(self, shard: int, lines: Sequence[tuple[int, bytes]], places: Sequence[int]) -> bytes:
        if not places:
            return b""
        offsets, texts = [lines[place][0] for place in places], [lines[place][1] for place in places]
        return await self._way_in.ports[shard].ask(ForetellLines(self._name, offsets, texts))
