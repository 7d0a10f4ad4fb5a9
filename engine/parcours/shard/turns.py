"""Turns: who may change a shard now, and how long may that keep others from looking in?

A change is carried out whole before the next one begins; whoever comes meanwhile waits for a turn, first come, first
served. A long change goes on in slices, between which the loop answers whatever changes nothing, from what has been
committed: so a shard that is busy can still say so. While a shard is held, only what ends that has a turn.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator
from typing import Final, TypeVar

from parcours.collector import spared
from parcours.errors import ShardUnavailable

T = TypeVar("T")

SLICE_S: Final = 0.05
"""After so long others may look in: a question waits no longer for a large batch than for a few small ones."""


class Turns:
    """The turns of one shard, on one loop: `async with turns` is one."""

    def __init__(self, *, held: bool) -> None:
        self.even_if_held = asyncio.Lock()
        """A turn that does not wait until the shard is held no more."""
        self._free = asyncio.Event()
        self._ended = False
        self._wanted = 0
        self.number = 0
        """How many turns there were."""

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

    @property
    def wanted(self) -> bool:
        """Whether somebody has a turn now, or waits for one."""
        return self._wanted > 0

    async def __aenter__(self) -> None:
        self._wanted += 1
        try:
            await self._begin()
        except BaseException:
            self._wanted -= 1
            raise

    async def _begin(self) -> None:
        while True:
            if not self._free.is_set():
                await self._free.wait()
            await self.even_if_held.acquire()
            if self._free.is_set() and not self._ended:
                self.number += 1
                return
            self.even_if_held.release()
            if self._ended:
                raise ShardUnavailable("the shard was closed before its turn came")

    async def __aexit__(self, *_: object) -> None:
        self._wanted -= 1
        self.even_if_held.release()


async def in_slices(steps: Generator[None, None, T]) -> T:
    """Go through all steps, and return what comes of them. Whoever calls has the turn."""
    time = asyncio.get_running_loop().time
    while True:
        try:
            with spared():  # what a large batch makes lives until its commit, and would be looked through many times
                until_s = time() + SLICE_S
                next(steps)
                while time() < until_s:
                    next(steps)
        except StopIteration as end:
            result: T = end.value
            return result
        try:
            await asyncio.sleep(0)
        except asyncio.CancelledError:
            at_once(steps)  # nobody waits for it any more, but half a change would be the shard's last
            raise


def never() -> bool:
    """It is never enough: a change goes on as long as there is something to do."""
    return False


def for_a_slice() -> Callable[[], bool]:
    """It is enough when a third of a slice is over, which begins now: the rest is for the commit, and for its disk."""
    time = asyncio.get_running_loop().time
    until_s = time() + SLICE_S / 3
    return lambda: time() >= until_s


def at_once(steps: Generator[None, None, T]) -> T:
    """Go through all steps without a pause."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            result: T = end.value
            return result
