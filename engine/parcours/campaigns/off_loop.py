"""Work that takes long, begun from an event loop that has other things to do meanwhile: in a thread."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractContextManager, asynccontextmanager
from typing import ParamSpec, TypeVar

from parcours.background import in_thread

T = TypeVar("T")
P = ParamSpec("P")


async def in_thread(call: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
    """What the call returns. Whoever is cancelled meanwhile waits until it is over: nothing of it goes on behind."""
    calling = asyncio.ensure_future(asyncio.to_thread(call, *arguments, **named))
    try:
        return await asyncio.shield(calling)
    except asyncio.CancelledError:
        await asyncio.wait({calling})
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
