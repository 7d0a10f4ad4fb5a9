"""The host of a running engine: it supervises the runtime, carries out changes and reads, and routes lines.

Lives on one event loop, that of the service which owns it.
"""

from __future__ import annotations

import asyncio
import shutil
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from functools import partial
from itertools import chain
from pathlib import Path

from parcours.channel import CALL
from parcours.clock import Clock, SystemClock
from parcours.closing import close_all
from parcours.config import MIB, Settings
from parcours.core.fact import Fact
from parcours.errors import CallerError, Overloaded, ParcoursError, ShardUnavailable
from parcours.insight.exporter.facts import Exported
from parcours.insight.exporter.inputs import ExportedInputs
from parcours.insight.exporter.opening import recall_exported, recall_inputs
from parcours.journey.program import Program
from parcours.routing.moves import end_moves, keep_ended, let_move
from parcours.routing.plan import Plan
from parcours.routing.ports import ShardPort
from parcours.routing.router import UNREAD, Router
from parcours.routing.taken import Taken
from parcours.runtime.runtimes import RuntimeName, open_runtime
from parcours.service.audience_looks import AudienceLooks
from parcours.service.campaigns_of_host import CampaignsOfHost
from parcours.service.erasure import ErasureJob, ErasuresUnderWay
from parcours.service.fact_questions import FactQuestions
from parcours.service.figures import EngineFigures, ask_all
from parcours.service.following import ask_owner
from parcours.service.journey_control import JourneyControl
from parcours.service.live_reads import LiveReads
from parcours.service.people_facts import PeopleFacts
from parcours.service.people_table import PeopleTable
from parcours.service.person_record import PersonRecord
from parcours.service.settlement import outstanding
from parcours.shard.closed_store import copy_exports_of
from parcours.shard.erasures import Erasure
from parcours.shard.found import Located
from parcours.shard.messages import Recalled
from parcours.shard.requests import CopyStore, GetHeld, GetStatus, Locate, RecallFacts
from parcours.store.address import files_of, folder_of, is_durable
from parcours.store.backup import begin_backup, complete_backup
from parcours.store.campaign_files import CampaignFiles
from parcours.store.layout import Layout

CLOSE_PATIENCE_S = 5.0
"""How long closing waits for a change of what is published that is under way."""

READY_WITHIN_S = 5.0
"""How long a shard may take to answer, by its commit or otherwise, for traffic to be sent to it."""

DISK_FREE_MIN = 64 * MIB
"""Free bytes without which a store takes no traffic: journal, images and files of ids grow by more within a minute."""

TROUBLES_WITHIN_S = 5.0
"""How long the question for troubles waits for a shard: a busy one is none."""


