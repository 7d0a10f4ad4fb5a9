"""Requests of a scan: columns of everybody as of an instant, from one shard (scans.py)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from parcours.shard.messages import PeopleColumns
from parcours.shard.request import Request
from parcours.shard.scans import Scan

if TYPE_CHECKING:
    from parcours.shard.host import ShardHost


class AwaitScan(Request[bool], frozen=True, tag="await_scan"):
    """Scans of one instant are under way from now on. False if the shard has passed it: none of them is then.

    attempt  that of the `Hold` before it (attempts.py): the shard, which has not passed it, goes on; None: nobody has
             made it stand still
    """

    attempt: int | None
    scans: tuple[Scan, ...]

    async def put_to(self, host: ShardHost) -> bool:
        if self.attempt is None:
            return await host.step(lambda shard, _: shard.reading.await_scans(self.scans))
        await host.begin(self.attempt, lambda shard: shard.reading.await_held(self.scans))
        return True


class ListColumns(Request[PeopleColumns], frozen=True, tag="columns"):
    """A slice of a scan: at most `most` people are looked at. To ask again gives the same answer, until it ends."""

    name: str
    after: tuple[int, str] | None
    most: int

    async def put_to(self, host: ShardHost) -> PeopleColumns:
        return await host.pacing.slice(
            host.step, lambda shard, now: shard.reading.list_columns(self.name, self.after, self.most, now)
        )


class EndScan(Request[None], frozen=True, tag="end_scan"):
    """All that was asked for has come: the shard keeps nothing of the scan any more."""

    name: str

    async def put_to(self, host: ShardHost) -> None:
        await host.step(lambda shard, now: shard.reading.end_scan(self.name))
