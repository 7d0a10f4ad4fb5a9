"""The giving back of what was acquired."""

from __future__ import annotations

import asyncio

import pytest

from parcours.closing import close_after, close_all


def failing(name: str, made: list[str]) -> None:
    made.append(name)
    raise OSError(name)


def test_every_step_is_made_and_the_first_error_is_raised() -> None:
    made: list[str] = []

    async def awaited() -> None:
        failing("second", made)

    async def close() -> None:
        await close_all([lambda: failing("first", made), awaited, lambda: made.append("third")])

    with pytest.raises(OSError, match="first") as caught:
        asyncio.run(close())

    assert made == ["first", "second", "third"]
    assert caught.value.__notes__ == ["closing failed besides: OSError: second"]


def test_what_made_closing_necessary_is_the_first_error() -> None:
    made: list[str] = []
    error = ValueError("before")

    close_after(error, lambda: failing("closing", made))
    with pytest.raises(ValueError, match="before"):
        asyncio.run(close_all([lambda: failing("again", made)], after=error))

    assert made == ["closing", "again"]
    assert error.__notes__ == ["closing failed besides: OSError: closing", "closing failed besides: OSError: again"]


def test_impatience_leaves_nothing_open() -> None:
    made: list[str] = []

    async def endless() -> None:
        await asyncio.Event().wait()

    async def close() -> None:
        task = asyncio.ensure_future(close_all([endless, lambda: made.append("closed")]))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert task.cancelled()

    asyncio.run(close())
    assert made == ["closed"]
