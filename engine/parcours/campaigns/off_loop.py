"""A block whose beginning and end take long, entered from an event loop that has other things to do meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AbstractContextManager, asynccontextmanager
from typing import TypeVar

T = TypeVar("T")


@asynccontextmanager
async def off_loop(manager: AbstractContextManager[T]) -> AsyncGenerator[T, None]:
    """Enter and leave the block of `manager` in a thread."""
    entering = asyncio.ensure_future(asyncio.to_thread(manager.__enter__))
    try:
        value = await asyncio.shield(entering)
    except asyncio.CancelledError as error:
        await asyncio.wait({entering})  # it has been entered then, and has to be left
        if entering.exception() is None:
            manager.__exit__(type(error), error, error.__traceback__)
        raise
    try:
        yield value
    except BaseException as error:
        if not await asyncio.to_thread(manager.__exit__, type(error), error, error.__traceback__):
            raise
    else:
        await asyncio.to_thread(manager.__exit__, None, None, None)
