"""Scans that end with the question, and what becomes of the questions that wait when the engine is closed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from tests.routing.conftest import Run, till_all_wait

from parcours.clock import ManualClock
from parcours.errors import EngineClosed
from parcours.routing.passing_scans import PassingScans


class Announced:
    """Of no shards; counts how often they were made to stand still."""

    def __init__(self) -> None:
        self.times = 0
        self.scans = PassingScans("people", [], self._undisturbed, ManualClock(0))

    @asynccontextmanager
    async def _undisturbed(self) -> AsyncIterator[int]:
        self.times += 1
        yield self.times

    async def take(self, until: asyncio.Event, within_s: float | None = None) -> None:
        async with self.scans.there(list, within_s):
            await until.wait()


def test_a_question_that_waits_for_its_turn_is_asked_of_nobody_once_the_engine_is_closed(run: Run) -> None:
    async def scenario() -> None:
        announced, taken = Announced(), asyncio.Event()
        first, second, third = (asyncio.ensure_future(announced.take(taken)) for _ in range(3))
        await till_all_wait()

        await announced.scans.stop()
        taken.set()
        await first
        for waiting in (second, third):
            with pytest.raises(EngineClosed):
                await waiting

        assert announced.times == 1

    run(scenario())


def test_nothing_is_left_to_do_once_the_engine_is_closed_while_somebody_still_takes(run: Run) -> None:
    async def scenario() -> None:
        announced = Announced()
        taking = asyncio.ensure_future(announced.take(asyncio.Event(), within_s=10))
        await till_all_wait()

        await announced.scans.stop()
        await asyncio.sleep(20)

        assert not announced.scans._tasks
        assert announced.scans._turn.locked(), "whoever takes as he likes has not gone away"
        taking.cancel()
        await asyncio.gather(taking, return_exceptions=True)

    run(scenario())


def test_whoever_takes_too_long_keeps_nobody_waiting(run: Run) -> None:
    async def scenario() -> None:
        announced, at_once = Announced(), asyncio.Event()
        at_once.set()
        taking = asyncio.ensure_future(announced.take(asyncio.Event(), within_s=10))
        await till_all_wait()
        await announced.take(at_once)

        assert announced.times == 2
        taking.cancel()
        await asyncio.gather(taking, return_exceptions=True)
        await announced.scans.stop()

    run(scenario())