class Host:
    """`control` changes what is published and knows it, `questions` asks the facts of everybody."""

    def __init__(self, plan: Plan, runtime: RuntimeName, clock: Clock | None) -> None:
        self._plan = plan
        self._clock = clock or SystemClock(plan.settings.clock_jump_max_ms)
        self._runtime = open_runtime(runtime, plan, self._clock if runtime == "local" else clock)
        self._shares_loop = runtime == "local"
        self._router: Router | None = None
        self._reads: LiveReads | None = None
        self._erasures: ErasuresUnderWay | None = None
        self._people: PeopleTable | None = None
        self._audiences: AudienceLooks | None = None
        self._people_facts: PeopleFacts | None = None
        self._campaigns: CampaignsOfHost | None = None
        self._waiting = 0
        self.control = JourneyControl(
            plan.project,
            (*plan.channels, *plan.records),
            self._runtime,
            self._clock,
            self._renew,
            _secrets_of_calls(plan),
            plan.settings.change_wait_s,
            lambda: set() if self._campaigns is None else self._campaigns.in_use(),
            plan.store,
        )
        self.questions = FactQuestions(lambda: self._runtime.ports, self.control, plan)

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
    def channels(self) -> Mapping[str, Mapping[str, object]]:
        """The settings of each channel on which deliveries leave, secrets resolved."""
        return self._plan.channels

    async def start(self) -> None:
        """Open the shards and go on from where their stores stand."""
        await self._runtime.start()
        program = self._plan.project.program
        bounds, slot_map = self._plan.settings, self._plan.slot_map
        self._router = Router(
            uuid.uuid4().hex, self._runtime.ports, program, bounds, slot_map, shares_loop=self._shares_loop
        )
        asking = self._runtime.ports, self.control.undisturbed, self._clock, self._plan.settings.due_people_max
        self._reads, self._people = LiveReads(*asking), PeopleTable(*asking)
        self._audiences = AudienceLooks(*asking)
        if self._plan.exports:
            self._people_facts = PeopleFacts(folder_of(self._plan.store), self._people, self._clock)
        self._campaigns = CampaignsOfHost(
            self._plan, self._runtime.ports, self.control.undisturbed, self._clock, self.questions
        )
        self._erasures = ErasuresUnderWay(
            self._runtime.ports, self._plan.slot_map, self.store_folder, self._campaigns.forget
        )
        await self._erasures.start()
        await self.control.begin()

    async def _renew(self, program: Program) -> None:
        """This program holds from now on."""
        assert self._router is not None and self._reads is not None, "start makes them"
        self._router.publish(program)
        self._reads.renew(program)
        self.people.renew(program)
        self.audiences.renew(program)
        if self._people_facts is not None:
            self._people_facts.renew(program)
        self.campaigns.renew(program, self.control.journey_states())

    @property
    def campaigns(self) -> CampaignsOfHost:
        """The campaigns of the engine."""
        assert self._campaigns is not None, "start makes it"
        return self._campaigns

    @property
    def audiences(self) -> AudienceLooks:
        """Who is in which of them now."""
        assert self._audiences is not None, "start makes it"
        return self._audiences

    @property
    def people(self) -> PeopleTable:
        """The table of all of them."""
        assert self._people is not None, "start makes it"
        return self._people

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
        assert self._router is not None, "start comes first"
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

    @property
    def ports(self) -> Sequence[ShardPort]:
        """All shards."""
        return self._runtime.ports

    def port_of(self, person: str) -> ShardPort:
        """The shard that owns the slot of this name."""
        return self._runtime.ports[self._plan.slot_map.shard(person)]

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
            port, people = self._runtime.ports[shard], [name for name in names if shard_of(name) == shard]
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

    async def erase(self, person: str, by: str) -> ErasureJob:
        """Forget a person; durable when it returns."""
        assert self._erasures is not None, "start makes it"
        return self._job(await self._erasures.erase(person, by))

    async def erasure(self, name: str) -> ErasureJob | None:
        """How far an erasure is, None if there is none of this id."""
        assert self._erasures is not None, "start makes it"
        found = await self._erasures.find(name)
        return None if found is None else self._job(found)

    def _job(self, erasure: Erasure) -> ErasureJob:
        kept_for_ms = None if self._plan.exports else self.control.current.insight.usually_kept_for
        return ErasureJob.of(erasure, kept_for_ms)

    async def back_up(self, folder: Path) -> None:
        """Copy all shards while they go on, and the rest of each while nothing that is published changes.

        So it is half done in no backup: which shards know of a change is told from what they hold. Nor do runs of
        campaigns go on meanwhile, whose files have to be of one moment with what shards have taken of them.
        """
        if not is_durable(self._plan.store):
            raise CallerError(f"the store {self._plan.store} lies in memory and has no backup: use one on disk")
        layout = Layout(self._plan.project.name, self._plan.shards)
        await asyncio.to_thread(begin_backup, folder, layout)
        await self._copy_stores(folder)
        files = self.store_folder
        campaigns = None if files is None else CampaignFiles(files, folder)
        if campaigns is not None:
            await asyncio.to_thread(campaigns.copy)
        async with self.campaigns.still(), self.control.undisturbed():
            await end_moves(self._runtime.ports, self.control.patience())
            meanwhile = asyncio.ensure_future(keep_ended(self._runtime.ports))
            try:
                await self._copy_stores(folder)
            finally:
                meanwhile.cancel()
            await let_move(self._runtime.ports)
            if campaigns is not None:
                await asyncio.to_thread(campaigns.copy_rest)
        if files is not None:
            await asyncio.to_thread(copy_exports_of, files, folder, layout.shards)
        await asyncio.to_thread(complete_backup, folder, layout)

    async def _copy_stores(self, folder: Path) -> None:
        for port in self._runtime.ports:
            await port.ask(CopyStore(str(folder)))

    async def outstanding(self) -> list[str]:
        """What there is to do now, in words."""
        assert self._router is not None, "start comes first"
        # In this order: what is taken between the two questions belongs to nobody who waits here.
        handed_over = self._router.is_idle() and not self._waiting
        try:
            statuses = [await port.ask(GetStatus()) for port in self._runtime.ports]
        except ShardUnavailable as error:
            return [str(error)]
        said = outstanding(statuses, self._clock.now_ms())
        return said if handed_over else [*said, "calls of ingest are under way"]

    async def troubles(self) -> list[str]:
        """What is not in order now, a sentence each."""
        reads = [] if self._reads is None else self._reads.troubles
        erasures = [] if self._erasures is None else self._erasures.troubles
        shards = await asyncio.gather(*(self._troubles_of(number) for number in range(len(self._runtime.ports))))
        campaigns = [] if self._campaigns is None else self._campaigns.troubles()
        people = [] if self._people_facts is None else self._people_facts.troubles()
        mine = [*self.control.troubles(), *reads, *erasures, *campaigns, *people]
        return [*await self._runtime.troubles(), *chain(*shards), *mine]

    async def figures(self) -> EngineFigures:
        """What shards count and measure, and what waits for them."""
        assert self._router is not None, "start comes first"
        shards = await ask_all(self._runtime.ports)
        return EngineFigures(shards, self._router.waiting_lines(), len(await self.troubles()))

    async def unready(self) -> list[str]:
        """Why no traffic should come here now, a sentence each."""
        shards = await asyncio.gather(*(self._unready_shard(number) for number in range(len(self._runtime.ports))))
        return [*filter(None, shards), *await asyncio.to_thread(self._disk_full)]

    async def _unready_shard(self, number: int) -> str | None:
        try:
            async with asyncio.timeout(READY_WITHIN_S):
                await self._runtime.ports[number].ask(GetStatus())
        except (ParcoursError, TimeoutError) as error:
            return f"shard {number} does not answer" + (f": {error}" if str(error) else "")
        return None

    def _disk_full(self) -> list[str]:
        if (folder := self.store_folder) is None:
            return []
        free = shutil.disk_usage(folder).free
        return [] if free >= DISK_FREE_MIN else [f"the store's disk has {free:,} bytes left"]

    async def _troubles_of(self, number: int) -> list[str]:
        """What a shard says of itself. That it does not answer is known to the runtime."""
        try:
            async with asyncio.timeout(TROUBLES_WITHIN_S):
                said = (await self._runtime.ports[number].ask(GetStatus())).troubles
        except (ShardUnavailable, TimeoutError):
            return []
        except ParcoursError as error:
            return [f"shard {number}: {error}"]
        return [f"shard {number}: {trouble}" for trouble in said]

    async def turn_away(self) -> None:
        """Take no more lines; calls under way, and those that wait for room, fail with ShardUnavailable."""
        router = self._router
        looked_after = (
            self._erasures, self._campaigns, self._reads, self._people_facts, self._people, self._audiences,
        )  # fmt: skip
        stops = [each.stop if each else None for each in looked_after]
        await close_all([*stops, router.close if router else None])

    async def stop(self) -> None:
        """Let what is being sent finish and give everything back."""
        await close_all([partial(self.control.finish, CLOSE_PATIENCE_S), self._runtime.stop])


def _secrets_of_calls(plan: Plan) -> frozenset[str] | None:
    """The references of which the plan knows what they stand for; None where no call leaves."""
    if CALL not in plan.channels:
        return None
    secrets = plan.channels[CALL].get("secrets", {})
    assert isinstance(secrets, Mapping), "as the selection of channels has put them there"
    return frozenset(secrets)


async def end_all_others() -> None:
    """Cancel every other task of this loop, so that nobody waits for one that will never go on."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
