"""The doors as the harness sees them: whoever asks the engine asks one of them, in turn."""

from __future__ import annotations

import asyncio
from itertools import count
from typing import Any, Final

from parcours.background import until_one_ends
from parcours.testing.faults.processes.engine import EngineProcesses, Gone
from parcours.testing.faults.processes.folders import Folders

DOORS: Final = 3


class Doors:
    """Starts them; each is started again whenever it has died."""

    def __init__(self, folders: Folders, store: str, cluster: str) -> None:
        self.all = [EngineProcesses("nodes", folders, store, cluster, number) for number in range(DOORS)]
        self._turn = count()

    @property
    def starts(self) -> int:
        return sum(door.starts for door in self.all)

    async def start(self) -> None:
        """Whichever comes first opens the engine, the others attach to it."""
        await asyncio.gather(*(door.start() for door in self.all))
        await asyncio.gather(*(door.opened() for door in self.all))

    def move(self, cluster: str) -> None:
        """All of them start again, at another cluster: whichever comes first opens the engine there."""
        for door in self.all:
            door.cluster = cluster
            door.kill_driver()

    async def opened(self) -> int:
        """Wait until one of them serves."""
        await until_one_ends(*(door.opened() for door in self.all))
        return self.starts

    async def ask(self, question: str, more: Any = None) -> Any:
        """Raises Gone where none serves or the one that was asked has ended, Unavailable with its words."""
        serving = [door for door in self.all if door.serves]
        if not serving:
            raise Gone
        return await serving[next(self._turn) % len(serving)].ask(question, more)

    async def stop(self) -> None:
        """Let them end in good order."""
        await asyncio.gather(*(door.stop() for door in self.all))

    async def close(self) -> None:
        """End whatever is left of them."""
        for door in self.all:
            await door.close()
