"""Requests of a scan: columns of everybody as of an instant, from one shard (scans.py)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from parcours.shard.messages import PeopleColumns
from parcours.shard.request import Request
from parcours.shard.scans import Scan

if TYPE_CHECKING:
    from parcours.shard.host import ShardHost


class AwaitScan(Request[None], frozen=True, tag="await_scan"):
    """A scan is under way from now on; the shard has not passed its instant. One that is held goes on.

    attempt  that of the `Hold` before it (attempts.py); None under virtual time, where no call is late
    """

    attempt: int | None
    scan: Scan

    async def put_to(self, host: ShardHost) -> None:
        await host.begin_reading(self.attempt, lambda steps: steps.await_scan(self.scan))


class ListColumns(Request[PeopleColumns], frozen=True, tag="columns"):
    """A slice of a scan: at most `most` people are looked at. To ask again gives the same answer, until it ends."""

    name: str
    after: tuple[int, str] | None
    most: int

    async def put_to(self, host: ShardHost) -> PeopleColumns:
        return await host.reading(lambda steps, now: steps.list_columns(self.name, self.after, self.most, now))


class EndScan(Request[None], frozen=True, tag="end_scan"):
    """All that was asked for has come: the shard keeps nothing of the scan any more."""

    name: str

    async def put_to(self, host: ShardHost) -> None:
        await host.reading(lambda steps, now: steps.end_scan(self.name))
