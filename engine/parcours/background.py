"""Background tasks: coroutines that nobody awaits, and threads that nobody leaves."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import Executor
from contextlib import suppress
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


def spawn(coroutine: Coroutine[None, None, None], tasks: set[asyncio.Task[None]]) -> None:
    """Run a coroutine in the background. `tasks` holds it until it is over: the loop alone may forget it."""
    task = asyncio.ensure_future(coroutine)
    tasks.add(task)
    task.add_done_callback(tasks.discard)


async def until_one_ends(*coroutines: Coroutine[Any, Any, object]) -> list[object]:
    """Run them side by side until one has ended; the others are cancelled. What each returned, or the error it raised.

    All have ended when it returns, and when it is cancelled itself.
    """
    tasks = [asyncio.ensure_future(each) for each in coroutines]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
    return ended


async def in_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """What a function returns that runs in a thread. Whoever is cancelled meanwhile waits for its end all the same."""
    return await _to_its_end(asyncio.to_thread(function, *args, **kwargs))


async def in_thread_of(threads: Executor, function: Callable[[], T]) -> T:
    """The same in one of these threads."""
    return await _to_its_end(asyncio.get_running_loop().run_in_executor(threads, function))


async def _to_its_end(running: Awaitable[T]) -> T:
    thread = asyncio.ensure_future(running)
    try:
        return await asyncio.shield(thread)
    except asyncio.CancelledError:
        while not thread.done():  # whoever stops everything may cancel it again
            with suppress(asyncio.CancelledError):
                await asyncio.wait([thread])
        if not thread.cancelled():
            thread.exception()  # nobody asks what became of it
        raise
