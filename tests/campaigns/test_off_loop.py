"""Whoever is cancelled while a thread works for it waits for the thread."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event

import pytest

from parcours.background import in_thread
from parcours.campaigns.off_loop import off_loop

PATIENCE_S = 30


def test_a_call_in_a_thread_has_finished_before_its_caller_is_cancelled() -> None:
    begun, may_end, done = Event(), Event(), []

    def work() -> None:
        begun.set()
        assert may_end.wait(PATIENCE_S)
        done.append("done")

    async def scenario() -> None:
        task = asyncio.ensure_future(in_thread(work))
        assert await asyncio.to_thread(begun.wait, PATIENCE_S)
        for _ in range(2):  # whoever stops everything cancels again
            task.cancel()
            await asyncio.sleep(0)
        assert not task.done()
        may_end.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert done == ["done"]

    asyncio.run(scenario())


@pytest.mark.parametrize("fails", [False, True])
def test_a_block_is_left_once_though_its_end_is_cancelled(fails: bool) -> None:
    leaving, may_end, left = Event(), Event(), []

    @contextmanager
    def block() -> Iterator[str]:
        try:
            yield "value"
        finally:
            leaving.set()
            assert may_end.wait(PATIENCE_S)
            left.append("left")

    async def inside() -> None:
        async with off_loop(block()) as value:
            assert value == "value"
            if fails:
                raise ValueError

    async def scenario() -> None:
        task = asyncio.ensure_future(inside())
        assert await asyncio.to_thread(leaving.wait, PATIENCE_S)
        task.cancel()
        await asyncio.sleep(0)
        may_end.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert left == ["left"]

    asyncio.run(scenario())


def test_what_a_call_raises_is_raised() -> None:
    def broken(why: str) -> None:
        raise ValueError(why)

    call: Callable[[str], None] = broken
    with pytest.raises(ValueError, match="so it is"):
        asyncio.run(in_thread(call, "so it is"))
