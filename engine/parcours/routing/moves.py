"""Letting no move between shards begin, and waiting until none is under way: for a change that concerns everybody.

Somebody on her way is in no shard, and would miss the change, or go through it twice; in a backup she might be missing.
Lines that would begin a move wait with their routers meanwhile. Whoever stops them has to say so again and again: once
he is gone, they go on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import Final

from parcours.config import SECOND_MS
from parcours.errors import ShardUnavailable
from parcours.routing.patience import Patience
from parcours.routing.ports import ChangePort
from parcours.shard.requests import HaltMoves

HALT_MS: Final = 5_000
"""For how long no move begins after it was said last."""

LOOK_EVERY_S: Final = 0.02

QUIET_LOOKS: Final = 2
"""Looks at all shards in which nothing is under way: a message may pass from one to another between two questions."""


async def end_moves(ports: Sequence[ChangePort], patience: Patience) -> None:
    """No move is under way when it returns, and for `HALT_MS` none begins, or until `let_move`.

    Raises ShardUnavailable where one takes too long.
    """
    if len(ports) == 1:
        return  # what a shard does by itself is one commit
    quiet = 0
    while quiet < QUIET_LOOKS:
        looks = [await patience.answer(number, partial(_halt, port)) for number, port in enumerate(ports)]
        quiet = 0 if any(looks) else quiet + 1
        if not quiet:
            await patience.pause(LOOK_EVERY_S, f"people are on their way to or from shard {looks.index(max(looks))}")


async def keep_ended(ports: Sequence[ChangePort]) -> None:
    """For as long as this goes on no move begins, once they have ended."""
    while len(ports) > 1:
        for port in ports:
            with suppress(ShardUnavailable):  # one that opens again has none under way but those that it had before
                await _halt(port)
        await asyncio.sleep(HALT_MS / 2 / SECOND_MS)


async def let_move(ports: Sequence[ChangePort]) -> None:
    """Moves may begin again."""
    for port in ports:
        with suppress(ShardUnavailable):  # there it is over by itself
            await port.ask(HaltMoves(0))


async def _halt(port: ChangePort) -> int:
    return await port.ask(HaltMoves(HALT_MS))
