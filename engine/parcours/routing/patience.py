"""How long does a change wait for shards? Whoever asked for it is told which one holds it up."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import TypeVar

from parcours.background import spawn
from parcours.errors import ShardUnavailable
from parcours.routing.ports import until_answered

T = TypeVar("T")


class Patience:
    """Made when the change is asked for. All that it waits for may take `wait_s` together; None: any time.

    later  what has to be done when nobody waits any more; whoever made it ends these tasks with the engine
    """

    def __init__(self, wait_s: float | None = None, later: set[asyncio.Task[None]] | None = None) -> None:
        self._wait_s = wait_s
        self._until = None if wait_s is None else asyncio.get_running_loop().time() + wait_s
        self._later: set[asyncio.Task[None]] = set() if later is None else later

    async def answer(self, shard: int, call: Callable[[], Awaitable[T]]) -> T:
        """What this shard answers, asked again and again. Raises ShardUnavailable where that takes too long."""
        if self._until is None:
            return await until_answered(call)
        try:
            async with asyncio.timeout_at(self._until):
                return await until_answered(call)
        except TimeoutError:
            raise ShardUnavailable(
                f"shard {shard} has not answered within change_wait_s={self._wait_s:g}, and nothing has changed: "
                "try again when it does"
            ) from None

    async def pause(self, pause_s: float, what: str) -> None:
        """Let some time pass. Raises ShardUnavailable where that takes too long, saying what it is that does."""
        if self._until is not None and asyncio.get_running_loop().time() + pause_s >= self._until:
            raise ShardUnavailable(
                f"{what} for longer than change_wait_s={self._wait_s:g}, and nothing has changed: try again later"
            )
        await asyncio.sleep(pause_s)

    async def turn(self, lock: asyncio.Lock) -> None:
        """Acquire a lock. Raises ShardUnavailable where that takes too long."""
        if self._until is None:
            await lock.acquire()
            return
        try:
            async with asyncio.timeout_at(self._until):
                await lock.acquire()
        except TimeoutError:
            raise ShardUnavailable(
                f"another change, a read or a backup is under way for longer than change_wait_s={self._wait_s:g}, and "
                "nothing has changed: try again when it is over"
            ) from None

    def leave(self, coroutine: Coroutine[None, None, None]) -> None:
        """Have this done although nobody waits for it."""
        spawn(coroutine, self._later)
