"""May a keeper that has been succeeded take over again? Once whoever has taken over keeps the engine no more.

One that cannot open the engine says so in the store. One that ended before it could say anything has taken no shard:
all of them still do as its predecessor says, though there was time enough to tell them otherwise.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from parcours.background import in_thread
from parcours.errors import ParcoursError, ShardUnavailable
from parcours.routing.ports import ShardPort
from parcours.shard.requests import GetStatus
from parcours.store.claims import Claims

OPENING_WITHIN_MS: Final = 30_000.0
"""So long whoever has taken over has to tell the shards, before it is looked whether it has."""

ANSWERS_WITHIN_S: Final = 5.0
"""So long shards have to say whose they are."""


class Succession:
    """
    ports     to all shards, which answer while they do as the keeper says that was succeeded
    since_ms  a reading of the stopwatch when it let go
    """

    def __init__(self, claims: Claims, ports: Sequence[ShardPort], since_ms: float) -> None:
        self._claims = claims
        self._ports = ports
        self._since_ms = since_ms

    async def check_over(self, now_ms: float) -> None:
        """Return where nobody keeps the engine any more. Raises ShardUnavailable where somebody does, StoreBroken."""
        held = await in_thread(self._claims.keeper)
        if held.place is None or (now_ms - self._since_ms >= OPENING_WITHIN_MS and await self._is_obeyed()):
            return
        raise ShardUnavailable(f"{held.place} has taken it over, and is asked elsewhere if it keeps it")

    async def _is_obeyed(self) -> bool:
        try:
            async with asyncio.timeout(ANSWERS_WITHIN_S):
                await asyncio.gather(*(port.ask(GetStatus()) for port in self._ports))
        except (ParcoursError, TimeoutError):
            return False
        return True
