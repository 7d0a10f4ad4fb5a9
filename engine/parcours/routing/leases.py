"""Waiting until no router answers anything by itself, before something is published that may listen to it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from math import ceil
from typing import Final

from parcours.config import SECOND_MS
from parcours.routing.patience import Patience
from parcours.routing.ports import ChangePort
from parcours.shard.requests import EndLeases

NONE_FOR_MS: Final = 5_000
"""So long no lease is granted after it was said last: longer than those run that are waited for."""


async def end_leases(ports: Sequence[ChangePort], patience: Patience) -> int:
    """No router has a lease when it returns, and none is granted for a while; for how long it waited for that, in ms.

    A shard that has crashed meanwhile grants some again until it is told anew, unless it stands still. Raises
    ShardUnavailable where one takes too long.
    """
    loop = asyncio.get_running_loop()
    since_s, has_waited = loop.time(), False
    while True:
        left = [await patience.answer(number, partial(_end, port)) for number, port in enumerate(ports)]
        if not any(left):
            return ceil((loop.time() - since_s) * SECOND_MS) if has_waited else 0
        await patience.pause(max(left) / SECOND_MS, "routers answer by themselves what nothing listens to")
        has_waited = True


async def _end(port: ChangePort) -> int:
    return await port.ask(EndLeases(NONE_FOR_MS))
