"""Scans for somebody who waits for the answer, and of which nothing is kept: they end with the question.

That is so however it ends: with an answer or an error, when whoever asks goes away, and when the engine is closed. Of a
process that has died the shards end them as they are opened again, for their names are not those of runs of campaigns
(change_protocol.py).
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, TypeAlias, TypeVar

from parcours.background import spawn
from parcours.clock import Clock
from parcours.errors import EngineClosed
from parcours.routing.change_protocol import see_through
from parcours.routing.ports import ShardPort
from parcours.routing.scans import announce, end
from parcours.shard.scans import Asked, Scan

T = TypeVar("T")

Asking: TypeAlias = Callable[[], Sequence[Asked]]
"""Says what is asked by what is published at the instant; may be nothing."""


class PassingScans:
    """Lives on the loop of its host. One question is answered at a time; the others wait for their turn.

    kind         what the names of scans begin with
    undisturbed  keeps what is published from changing, and numbers attempts to make all shards stand still
    """

    def __init__(
        self,
        kind: str,
        ports: Sequence[ShardPort],
        undisturbed: Callable[[], AbstractAsyncContextManager[int]],
        clock: Clock,
    ) -> None:
        self._kind = kind
        self._ports = ports
        self._undisturbed = undisturbed
        self._clock = clock
        self._turn = asyncio.Lock()
        self._stopped = asyncio.Event()
        self._answering: set[asyncio.Future[Any]] = set()
        self._announcing: set[asyncio.Future[tuple[int, list[Scan]]]] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._cut_offs: set[asyncio.TimerHandle] = set()
        """What ends those that may last only so long."""

    async def during(self, asked: Asking, answer: Callable[[int, Sequence[Scan]], Awaitable[T]]) -> T:
        """What `answer` makes of scans of one instant (ms), which end with it; they are in the order of what is asked.

        Raises what `asked` and `answer` raise, ShardUnavailable where a shard takes too long to stand still, and
        EngineClosed where the engine is closed meanwhile.
        """
        answering = asyncio.ensure_future(self._answered(asked, answer))
        self._answering.add(answering)
        answering.add_done_callback(self._answering.discard)
        try:
            return await answering
        except asyncio.CancelledError:
            caller = asyncio.current_task()
            if self._stopped.is_set() and caller is not None and not caller.cancelling():
                raise EngineClosed from None
            raise

    async def _answered(self, asked: Asking, answer: Callable[[int, Sequence[Scan]], Awaitable[T]]) -> T:
        async with self.there(asked) as (at, scans):
            return await answer(at, scans)

    @asynccontextmanager
    async def there(self, asked: Asking, within_s: float | None = None) -> AsyncIterator[tuple[int, list[Scan]]]:
        """Scans of one instant (ms), in the order of what is asked, that end with the block: for who takes as he likes.

        within_s  after so long they end, whatever becomes of the block, and it is the turn of the next question
        Raises what `asked` raises, ShardUnavailable and EngineClosed as `during` does.
        """
        if self._stopped.is_set():
            raise EngineClosed
        await self._turn.acquire()
        if self._stopped.is_set():  # while it was waited for the turn
            self._turn.release()
            raise EngineClosed
        announcing = asyncio.ensure_future(self._announce(asked))
        self._announcing.add(announcing)
        is_over = False

        def over() -> None:
            nonlocal is_over
            if not is_over:
                is_over = True
                self._turn.release()
                spawn(self._end(announcing), self._tasks)

        cut_offs = [] if within_s is None else [asyncio.get_running_loop().call_later(within_s, over)]
        self._cut_offs.update(cut_offs)
        try:
            yield await asyncio.shield(announcing)  # shards that stand still are not left alone
        finally:
            for cut_off in cut_offs:
                cut_off.cancel()
            self._cut_offs.difference_update(cut_offs)
            over()

    async def _announce(self, asked: Asking) -> tuple[int, list[Scan]]:
        async with self._undisturbed() as attempt:
            named = {f"{self._kind}-{uuid.uuid4().hex}": each for each in asked()}
            now_ms = self._clock.now_ms()
            at = await announce(self._ports, named, now_ms, attempt) if named else now_ms
            return at, [Scan(name, at, each) for name, each in named.items()]

    async def _end(self, announcing: asyncio.Future[tuple[int, list[Scan]]]) -> None:
        await asyncio.wait({announcing})  # a shard may still be told of it
        self._announcing.discard(announcing)
        if not announcing.cancelled() and announcing.exception() is None:
            _, scans = announcing.result()
            for scan in scans:
                await end(self._ports, scan.name)

    async def stop(self) -> None:
        """Answer no question any more. What shards have not forgotten yet they forget when they are opened again."""
        self._stopped.set()
        for cut_off in self._cut_offs:
            cut_off.cancel()
        for answering in [*self._answering]:
            answering.cancel()
        await asyncio.gather(*self._answering, return_exceptions=True)
        await see_through([*self._announcing, *self._tasks])
