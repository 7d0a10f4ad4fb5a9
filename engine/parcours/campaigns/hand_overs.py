"""How does a run hand people over while it goes on? Under virtual time at once; in an engine beside all the rest.

A send with waves or a slow rate hands its people over for as long as they are due, and what follows on other sets does
not wait for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Protocol, TypeAlias

HandOver: TypeAlias = Callable[[], Awaitable[None]]
"""Hands over everybody of a step. To do so again changes nothing."""


class HandOvers(Protocol):
    """Of one run."""

    async def begin(self, step: str, hand_over: HandOver) -> None:
        """Begin with a step's people, after those of all steps for which it was called before."""

    def are_over(self, step: str) -> bool:
        """Whether nobody of the step is still to be handed over."""

    def has_failed(self, step: str) -> bool:
        """Whether the step's people cannot be handed over, however often it is tried."""

    def check(self, step: str) -> None:
        """Raises what keeps the step's people from being handed over."""

    async def stop(self) -> None:
        """Hand over nobody any more."""


class HandOversAtOnce:
    """Virtual time: satisfies `HandOvers`."""

    async def begin(self, step: str, hand_over: HandOver) -> None:
        await hand_over()

    def are_over(self, step: str) -> bool:
        return True

    def has_failed(self, step: str) -> bool:
        return False  # `begin` has raised it

    def check(self, step: str) -> None:
        pass

    async def stop(self) -> None:
        pass


class Turns(Protocol):
    """In which order the hand-overs of a run go, of those who are due at one instant."""

    def enter(self, step: str) -> None:
        """That of a step begins, behind all that are there."""

    def leave(self, step: str) -> None:
        """It is over, however it has ended: it keeps nobody waiting."""


class LiveHandOvers:
    """In an engine: satisfies `HandOvers`.

    carry_out  does so for a step, again and again where the store or the disk fails
    turns      where each has its turn from its begin to its end, however often it is tried again
    """

    def __init__(self, carry_out: Callable[[str, HandOver], Awaitable[None]], turns: Turns) -> None:
        self._carry_out = carry_out
        self._turns = turns
        self._news = asyncio.Event()
        self.tasks: dict[str, asyncio.Future[None]] = {}
        """By step, in the order in which they began."""

    async def begin(self, step: str, hand_over: HandOver) -> None:
        if step not in self.tasks:
            self._turns.enter(step)
            self.tasks[step] = asyncio.ensure_future(self._carry_out(step, hand_over))
            self.tasks[step].add_done_callback(lambda _: self._end(step))

    def _end(self, step: str) -> None:
        self._turns.leave(step)
        self._news.set()

    def are_over(self, step: str) -> bool:
        return step not in self.tasks or self.tasks[step].done()

    def has_failed(self, step: str) -> bool:
        task = self.tasks.get(step)
        return task is not None and task.done() and not task.cancelled() and task.exception() is not None

    def check(self, step: str) -> None:
        if step in self.tasks and self.tasks[step].done():
            self.tasks[step].result()

    async def stop(self) -> None:
        for task in self.tasks.values():
            task.cancel()
        await asyncio.gather(*self.tasks.values(), return_exceptions=True)

    async def one_over(self, within_s: float) -> None:
        """Return when one is over since this was called last, or after so many seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await self._news.wait()
        self._news.clear()
