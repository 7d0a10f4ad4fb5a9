"""How long do answers take at a rate? Calls leave when they are due, whether or not others have been answered.

Each latency counts from when its call was due: an engine that stands still for a while is late for all that were due
meanwhile, and cannot hide it by keeping callers from asking (coordinated omission).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

BEGIN_AFTER_S = 0.1
"""No call is due before whoever makes them is ready."""


Ask: TypeAlias = Callable[[int], Awaitable[object]]
"""Makes the call of a number, and waits for its answer."""


async def at_rate(ask: Ask, per_second: float, count: int) -> tuple[list[float], list[float]]:
    """So many calls a second; when each was due, by `time.monotonic`, and the milliseconds until its answer."""
    begin_s = time.monotonic() + BEGIN_AFTER_S
    due_s = [begin_s + number / per_second for number in range(count)]
    waited_ms = [0.0] * count

    async def one(number: int) -> None:
        await ask(number)
        waited_ms[number] = (time.monotonic() - due_s[number]) * 1_000

    async with asyncio.TaskGroup() as calls:
        for number in range(count):
            if (ahead_s := due_s[number] - time.monotonic()) > 0:
                await asyncio.sleep(ahead_s)
            calls.create_task(one(number))
    return due_s, waited_ms


async def latencies(ask: Ask, per_second: float, count: int) -> list[float]:
    """The milliseconds alone, in rising order."""
    _, waited_ms = await at_rate(ask, per_second, count)
    return sorted(waited_ms)


async def at_once(ask: Ask, count: int, callers: int) -> tuple[float, list[float]]:
    """Callers who each make the next call once theirs is answered; the seconds of all, and the milliseconds of each."""
    numbers, waited_ms = iter(range(count)), list[float]()

    async def caller() -> None:
        for number in numbers:
            begun_s = time.perf_counter()
            await ask(number)
            waited_ms.append((time.perf_counter() - begun_s) * 1_000)

    started_s = time.perf_counter()
    await asyncio.gather(*(caller() for _ in range(callers)))
    return time.perf_counter() - started_s, waited_ms


def quantile(values: Sequence[float], percent: float) -> float:
    """The value that so many in a hundred are at most."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def spread(waited_ms: Sequence[float]) -> dict[str, float]:
    """What is told of latencies."""
    return {"p50": quantile(waited_ms, 50), "p99": quantile(waited_ms, 99), "longest": max(waited_ms)}
