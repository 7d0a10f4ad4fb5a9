"""What whoever tells facts to destinations asks of a shard."""

from __future__ import annotations

from typing import TYPE_CHECKING

from parcours.shard.messages import FactSlice
from parcours.shard.request import Request

if TYPE_CHECKING:
    from parcours.shard.host import ShardHost


class ReadFacts(Request[FactSlice | None], frozen=True, tag="read_facts"):
    """A slice of the records that a destination is told next; None if the engine does not know it.

    after  up to which record it has been told; None to go on where its position is
    """

    destination: str
    after: int | None

    async def put_to(self, host: ShardHost) -> FactSlice | None:
        return await host.exports.read_facts(self.destination, self.after)


class TellFacts(Request[None], frozen=True, tag="tell_facts"):
    """The destination has everything up to this record: so many facts more it has taken, or has refused.

    May be repeated: a record that is known as told changes nothing.
    """

    destination: str
    through: int
    rows: int
    refused: int

    async def put_to(self, host: ShardHost) -> None:
        await host.exports.tell_facts(self.destination, self.through, self.rows, self.refused)
