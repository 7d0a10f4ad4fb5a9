"""What runs side by side ends together."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from parcours.background import in_thread_of, until_one_ends


class Waiting:
    """Goes on until it is cancelled, and takes a turn of the loop to end."""

    has_ended = False

    async def run(self) -> None:
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            await asyncio.sleep(0)
            self.has_ended = True


async def fails() -> None:
    raise ValueError("no answer")


def test_once_one_has_ended_the_others_have_as_well_and_its_error_is_told() -> None:
    waiting = Waiting()

    error, cancelled = asyncio.run(until_one_ends(fails(), waiting.run()))

    assert repr(error) == "ValueError('no answer')"
    assert isinstance(cancelled, asyncio.CancelledError)
    assert waiting.has_ended


def test_whoever_is_cancelled_leaves_none_of_them_behind() -> None:
    both = Waiting(), Waiting()

    async def scenario() -> None:
        task = asyncio.ensure_future(until_one_ends(*(each.run() for each in both)))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert [each.has_ended for each in both] == [True, True]

    asyncio.run(scenario())


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a thread has the niceness of its process")
def test_a_thread_can_give_way_by_itself() -> None:
    def niceness() -> int:
        return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    async def of_thread() -> int:
        with ThreadPoolExecutor(1, initializer=os.nice, initargs=(1,)) as threads:
            return await in_thread_of(threads, niceness)

    before = niceness()

    assert asyncio.run(of_thread()) == min(before + 1, 19)
    assert niceness() == before
