"""Calls that take long, and blocks that take long to enter and to leave, for an event loop with other things to do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractContextManager, asynccontextmanager
from typing import ParamSpec, TypeVar

T = TypeVar("T")
P = ParamSpec("P")


async def in_thread(call: Callable[P, T], *args: P.args, **more: P.kwargs) -> T:
    """What a call gives that takes long. Who is cancelled leaves it when it is over, and not at work on its files."""
    calling = asyncio.ensure_future(asyncio.to_thread(call, *args, **more))
    try:
        return await asyncio.shield(calling)
    except asyncio.CancelledError:
        await asyncio.wait({calling})
        if calling.done() and not calling.cancelled():
            calling.exception()  # nobody asks what became of it
        raise


@asynccontextmanager
async def off_loop(manager: AbstractContextManager[T]) -> AsyncGenerator[T, None]:
    """Enter and leave the block of `manager` in a thread."""
    entered: list[T] = []
    try:
        await in_thread(lambda: entered.append(manager.__enter__()))
    except asyncio.CancelledError as error:
        if entered:
            manager.__exit__(type(error), error, error.__traceback__)
        raise
    try:
        yield entered[0]
    except BaseException as error:
        if not await in_thread(manager.__exit__, type(error), error, error.__traceback__):
            raise
    else:
        await in_thread(manager.__exit__, None, None, None)
