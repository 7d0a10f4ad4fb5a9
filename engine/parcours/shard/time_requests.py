"""Requests of whoever drives shards through virtual time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from parcours.shard.messages import Outstanding
from parcours.shard.request import Request

if TYPE_CHECKING:
    from parcours.shard.host import ShardHost


class PassTime(Request[None], frozen=True, tag="pass_time"):
    """Timers due before this time fire. A live shard wakes itself."""

    now_ms: int

    async def put_to(self, host: ShardHost) -> None:
        await host.pass_time(self.now_ms)


class GetOutstanding(Request[Outstanding], frozen=True, tag="outstanding"):
    """What the shard has yet to do. It is asked for at each step of time, so it costs nothing."""

    async def put_to(self, host: ShardHost) -> Outstanding:
        return await host.step(lambda shard, _: shard.standing.outstanding(shard.next_ms()))


class IsUnsettled(Request[bool], frozen=True, tag="unsettled"):
    """Whether anything is left to do that anybody would notice. It may look at everybody who has a timer."""

    async def put_to(self, host: ShardHost) -> bool:
        return await host.step(lambda shard, _: shard.standing.is_unsettled(shard.next_ms()))
