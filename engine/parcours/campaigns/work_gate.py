"""When do runs of campaigns stand still? While somebody copies their files or takes rows out of them.

Runs work side by side, and rest where they wait for a while: for an instant, for room in a shard, while they are
paused. Whoever needs stillness waits until all that are at work rest or have come to their next instant, and until it
is over none begins to work again. So what a run keeps on disk and what shards know of it are as after a crash between
two of its actions, and a run goes on from such a state wherever it is.

Whoever wants stillness as well as what is published to stay asks for stillness first, as runs do.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager


class WorkGate:
    """Of all runs of an engine. Lives on the loop of its host."""

    def __init__(self) -> None:
        self._working = 0
        self._turn = asyncio.Lock()
        self._open = asyncio.Event()
        self._open.set()
        self._nobody = asyncio.Event()
        self._nobody.set()

    @asynccontextmanager
    async def at_work(self) -> AsyncGenerator[None, None]:
        """Within this there is no stillness, but for `resting`."""
        await self._opened()
        self._enter()
        try:
            yield
        finally:
            self._leave()

    @asynccontextmanager
    async def resting(self) -> AsyncGenerator[None, None]:
        """Within `at_work`, and not twice: others may have stillness now."""
        self._leave()
        try:
            yield
            await self._opened()
        finally:
            self._enter()  # also for who is cancelled, and does nothing more but leave

    @asynccontextmanager
    async def still(self) -> AsyncGenerator[None, None]:
        """Nobody is at work within this; one after the other has it."""
        async with self._turn:
            self._open.clear()
            try:
                await self._nobody.wait()
                yield
            finally:
                self._open.set()

    async def _opened(self) -> None:
        while not self._open.is_set():  # it may have been closed again before this one had its turn
            await self._open.wait()

    def _enter(self) -> None:
        self._working += 1
        self._nobody.clear()

    def _leave(self) -> None:
        self._working -= 1
        if not self._working:
            self._nobody.set()
