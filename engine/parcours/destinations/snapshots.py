"""Snapshots for whoever can put nothing in place of what there is: each member says of which snapshot it is."""

from __future__ import annotations

from collections.abc import Sequence

from parcours.channel import Accepted
from parcours.destination import Destination, Member


class ToldWithEachMember:
    """What a destination inherits that tells of a snapshot as it tells of changes. It breaks off where that fails."""

    async def begin(self, snapshot: str) -> None:
        """The other side is told with each member."""

    async def add(self: Destination, members: Sequence[Member]) -> None:
        for receipt in await self.send(members):
            if not isinstance(receipt, Accepted):
                raise ConnectionError(receipt.reason)

    async def finish(self) -> None:
        """The other side has been told with each member."""

    async def abandon(self) -> None:
        """A later snapshot tells more."""
