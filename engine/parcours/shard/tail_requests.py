"""What is told and may not be exported yet, for whoever asks the facts of everybody."""

from __future__ import annotations

from typing import TYPE_CHECKING

from parcours.shard.messages import TailSlice
from parcours.shard.request import Request

if TYPE_CHECKING:
    from parcours.shard.host import ShardHost


class ReadTail(Request[TailSlice], frozen=True, tag="read_tail"):
    """A slice of the records that come after the export.

    after    where the slice before has ended; None for the first one
    through  up to which record it goes, as the first slice has said; 0 for that one
    """

    after: int | None = None
    through: int = 0

    async def put_to(self, host: ShardHost) -> TailSlice:
        return await host.exports.read_tail(self.after, self.through)


class HasPassed(Request[bool], frozen=True, tag="has_passed"):
    """Whether the shard has passed an instant, durably: nothing that it tells later is of that instant or before.

    What runs of paused journeys make up for is: it has the times at which it was due.
    """

    at: int

    async def put_to(self, host: ShardHost) -> bool:
        return await host.step(lambda shard, now: shard.campaigning.has_passed(self.at, now, shard.next_ms()))
