"""Requests of one shard to another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from parcours.shard.peer_messages import PeerAnswer, PeerBatch
from parcours.shard.request import Request

if TYPE_CHECKING:
    from parcours.shard.host import ShardHost


class TakePeerMessages(Request[PeerAnswer], frozen=True, tag="take_peer"):
    """Take the messages of another shard that come next. May be repeated, and come late: each is taken once."""

    batch: PeerBatch

    async def put_to(self, host: ShardHost) -> PeerAnswer:
        return await host.peers.take(self.batch)


class Hello(Request[PeerBatch], frozen=True, tag="hello"):
    """A shard has been opened: what is there for it?

    shard  which one
    taken  the number of the last message that it has durably taken of the shard that is asked
    """

    shard: int
    taken: int

    async def put_to(self, host: ShardHost) -> PeerBatch:
        return await host.peers.hello(self.shard, self.taken)
