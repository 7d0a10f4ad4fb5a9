"""The way of one process to the shards: its router, and questions about people to whoever owns them.

An engine has one such way, or many: each process that is attached to it has its own (attached_host.py).
"""

from __future__ import annotations

import asyncio
import shutil
import uuid
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

from parcours.clock import Clock
from parcours.config import MIB, Settings
from parcours.core.fact import Fact
from parcours.errors import Overloaded, ParcoursError, ShardUnavailable
from parcours.insight.exporter.facts import Exported
from parcours.insight.exporter.inputs import ExportedInputs
from parcours.insight.exporter.opening import recall_exported, recall_inputs
from parcours.journey.program import Program
from parcours.routing.alone import UNREAD, Alone
from parcours.routing.plan import Links, Plan
from parcours.routing.ports import ShardPort
from parcours.routing.router import Router
from parcours.routing.taken import Taken
from parcours.service.figures import EngineFigures, ask_all
from parcours.service.following import ask_owner
from parcours.service.person_record import PersonRecord
from parcours.service.settlement import outstanding
from parcours.shard.found import Located
from parcours.shard.messages import Recalled
from parcours.shard.requests import GetHeld, GetStatus, Locate, RecallFacts
from parcours.store.address import files_of

READY_WITHIN_S = 5.0
"""How long a shard may take to answer, by its commit or otherwise, for traffic to be sent to it."""

DISK_FREE_MIN = 64 * MIB
"""Free bytes without which a store takes no traffic: journal, images and files of ids grow by more within a minute."""


