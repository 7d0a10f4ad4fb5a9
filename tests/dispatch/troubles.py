"""How tests of dispatching wait for a trouble, of which nobody is told but who asks."""

from __future__ import annotations

import asyncio

from parcours.dispatch.dispatcher import Dispatcher


async def trouble_of(dispatcher: Dispatcher) -> str:
    """What keeps deliveries from leaving, once anything does."""
    async with asyncio.timeout(10):
        while dispatcher.trouble is None:  # noqa: ASYNC110  # there is no event for it
            await asyncio.sleep(0)
    return dispatcher.trouble
