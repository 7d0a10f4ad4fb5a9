"""Dead letters: what the engine cannot apply until it is mended, and who has it applied again.

Some events of a plan are faulty: the engine raises once it has applied one, as by a mistake of its own. From some time
on it is mended. Whoever looks after the engine lists the dead letters now and then, and has all of them sent again,
before it is mended and after, until there are none.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from parcours.core.input import EventHappened, Input
from parcours.errors import ParcoursError
from parcours.service.set_aside import list_all, send_again
from parcours.testing.faults.chance import share
from parcours.testing.faults.loop import SimulatedLoop
from parcours.testing.faults.plan import FAULTY, WORK_S

if TYPE_CHECKING:
    from parcours.testing.faults.cluster import Cluster

LOOK_EVERY_S: Final = 15_000.0
"""Pause between two rounds: a few times a day."""


class Mistake(Exception):
    """The engine has one."""


class Mending:
    """Whether the engine still has its mistake."""

    def __init__(self, cluster: Cluster) -> None:
        self.is_done = False
        cluster.loop.outside(WORK_S * share(cluster.seed, "mended"), self._do)

    def _do(self) -> None:
        self.is_done = True

    def check(self, given: Input) -> None:
        """Raises Mistake for a faulty event as long as nothing is mended."""
        if self.is_done or not isinstance(given, EventHappened):
            return
        number = given.properties.get("number")
        if isinstance(number, int) and number >= FAULTY:
            raise Mistake(f"event {number} cannot be applied")


class Postman:
    """Has dead letters sent again. `left` tells how many there were at the last look, None if nobody could look."""

    def __init__(self, loop: SimulatedLoop, cluster: Cluster) -> None:
        self._cluster = cluster
        self.left: int | None = None
        loop.spawn_outside(self._go_round())

    async def _go_round(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            try:
                self.left = await self._send_again()
            except ParcoursError:
                self.left = None

    async def _send_again(self) -> int:
        """How many letters the shards had."""
        ports = [self._cluster.port(shard) for shard in self._cluster.shards]
        letters = await list_all(ports)
        await send_again(ports, [letter.id for letter in letters if letter.line is not None])
        return len(letters)
