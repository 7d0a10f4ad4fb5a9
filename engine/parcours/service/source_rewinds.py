"""Reading a source again from a place behind: what would come of it is told first, and then it is done."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from hashlib import blake2s
from typing import Final, Literal, TypeAlias

import msgspec

from parcours.errors import CallerError, RewindOutdated
from parcours.instants import floor_ms
from parcours.service.source_calls import SourceCalls
from parcours.shard.partitions import TakenPartition
from parcours.shard.requests import GetTaken
from parcours.source import PartitionGone, PositionOutOfRange, SourceUnreachable, TellsTimes
from parcours.sources.looking_back import LOOKED_AT_MAX, PARTITION_MIN, ReadAgain
from parcours.sources.pump import Pump
from parcours.wording import shown_value

TOKEN_BYTES: Final = 8

ELSEWHERE_MAX: Final = 100
"""Partitions that this process does not read are looked for in the log where there are no more of them.

Those of a consumer group are read by others, and files that have gone are nowhere.
"""

PlaceBehind: TypeAlias = int | datetime | Literal["earliest"]
"""Where reading goes on: a position, the first line that is not before a time, or the oldest that the log holds."""


class PartitionRewind(msgspec.Struct, frozen=True, kw_only=True):
    """A partition that goes back.

    name      by what people know it
    position  where reading goes on
    end       what lies before it has been read
    foreseen  what comes of that, None in the answer to a rewind that is done
    """

    partition: str
    name: str
    position: int
    end: int
    foreseen: ReadAgain | None


class Rewind(msgspec.Struct, frozen=True, kw_only=True):
    """What it is, or would be, to read a source again.

    token      says what this was told of: whoever wants it done names it
    dry        nothing has been done
    not_here   partitions that have been read and that this process does not find in the log, which stay as they are
    """

    source: str
    token: str
    dry: bool
    partitions: list[PartitionRewind]
    not_here: int


class SourceRewinds(SourceCalls):
    """Those of a service."""

    async def rewind_source(
        self,
        name: str,
        to: PlaceBehind,
        *,
        partition: str | None = None,
        dry: bool = False,
        token: str | None = None,
    ) -> Rewind:
        """Let a source be read again from a place behind, once it has been told what comes of that.

        A line is recognised that was taken within the time for which message ids are remembered, though it has none;
        one that has been taken earlier is applied once more, and so is one of which `map` makes something else by now.

        to         a position of a partition; a time, if the source can tell where it is; or "earliest"
        partition  that one alone; None: all that the log has, of which there may be only one for a position
        dry        nothing is done, and the lines between are read, and shards are asked, for what would come of it
        token      that of the dry answer
        Raises CallerError for what cannot be, and where the log cannot be read; RewindOutdated where another rewind,
        or a publication, has come since the dry answer; ShardUnavailable, and it may be half done then.
        """
        pump = self._pump(name)
        if not dry and token is None:
            raise CallerError("token: that of a dry answer is expected, which says what would be applied again")
        if partition is not None:
            partition = pump.partition_of(partition)
        async with pump.looking_back:
            return await self._rewound(pump, to, partition, token, dry=dry)

    async def _rewound(
        self, pump: Pump, to: PlaceBehind, partition: str | None, token: str | None, *, dry: bool
    ) -> Rewind:
        name = pump.name
        with _in_words(name):
            taken = await self._taken(name)
            ways, not_here = await _ways(pump, to, partition, taken)
            known = self._token(name, ways, taken)
            if token is not None and token != known:
                raise RewindOutdated
            most = max(PARTITION_MIN, LOOKED_AT_MAX // len(ways))
            foreseen = [await pump.look(each).back_to(at, taken[each].end, most) if dry else None for each, at in ways]
        if not dry:
            for each, position in ways:
                await self._move(name, each, position)
        partitions = [
            PartitionRewind(
                partition=each, name=pump.log(each).shown, position=position, end=taken[each].end, foreseen=seen
            )
            for (each, position), seen in zip(ways, foreseen, strict=True)
        ]
        return Rewind(source=name, token=known, dry=dry, partitions=partitions, not_here=not_here)

    async def _taken(self, name: str) -> dict[str, TakenPartition]:
        """How far each partition has been taken by any shard."""
        taken: dict[str, TakenPartition] = {}
        for port in self._host.ports:
            for each in await port.ask(GetTaken(name)):
                before = taken.get(each.partition)
                end, moves = (before.end, before.moves) if before else (0, 0)
                taken[each.partition] = msgspec.structs.replace(each, end=max(end, each.end), moves=moves + each.moves)
        return taken

    def _token(self, name: str, ways: Sequence[tuple[str, int]], taken: dict[str, TakenPartition]) -> str:
        moves = [(partition, position, taken[partition].moves) for partition, position in ways]
        known = msgspec.json.encode([name, moves, self._host.control.publications.ledger.number])
        return blake2s(known, digest_size=TOKEN_BYTES).hexdigest()


async def _ways(
    pump: Pump, to: PlaceBehind, partition: str | None, taken: dict[str, TakenPartition]
) -> tuple[list[tuple[str, int]], int]:
    """The partitions that go back, each with its position, and how many there are of which nothing can be read here."""
    if partition is not None and partition not in taken:
        raise CallerError(f"the partition {shown_value(partition)} of {shown_value(pump.name)} has never been read")
    named = sorted(taken) if partition is None else [partition]
    if isinstance(to, int) and len(named) > 1:
        raise CallerError(f"a position is one of a partition, and {pump.name} has {len(named)}: say which")
    found = [(each, await _position(pump, each, to)) for each in named if each in pump.partitions()]
    others = [each for each in named if each not in pump.partitions()]
    if len(others) <= ELSEWHERE_MAX:
        positions = await asyncio.gather(*(_position(pump, each, to) for each in others), return_exceptions=True)
        for each, position in zip(others, positions, strict=True):
            if isinstance(position, BaseException) and (partition or not isinstance(position, PartitionGone)):
                raise position
            if not isinstance(position, BaseException):
                found.append((each, position))
    ways = [(each, at) for each, at in sorted(found) if at is not None and at < taken[each].end]
    if not ways:
        read = f": {named[0]} has been read to {taken[named[0]].end}" if len(named) == 1 else ""
        raise CallerError(f"nothing has been read of {shown_value(pump.name)} from there on{read}")
    return ways, len(named) - len(found)


async def _position(pump: Pump, partition: str, to: PlaceBehind) -> int | None:
    if isinstance(to, datetime):
        if to.tzinfo is None:
            raise CallerError(f"to={to.isoformat()}: a time with a zone is expected")
        if not isinstance(pump.source, TellsTimes):
            raise CallerError(f"the source {shown_value(pump.name)} cannot tell where a time is: say a position")
        return await pump.source.position_at(partition, floor_ms(to))
    if to == "earliest":
        return await _earliest(pump, partition)
    if type(to) is not int or to < 0:
        raise CallerError(f"to={shown_value(to)}: a whole number from 0 on, a time or 'earliest' is expected")
    return to


async def _earliest(pump: Pump, partition: str) -> int:
    """The oldest position that there is."""
    try:
        await pump.log(partition).read(0, 1)
    except PositionOutOfRange as error:
        if error.first is None:
            raise CallerError(f"the source {shown_value(pump.name)} cannot tell what its oldest line is") from None
        return error.first
    return 0


@contextmanager
def _in_words(name: str) -> Iterator[None]:
    """What is wrong with a log, for whoever has asked. Raises CallerError."""
    try:
        yield
    except (PartitionGone, PositionOutOfRange, SourceUnreachable) as error:
        raise CallerError(f"source {name} cannot be read there: {error}") from None
