"""Turns: who may change a shard now, and how long may that keep others from looking in?

A change is carried out whole before the next one begins; whoever comes meanwhile waits for a turn, first come, first
served. A long change goes on in slices, between which the loop answers whatever changes nothing, from what has been
committed: so a shard that is busy can still say so. While a shard is held, only what ends that has a turn.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator
from typing import Final, TypeVar

from parcours.errors import ShardUnavailable

T = TypeVar("T")

SLICE_S: Final = 0.05
"""After so long others may look in: a question waits no longer for a large batch than for a few small ones."""


COMMIT_MIN_S: Final = SLICE_S / 4
"""Time kept for a commit however short the last ones were: the next may wait for the disk."""

COMMIT_MAX_S: Final = SLICE_S * 0.8
"""And however long they were: on a slow disk a slice is too long, but what is overdue must not take for ever."""

COMMIT_FORGOTTEN: Final = 0.1
"""Share of the difference by which a shorter commit shortens the time kept: long ones come every few commits."""


class Turns:
    """The turns of one shard, on one loop: `async with turns` is one."""

    def __init__(self, *, held: bool) -> None:
        self.even_if_held = asyncio.Lock()
        """A turn that does not wait until the shard is held no more."""
        self._free = asyncio.Event()
        self._ended = False
        self.hold(held=held)

    def hold(self, *, held: bool) -> None:
        """Let everybody wait, or go on."""
        self._free.clear() if held else self._free.set()

    def end(self) -> None:
        """There are no more turns: whoever waits for one is told so, instead of waiting for ever."""
        self._ended = True
        self._free.set()

    @property
    def held(self) -> bool:
        return not self._free.is_set()

    @property
    def taken(self) -> bool:
        """Whether somebody has a turn now."""
        return self.even_if_held.locked()

    async def __aenter__(self) -> None:
        while True:
            if not self._free.is_set():
                await self._free.wait()
            await self.even_if_held.acquire()
            if self._free.is_set() and not self._ended:
                return
            self.even_if_held.release()
            if self._ended:
                raise ShardUnavailable("the shard was closed before its turn came")

    async def __aexit__(self, *_: object) -> None:
        self.even_if_held.release()


async def in_slices(steps: Generator[None, None, T]) -> T:
    """Go through all steps, and return what comes of them. Whoever calls has the turn."""
    time = asyncio.get_running_loop().time
    until_s = time() + SLICE_S
    while True:
        try:
            next(steps)
        except StopIteration as end:
            result: T = end.value
            return result
        if time() < until_s:
            continue
        try:
            await asyncio.sleep(0)
        except asyncio.CancelledError:
            at_once(steps)  # nobody waits for it any more, but half a change would be the shard's last
            raise
        until_s = time() + SLICE_S


def never() -> bool:
    """It is never enough: a change goes on as long as there is something to do."""
    return False


class Pace:
    """How much is done in a slice that ends with a commit: what is left of it once the commit has had its time.

    A commit takes as long as the disk and the images that are renewed with it do, so its time is that of the newest
    ones: a longer one counts at once, and a shorter one little by little, for an image is not renewed with each.
    """

    def __init__(self, time: Callable[[], float] | None = None) -> None:
        self._time = time
        self._commit_s = SLICE_S / 2
        self._stopped_s: float | None = None

    def begin(self) -> Callable[[], bool]:
        """A slice begins now; the answer tells whether it is enough."""
        time = self._clock()
        until_s = time() + SLICE_S - self._commit_s
        self._stopped_s = None

        def enough() -> bool:
            now_s = time()
            if now_s < until_s:
                return False
            self._stopped_s = now_s
            return True

        return enough

    def end(self) -> None:
        """The slice has ended with its commit."""
        if self._stopped_s is not None:  # else there was not enough to do
            took_s = self._clock()() - self._stopped_s
            shrunk_s = self._commit_s + (took_s - self._commit_s) * COMMIT_FORGOTTEN
            self._commit_s = min(max(took_s, shrunk_s, COMMIT_MIN_S), COMMIT_MAX_S)

    def _clock(self) -> Callable[[], float]:
        return asyncio.get_running_loop().time if self._time is None else self._time


def at_once(steps: Generator[None, None, T]) -> T:
    """Go through all steps without a pause."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            result: T = end.value
            return result
