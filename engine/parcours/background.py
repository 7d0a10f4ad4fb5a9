"""Background tasks: coroutines that nobody awaits."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine


def spawn(coroutine: Coroutine[None, None, None], tasks: set[asyncio.Task[None]]) -> None:
    """Run a coroutine in the background. `tasks` holds it until it is over: the loop alone may forget it."""
    task = asyncio.ensure_future(coroutine)
    tasks.add(task)
    task.add_done_callback(tasks.discard)
