"""Has everything come to rest? Nothing is under way, and nothing is due any more."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from time import monotonic
from typing import Final

from parcours.shard.messages import Status
from parcours.testing.faults.processes.client import Asked, Client
from parcours.testing.faults.processes.engine import Gone, Unavailable

LOOK_EVERY_S: Final = 0.25

LATER_MS: Final = 86_400_000
"""Nothing in the journeys takes so long."""


async def come_to_rest(engine: Asked, client: Client, within_s: float) -> tuple[list[Status], float]:
    """Wait until nothing is under way and nothing is due any more, and once more when nobody reacts any more.

    A mail may have arrived whose server has not told of it yet. Returns how the shards stand, and how long it took.
    """
    begun, statuses = monotonic(), list[Status]()
    while monotonic() - begun < within_s:
        await asyncio.sleep(LOOK_EVERY_S)
        with suppress(Gone, Unavailable):
            statuses = await engine.ask("status")
            if not client.under_way and all(map(_rests, statuses)):
                if not client.reacts:
                    break
                client.reacts = False
    return statuses, monotonic() - begun


def _rests(status: Status) -> bool:
    """What is due much later is that names are let go which nobody has used for long."""
    is_due = status.next_ms is not None and status.next_ms < status.stamp_ms + LATER_MS
    return not (is_due or status.ready or status.claimed or status.unanswered)


def unrest(statuses: list[Status], client: Client) -> list[str]:
    """What has not come to rest, as violations."""
    restless = [f"rest: shard {n} does not come to rest: {each}" for n, each in enumerate(statuses) if not _rests(each)]
    waiting = [f"rest: {client.under_way} calls were never answered"] if client.under_way else []
    return [*restless, *waiting]
