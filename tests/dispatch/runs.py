"""What tests of dispatching do again and again: a dispatcher's whole life, and the wait for its trouble."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from parcours.dispatch.dispatcher import Dispatcher

if TYPE_CHECKING:
    from tests.dispatch.conftest import HandingShard


async def run_until_settled(dispatcher: Dispatcher, shard: HandingShard, count: int) -> None:
    """Start the dispatcher, wake it for the shard, stop it once so many receipts have come home."""
    await dispatcher.start([shard])
    dispatcher.wake(0)
    await shard.until_settled(count)
    await dispatcher.stop()


async def trouble_of(dispatcher: Dispatcher) -> str:
    """What keeps deliveries from leaving, once anything does."""
    async with asyncio.timeout(10):
        while dispatcher.trouble is None:  # noqa: ASYNC110  # there is no event for it
            await asyncio.sleep(0)
    return dispatcher.trouble
