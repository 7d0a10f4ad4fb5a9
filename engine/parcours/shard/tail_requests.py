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
        return await host.read_tail(self.after, self.through)
