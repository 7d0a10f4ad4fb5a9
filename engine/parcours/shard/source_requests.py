"""Requests of whoever reads a partition of a source."""

from __future__ import annotations

from typing import TYPE_CHECKING

from parcours.shard.partitions import Reader, TakenPartition
from parcours.shard.request import Request

if TYPE_CHECKING:
    from parcours.shard.host import ShardHost


class BeginReading(Request[int | None], frozen=True, tag="begin_reading"):
    """From now on the router `reader` reads the partition, and batches of another one are refused.

    The answer is where nothing before is outstanding by what the shard has heard, None if it has not.
    """

    partition: str
    reader: str

    async def put_to(self, host: ShardHost) -> int | None:
        return await host.step(lambda shard, now: shard.batches.begin_reading(self.partition, self.reader))


class TellPosition(Request[bool], frozen=True, tag="tell_position"):
    """Nothing before this offset is outstanding, None: that is not known yet.

    The answer says whether `reader` is still the partition's.
    """

    partition: str
    reader: str
    below: int | None

    async def put_to(self, host: ShardHost) -> bool:
        return await host.step(lambda shard, now: shard.batches.tell_position(self.partition, self.reader, self.below))


class MovePosition(Request[bool], frozen=True, tag="move_position"):
    """Reading goes on at this position, forward or back, and what was taken behind it is not known any more.

    Whoever reads has to begin anew. The answer says whether the shard knows the partition.
    """

    partition: str
    position: int

    async def put_to(self, host: ShardHost) -> bool:
        return await host.step(lambda shard, now: shard.batches.move_position(self.partition, self.position))


class GetTaken(Request[list[TakenPartition]], frozen=True, tag="taken_partitions"):
    """How far each partition of a source has been taken."""

    source: str

    async def put_to(self, host: ShardHost) -> list[TakenPartition]:
        return await host.step(lambda shard, now: shard.batches.partitions.taken(self.source))


class ForetellLines(Request[bytes], frozen=True, tag="foretell_lines"):
    """What would become of lines of a partition if they were read again: of each its outcome.

    The shard of the person whom it names tells whether it can be used, and any other one only whether it has it.
    """

    partition: str
    offsets: list[int]
    lines: list[bytes]

    async def put_to(self, host: ShardHost) -> bytes:
        return await host.step(lambda shard, now: shard.batches.foretell(self.partition, self.offsets, self.lines, now))


class PauseSource(Request[None], frozen=True, tag="pause_source"):
    """Nobody is to read this source from now on, or everybody may again. It is put to the first shard alone."""

    source: str
    paused: bool

    async def put_to(self, host: ShardHost) -> None:
        await host.step(lambda shard, now: shard.batches.pause_source(self.source, paused=self.paused))


class GetPaused(Request[bool], frozen=True, tag="is_source_paused"):
    """Whether nobody is to read this source now. It is put to the first shard alone."""

    source: str

    async def put_to(self, host: ShardHost) -> bool:
        return await host.step(lambda shard, now: shard.batches.partitions.is_paused(self.source))


class GetReader(Request[Reader], frozen=True, tag="reader"):
    """Who reads the partition, and how often the shard has heard from it."""

    partition: str

    async def put_to(self, host: ShardHost) -> Reader:
        return await host.step(lambda shard, now: shard.batches.partitions.reader(self.partition))
