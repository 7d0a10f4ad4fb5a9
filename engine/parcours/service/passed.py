"""When has an instant passed for everybody? Once each shard says that nothing happens any more until then."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from parcours.routing.ports import ShardPort
from parcours.shard.requests import HasPassed

PASSED_POLL_S: Final = 0.01
"""Pause between two questions to a shard that has something to do until then."""


async def until_passed(ports: Sequence[ShardPort], at: int) -> None:
    """Return once everybody has gone through this instant (ms), durably. Raises ShardUnavailable."""
    for port in ports:
        while not await port.ask(HasPassed(at)):  # noqa: ASYNC110  # the shard may be another process
            await asyncio.sleep(PASSED_POLL_S)
