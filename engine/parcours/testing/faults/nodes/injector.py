"""The injector of faults of machines: strikes blow by blow, and counts what has really happened."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from time import monotonic, monotonic_ns
from typing import Final

from parcours.errors import ParcoursError
from parcours.store.claims import Claims, Held
from parcours.testing.faults.nodes.doors import Doors
from parcours.testing.faults.nodes.kinds import KILLS, Blow
from parcours.testing.faults.nodes.machines import Machines, is_actor
from parcours.testing.faults.nodes.observed import shards_of
from parcours.testing.faults.nodes.server import PostgresServer
from parcours.testing.faults.nodes.wire import Wire
from parcours.testing.faults.processes.engine import (
    BegunProcess,
    EngineProcesses,
    Gone,
    Unavailable,
    known,
    signal_all,
)
from parcours.testing.faults.processes.injector import FROZEN_S

FROZEN_MAX_S: Final = 25.0
"""A machine is frozen for `FROZEN_S`, and until its shards have successors, if they get any within this."""

GO_ON_S: Final = 2.5
"""So long shards that have been succeeded go on: time enough to write, for something is due every second."""

WAKES_S: Final = 4.0
"""A keeper is frozen for so long at most, before whoever is attached ends its process."""

ATTEMPTS: Final = 3
"""So often actors are put elsewhere, for which Ray chooses the machines, until there is a machine to freeze."""

CUT_OFTEN: Final = 0.5
CUT_S: Final = 4.0

DOWN_S: Final = 0.5
"""How long a server is down before it is started again."""

LOOK_EVERY_S: Final = 0.1

PATIENCE_S: Final = 120.0
"""Within this everything has to be at work again after a blow."""


class Injector:
    """Strikes.

    injected   how often each kind has happened; a zombie is a shard that was frozen until it had a successor, one at
               work has gone on instead
    killed_ns  when each process was killed, by the clock that all processes share
    found      violations that are seen while it strikes
    """

    def __init__(
        self, doors: Doors, machines: Machines, server: PostgresServer, wire: Wire, claims: Claims, ledger: Path
    ) -> None:
        self._doors, self._machines, self._server, self._wire = doors, machines, server, wire
        self._claims = claims
        self._ledger = ledger
        self.injected: Counter[str] = Counter()
        self.killed_ns: list[int] = []
        self.found: list[str] = []

    @property
    def kills(self) -> int:
        return sum(self.injected[kind] for kind in KILLS)

    async def strike(self, blows: Iterable[Blow]) -> None:
        """Blow after blow, each when everything is at work again after the one before; it has to be after the last."""
        for blow in blows:
            if not await self._at_work():
                return
            await asyncio.sleep(blow.pause_s)
            if await self._happens(blow):
                self.injected[blow.strike] += 1
        await self._at_work()

    async def _happens(self, blow: Blow) -> bool:
        match blow.strike:
            case "kill machine":
                raylet = self._one_of([each for each in self._machines.raylets if known(each)], blow)
                self._machines.of(raylet)  # what it leaves behind is ended with the cluster at the latest
                return self._kill(raylet)
            case "kill head":
                return await self._kill_head()
            case "kill door":
                door = self._doors.all[int(blow.chance * len(self._doors.all))]
                return self._noted(killed=door.kill_driver())
            case "kill keeper" | "kill shard" | "kill dispatcher":
                return self._kill(self._one_of(self._machines.actors(blow.strike.removeprefix("kill ")), blow))
            case "freeze machine":
                return await self._freeze(blow, with_keeper=False)
            case "freeze keeper's machine":
                return await self._freeze(blow, with_keeper=True)
            case "freeze raylet":
                return await self._freeze(blow, with_keeper=False, raylet_only=True)
            case "kill server":
                return await self._kill_server()
            case "cut commits":
                return await self._cut()
            case "two keepers":
                return await self._two_keepers(blow)
            case "keeper wakes up":
                return await self._keeper_wakes_up(blow)

    async def _at_work(self) -> bool:
        """Wait until every shard answers, and a keeper."""
        return await self._until(self._is_at_work, "the engine is not at work again")

    async def _is_at_work(self) -> bool:
        return bool(await self._doors.ask("status")) and not await self._is_unkept()

    async def _is_unkept(self) -> bool:
        """Whether whoever is attached hears from no keeper."""
        return any("nobody keeps the engine" in trouble for trouble in await self._doors.ask("troubles"))

    async def _until(self, holds: Callable[[], Awaitable[bool]], what: str) -> bool:
        """Ask until it holds; that it does not in time is a violation."""
        deadline_s = monotonic() + PATIENCE_S
        while monotonic() < deadline_s:
            with suppress(Gone, Unavailable, TimeoutError, ParcoursError):
                async with asyncio.timeout(FROZEN_S):
                    if await holds():
                        return True
            await asyncio.sleep(LOOK_EVERY_S)
        self.found.append(f"at work: {what} within {PATIENCE_S:g} s")
        return False

    def _one_of(self, processes: list[int], blow: Blow) -> int:
        """The victim, 0 if there is none."""
        return processes[int(blow.chance * len(processes))] if processes else 0

    def _kill(self, process: int) -> bool:
        return self._noted(killed=signal_all(known(process), signal.SIGKILL) > 0)

    def _noted(self, *, killed: bool) -> bool:
        if killed:
            self.killed_ns.append(monotonic_ns())
        return killed

    async def _kill_head(self) -> bool:
        """With it the cluster is lost; whoever was attached opens the engine again in another one."""
        self.killed_ns.append(monotonic_ns())
        await self._machines.lose_head()
        self._doors.move(self._machines.address)
        return True

    async def _freeze(self, blow: Blow, *, with_keeper: bool, raylet_only: bool = False) -> bool:
        """Freeze a machine until its shards have successors, then let it go on.

        What wakes up is ended by Ray, mostly before it has written anything. With the raylet alone frozen, the machine
        is taken for lost, and its shards go on meanwhile.
        """
        for _ in range(ATTEMPTS):
            shards_on = {raylet: self._shards_on(raylet) for raylet in self._machines.raylets}
            raylet = self._one_of(self._to_freeze(shards_on, with_keeper), blow)
            if raylet:
                if raylet_only:
                    return await self._freeze_until(list(known(raylet)), shards_on[raylet], "zombie at work", GO_ON_S)
                return await self._freeze_until(self._machines.of(raylet), shards_on[raylet], "zombie", 0.0)
            for process in self._machines.actors("keeper" if with_keeper else "shard"):
                self._kill(process)  # all of them are on the head's
            await self._at_work()
        return False

    async def _freeze_until(self, frozen: list[BegunProcess], shards: set[int], what: str, longer_s: float) -> bool:
        """Until these shards have successors, and so much longer; each is counted as one of what."""
        before = await asyncio.to_thread(self._claims.shards)
        if not signal_all(frozen, signal.SIGSTOP):
            return False
        begun = monotonic()
        try:
            while True:
                await asyncio.sleep(LOOK_EVERY_S)
                now = await asyncio.to_thread(self._claims.shards)
                succeeded = {shard for shard in shards if now[shard].actor not in (None, before[shard].actor)}
                frozen_s = monotonic() - begun
                if frozen_s >= FROZEN_MAX_S or (frozen_s >= FROZEN_S and succeeded == shards):
                    break
            await asyncio.sleep(longer_s)
        finally:
            signal_all(frozen, signal.SIGCONT)
        self.injected[what] += len(succeeded)
        return True

    def _to_freeze(self, shards_on: Mapping[int, set[int]], with_keeper: bool) -> list[int]:
        """The machines with the keeper; or those with shards, and without the keeper if there is one of these."""
        processes = {raylet: [process for process, _ in self._machines.of(raylet)] for raylet in shards_on}
        keeping = [raylet for raylet, all_ in processes.items() if any(is_actor(each, "keeper") for each in all_)]
        if with_keeper:
            return keeping
        having = [raylet for raylet, shards in shards_on.items() if shards]
        return [raylet for raylet in having if raylet not in keeping] or having

    def _shards_on(self, raylet: int) -> set[int]:
        """The shards that a machine has, as their actors have told."""
        actors = [process for process, _ in self._machines.of(raylet) if is_actor(process, "shard")]
        return set[int]().union(*(shards_of(self._ledger, process) for process in actors))

    async def _kill_server(self) -> bool:
        await asyncio.to_thread(self._server.kill)
        await asyncio.sleep(DOWN_S)
        await asyncio.to_thread(self._server.start_again)
        return True

    async def _cut(self) -> bool:
        often, self._wire.often = self._wire.often, CUT_OFTEN
        await asyncio.sleep(CUT_S)
        self._wire.often = often
        return True

    async def _two_keepers(self, blow: Blow) -> bool:
        """Another one takes over while the first lives; both find that a shard has ended."""
        second = self._serving(blow)
        if second is None:
            return False
        taking = asyncio.ensure_future(_take_over(second))
        self._kill(self._one_of(self._machines.actors("shard"), blow))
        return await self._first_lets_go(second, taking)

    async def _keeper_wakes_up(self, blow: Blow) -> bool:
        """Another one takes over while the first is frozen, and puts a shard elsewhere; then the first goes on."""
        second = self._serving(blow)
        frozen = [each for process in self._machines.actors("keeper") for each in known(process)]
        before = await asyncio.to_thread(self._claims.shards)
        if second is None or not signal_all(frozen, signal.SIGSTOP):
            return False
        try:
            taking = asyncio.ensure_future(_take_over(second))
            self._kill(self._one_of(self._machines.actors("shard"), blow))
            with suppress(TimeoutError):
                async with asyncio.timeout(WAKES_S):
                    await self._moved_from(before)
        finally:
            signal_all(frozen, signal.SIGCONT)
        return await self._first_lets_go(second, taking)

    async def _moved_from(self, before: Sequence[Held]) -> None:
        """Wait until a shard has been put elsewhere."""
        now = before
        while now == before:
            await asyncio.sleep(LOOK_EVERY_S)
            now = await asyncio.to_thread(self._claims.shards)

    def _serving(self, blow: Blow) -> EngineProcesses | None:
        """A door that can be asked."""
        serving = [door for door in self._doors.all if door.serves]
        return serving[int(blow.chance * len(serving))] if serving else None

    async def _first_lets_go(self, second: EngineProcesses, taking: asyncio.Future[None]) -> bool:
        """See that the first keeper lets go; then end it, so that its actor takes over, and the second lets go.

        Which process the actor has is looked up only then. It may have got another one since the second began to take
        over, for its machine had been lost, or whoever is attached had ended the one before; and that may have been
        succeeded as well. One that the actor has yet to get takes over by itself.
        """
        has_taken = False
        with suppress(Gone, TimeoutError):
            async with asyncio.timeout(PATIENCE_S):
                await taking
            has_taken = True

        async def one_lets_go() -> bool:
            return await self._is_unkept() or not await second.ask("keeps")

        let_go = has_taken and await self._until(one_lets_go, "of two keepers none lets go")
        for process in self._machines.actors("keeper"):
            self._kill(process)

        async def is_over() -> bool:
            return not await second.ask("keeps")

        return let_go and await self._until(is_over, "a second keeper that has been succeeded does not let go")


async def _take_over(door: EngineProcesses) -> None:
    """Keep the engine there, however often a commit is cut meanwhile, or the first takes over again. Raises Gone."""
    while True:
        try:
            await door.ask("take_over")
            return
        except Unavailable:
            await asyncio.sleep(LOOK_EVERY_S)
