"""A block whose beginning and end take long, entered from an event loop that has other things to do meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AbstractContextManager, asynccontextmanager
from typing import TypeVar

from parcours.background import in_thread

T = TypeVar("T")


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