class ShardAccess(ABC):
    """Lives on one event loop. Lines are routed once `_begin_routing` has been called."""

    def __init__(self, plan: Plan, clock: Clock, *, shares_loop: bool) -> None:
        """shares_loop: whether the shards live on the same loop."""
        self._plan = plan
        self._clock = clock
        self._shares_loop = shares_loop
        self._router: Router | None = None
        self._waiting = 0

    @property
    @abstractmethod
    def ports(self) -> Sequence[ShardPort]:
        """All shards."""

    def now_ms(self) -> int:
        """The time by the clock of the engine."""
        return self._clock.now_ms()

    @property
    def store_folder(self) -> Path | None:
        """Where the store keeps what it keeps in files, None if it has no folder for them."""
        return files_of(self._plan.store)

    @property
    def settings(self) -> Settings:
        return self._plan.settings

    @property
    def links(self) -> Links | None:
        """The addresses of a door that deliveries carry; None if they carry none."""
        return self._plan.links

    @property
    def channels(self) -> Mapping[str, Mapping[str, object]]:
        """The settings of each channel on which deliveries leave, secrets resolved."""
        return self._plan.channels

    @property
    def records(self) -> Sequence[str]:
        """The channels that only record what would be sent."""
        return self._plan.records

    def _begin_routing(self, program: Program) -> None:
        """Take lines from now on, as this program tells whose they are."""
        bounds, slot_map, alone = self._plan.settings, self._plan.slot_map, Alone()
        self._router = Router(
            uuid.uuid4().hex, self.ports, program, bounds, slot_map, shares_loop=self._shares_loop, alone=alone
        )

    def _route_by(self, program: Program, ledger: int) -> None:
        """This program, of the ledger of this number, tells from now on whose lines are."""
        assert self._router is not None, "_begin_routing comes first"
        self._router.publish(program, ledger if self._plan.settings.idle_events == "answer" else None)

    async def _end_routing(self) -> None:
        """Take no more lines; those that wait for room, and calls under way, fail with ShardUnavailable."""
        if self._router is not None:
            await self._router.close()

    @abstractmethod
    async def troubles(self) -> list[str]:
        """What is not in order now, a sentence each."""

    async def route(self, lines: Sequence[bytes], *, are_reports: bool) -> Taken:
        """What becomes of these lines. Raises Overloaded as `hand_in` does, however long it takes to get in."""
        taken = await self.hand_in(lines, are_reports=are_reports)
        return await taken.done

    async def hand_in(
        self,
        lines: Sequence[bytes],
        skews_ms: Sequence[int] = (),
        *,
        user_ids: Sequence[str] = (),
        are_reports: bool = False,
        room_wait_s: float | None = None,
    ) -> Taken:
        """Put these lines into the lanes of their shards (`Router.hand_in`), once there is room in those.

        user_ids     whose each line is, where that is known already; empty where it is not
        room_wait_s  how long to wait for it, and for shards that do not answer now; None: as long as it takes for room
        Raises Overloaded if there is none then, if too many calls wait for it already, or if a shard of these lines
        wants no events; reports it takes.
        """
        assert self._router is not None, "_begin_routing comes first"
        router, bounded = self._router, room_wait_s is not None
        dealt = router.deal(lines, self._slots_of(user_ids) if user_ids else None)
        if not router.has_room(dealt, reachable=bounded):
            if self._waiting >= self._plan.settings.waiting_calls_max:
                raise Overloaded(f"waiting_calls_max={self._waiting} calls wait already", router.waiting_before(dealt))
            self._waiting += 1
            try:
                async with asyncio.timeout(room_wait_s):
                    await router.room(dealt, reachable=bounded)
            except TimeoutError:
                raise Overloaded(f"no room within {room_wait_s:g} s", router.waiting_before(dealt)) from None
            finally:
                self._waiting -= 1
        return router.hand_in(lines, dealt, skews_ms, are_reports=are_reports)

    def _slots_of(self, user_ids: Sequence[str]) -> list[int]:
        slot = self._plan.slot_map.slot
        return [slot(user_id) if user_id else UNREAD for user_id in user_ids]

    def waiting_lines(self) -> int:
        """How many lines have been handed in that no shard has answered yet."""
        return 0 if self._router is None else sum(self._router.waiting_lines())

    def port_of(self, person: str) -> ShardPort:
        """The shard that owns the slot of this name."""
        return self.ports[self._plan.slot_map.shard(person)]

    async def locate(self, name: str) -> Located:
        """Under which name the person of a name lives, and which others she has."""
        return await ask_owner(self.port_of, name, Locate)

    async def facts_of(self, names: Sequence[str]) -> list[Fact]:
        """All that is told under these names: what is exported, and what only journals have, in slices."""
        exported = await self._exported(names)
        async for recalled in self._recalled(names, exported):
            exported.facts.extend(recalled.facts)
        return exported.facts

    async def everything_of(self, name: str) -> PersonRecord:
        """All that is held of the person of this name, in all places and under all her names."""
        found = await self.locate(name)
        names = [found.owner, *found.names]
        held = [await self.port_of(each).ask(GetHeld(each)) for each in names]
        exported, (events, lines) = await self._exported(names), ExportedInputs([], [])
        if (folder := self.store_folder) is not None:
            events, lines = await asyncio.to_thread(recall_inputs, folder, exported.through, *names)
        async for recalled in self._recalled(names, exported, lines=True):
            exported.facts.extend(recalled.facts)
            lines += recalled.lines
        return PersonRecord.of(names, held, exported.facts, events, lines)

    async def _recalled(
        self, names: Sequence[str], exported: Exported, *, lines: bool = False
    ) -> AsyncIterator[Recalled]:
        """What the journals of the names' shards tell that is not exported, slice by slice."""
        shard_of = self._plan.slot_map.shard
        for shard in dict.fromkeys(map(shard_of, names)):
            port, people = self.ports[shard], [name for name in names if shard_of(name) == shard]
            # A person's last timers before a merge fire where she goes on, under the name that she had.
            people += [name for name in names if shard == shard_of(names[0]) and name not in people]
            recalled = await port.ask(RecallFacts(people, exported.through.get(shard, 0), lines=lines))
            yield recalled
            while recalled.after is not None:
                recalled = await port.ask(RecallFacts(people, recalled.after, recalled.through, lines))
                yield recalled

    async def _exported(self, names: Sequence[str]) -> Exported:
        """The exported facts under these names, and through which record of each shard they go."""
        folder = self.store_folder
        return Exported([], {}) if folder is None else await asyncio.to_thread(recall_exported, folder, *names)

    async def unready(self) -> list[str]:
        """Why no traffic should come here now, a sentence each."""
        shards = await asyncio.gather(*(self._unready_shard(number) for number in range(len(self.ports))))
        return [*filter(None, shards), *await asyncio.to_thread(self._disk_full)]

    async def _unready_shard(self, number: int) -> str | None:
        try:
            async with asyncio.timeout(READY_WITHIN_S):
                await self.ports[number].ask(GetStatus())
        except (ParcoursError, TimeoutError) as error:
            return f"shard {number} does not answer" + (f": {error}" if str(error) else "")
        return None

    def _disk_full(self) -> list[str]:
        if (folder := self.store_folder) is None:
            return []
        free = shutil.disk_usage(folder).free
        return [] if free >= DISK_FREE_MIN else [f"the store's disk has {free:,} bytes left"]

    async def outstanding(self) -> list[str]:
        """What there is to do now, in words."""
        assert self._router is not None, "_begin_routing comes first"
        # In this order: what is taken between the two questions belongs to nobody who waits here.
        handed_over = self._router.is_idle() and not self._waiting
        try:
            statuses = [await port.ask(GetStatus()) for port in self.ports]
        except ShardUnavailable as error:
            return [str(error)]
        said = outstanding(statuses, self._clock.now_ms())
        return said if handed_over else [*said, "calls of ingest are under way"]

    async def figures(self) -> EngineFigures:
        """What shards count and measure, and what waits for them."""
        assert self._router is not None, "_begin_routing comes first"
        shards = await ask_all(self.ports)
        return EngineFigures(shards, self._router.waiting_lines(), len(await self.troubles()))
