"""The injector: strikes blow by blow, finds its victims by asking the engine, and counts what has really happened."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from time import monotonic_ns
from typing import Final

from parcours.testing.faults.processes.engine import EngineProcesses, Gone, Unavailable, known, signal_all
from parcours.testing.faults.processes.full_disk import SmallDisk
from parcours.testing.faults.processes.kinds import KILLS, Blow
from parcours.testing.faults.processes.project import SETTINGS

FROZEN_S: Final = SETTINGS.actor_silence_ms / 1_000 + 1.5
"""Longer than an actor may be silent."""

PAUSED_S: Final = 0.7
"""How long the driver is frozen, whom nobody replaces."""

FULL_S: Final = 1.2

LOG_IN_S: Final = 1.0
"""How long a kill waits at most for somebody to have logged in."""

MOVES_S: Final = 0.006
"""How long it waits at most after that: about as long as a move takes."""

LOOK_EVERY_S: Final = 0.05
LOOKS_MAX: Final = 1_200
"""Looks for a victim before a blow is given up."""


class Injector:
    """Strikes.

    injected   how often each kind has happened
    killed_ns  when each process was killed, by the clock that all processes share
    """

    def __init__(self, engine: EngineProcesses, disk: SmallDisk, log_in: Callable[[], Awaitable[None]]) -> None:
        """`log_in` lets people log in, and returns once the first of them has been told that she has."""
        self._engine = engine
        self._log_in = log_in
        self.killed_ns: list[int] = []
        self._disk = disk
        self._thawing: set[asyncio.Task[None]] = set()
        self._found: dict[str, tuple[int, str]] = {}
        self.injected: Counter[str] = Counter()

    @property
    def kills(self) -> int:
        return sum(self.injected[kind] for kind in KILLS)

    async def strike(self, blows: Iterable[Blow]) -> None:
        for blow in blows:
            if blow.at_work:
                await self._at_work()
            await asyncio.sleep(blow.pause_s)
            for _ in range(LOOKS_MAX):
                if await self._happens(blow):
                    self.injected[blow.strike] += 1
                    break
                await asyncio.sleep(LOOK_EVERY_S)
        if self._thawing:
            await asyncio.wait(self._thawing)

    async def _at_work(self) -> None:
        """Wait until every shard answers."""
        for _ in range(LOOKS_MAX):
            await self._engine.opened()
            with suppress(Gone, Unavailable, TimeoutError):
                async with asyncio.timeout(FROZEN_S):
                    await self._engine.ask("status")
                return
            await asyncio.sleep(LOOK_EVERY_S)

    async def _happens(self, blow: Blow) -> bool:
        match blow.strike:
            case "kill driver":
                await self._let_log_in(blow)
                return self._noted(killed=self._engine.kill_driver())
            case "freeze driver":
                return self._freeze(self._engine.driver, PAUSED_S)
            case "kill shard" | "kill dispatcher":
                victim = await self._victim(blow)
                if victim:
                    await self._let_log_in(blow)
                return self._noted(killed=signal_all(known(victim), signal.SIGKILL) > 0)
            case "freeze shard" | "freeze dispatcher":
                return self._freeze(await self._victim(blow), FROZEN_S)
            case "full disk":
                return await self._fill()

    async def _let_log_in(self, blow: Blow) -> None:
        """So that somebody is on her way to another shard when a process dies."""
        with suppress(TimeoutError):
            async with asyncio.timeout(LOG_IN_S):
                await self._log_in()
                await asyncio.sleep(MOVES_S * blow.chance)

    def _noted(self, *, killed: bool) -> bool:
        if killed:
            self.killed_ns.append(monotonic_ns())
        return killed

    async def _victim(self, blow: Blow) -> int:
        """The process of an actor of this kind, 0 if none can be found now.

        The engine tells all or none, so those that it told before are victims for as long as they live.
        """
        kind = blow.strike.rpartition(" ")[2]
        found = [each for name, each in sorted(self._found.items()) if name.startswith(kind) and each in known(each[0])]
        if not found:
            with suppress(Gone, Unavailable, TimeoutError):
                async with asyncio.timeout(FROZEN_S):
                    told = await self._engine.ask("process_ids")
                self._found = {name: each for name, process in told.items() for each in known(process)}
        return found[int(blow.chance * len(found))][0] if found else 0

    def _freeze(self, process: int, length_s: float) -> bool:
        frozen = known(process)
        if not signal_all(frozen, signal.SIGSTOP):
            return False

        async def thaw() -> None:
            await asyncio.sleep(length_s)
            signal_all(frozen, signal.SIGCONT)

        task = asyncio.create_task(thaw())
        self._thawing.add(task)
        task.add_done_callback(self._thawing.discard)
        return True

    async def _fill(self) -> bool:
        try:
            async with asyncio.timeout(FROZEN_S):
                told = await self._engine.ask("process_ids")
        except (Gone, Unavailable, TimeoutError):
            return False
        owners = [process for name, process in told.items() if name.startswith("shard")] or [self._engine.driver]
        try:
            self._disk.fill(owners)
            await asyncio.sleep(FULL_S)
        finally:
            self._disk.clear()
        return True
