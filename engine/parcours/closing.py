"""The giving back of what was acquired: every step of closing is made, even where one before it has failed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import TypeAlias

Step: TypeAlias = Callable[[], Awaitable[object] | None]
"""Gives one thing back, at once or when it is awaited."""


async def close_all(steps: Iterable[Step | None], after: BaseException | None = None) -> None:
    """Make every step, then raise the first error there was; the others are notes of it. None is no step.

    after  what went wrong before and made closing necessary: the first error, then
    """
    first = after
    for step in filter(None, steps):
        try:
            awaited = step()
            if awaited is not None:
                await awaited
        except BaseException as error:  # noqa: BLE001  # a caller's impatience leaves nothing open either
            first = _first(first, error)
    if first is not None:
        raise first


def close_after(error: BaseException, close: Callable[[], None]) -> None:
    """Close what cannot be used because of this error, which is about to be raised; a further one is a note of it."""
    try:
        close()
    except Exception as another:  # noqa: BLE001  # what came first says more
        _first(error, another)


def _first(first: BaseException | None, error: BaseException) -> BaseException:
    if first is None:
        return error
    if error is not first:
        first.add_note(f"closing failed besides: {type(error).__name__}: {error}")
    return first
