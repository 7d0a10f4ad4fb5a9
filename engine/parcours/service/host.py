"""The host of a running engine: it supervises the runtime, and carries out changes, reads, campaigns and erasures.

Lives on one event loop, that of the service which owns it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from parcours.background import in_thread
from parcours.channel import CALL
from parcours.clock import Clock, SystemClock
from parcours.closing import close_all
from parcours.core.effect import Outgoing
from parcours.dispatch.channel_state import ChannelState
from parcours.errors import CallerError, ParcoursError, ShardUnavailable
from parcours.insight.people_question import PeopleQuestion
from parcours.insight.windows import Window
from parcours.insight.words import funnel_in_words
from parcours.journey.campaign_steps import FunnelAsked, SavingMode
from parcours.journey.program import Program
from parcours.routing.moves import end_moves, keep_ended, let_move
from parcours.routing.plan import Plan
from parcours.routing.ports import ShardPort
from parcours.runtime.runtimes import Runtime
from parcours.service.campaign_preview import CampaignPreview
from parcours.service.campaigns_of_host import CampaignsOfHost
from parcours.service.engine_host import EngineHost
from parcours.service.erasure import ErasureJob, ErasuresUnderWay
from parcours.service.fact_questions import FactQuestions
from parcours.service.journey_control import JourneyControl
from parcours.service.keeper import Standing
from parcours.service.live_lessons import LiveLessons
from parcours.service.live_reads import LiveReads
from parcours.service.people_facts import PeopleFacts
from parcours.service.people_looks import PeopleLooks
from parcours.service.people_table import PeopleTable, PersonRow
from parcours.service.snapshots import Snapshots
from parcours.shard.closed_store import copy_exports_of
from parcours.shard.erasures import Erasure
from parcours.shard.requests import CopyStore, GetStatus
from parcours.store.address import folder_of, is_durable
from parcours.store.backup import begin_backup, complete_backup
from parcours.store.campaign_files import CampaignFiles
from parcours.store.layout import Layout

if TYPE_CHECKING:
    from parcours.campaigns.run_place import RunPlace

T = TypeVar("T")

CLOSE_PATIENCE_S = 5.0
"""How long closing waits for a change of what is published that is under way."""

TROUBLES_WITHIN_S = 5.0
"""How long the question for troubles waits for a shard: a busy one is none."""


class Host(EngineHost):
    """Keeps the engine that a runtime runs."""

    control: JourneyControl

    def __init__(self, plan: Plan, runtime: Runtime, clock: Clock | None = None, *, shares_loop: bool = False) -> None:
        """shares_loop: whether the runtime has its shards on the same loop."""
        super().__init__(plan, clock or SystemClock(plan.settings.clock_jump_max_ms), shares_loop=shares_loop)
        self._runtime = runtime
        self._reads: LiveReads | None = None
        self._lessons: LiveLessons | None = None
        self._erasures: ErasuresUnderWay | None = None
        self._people: PeopleTable | None = None
        self._looks: PeopleLooks | None = None
        self._snapshots: Snapshots | None = None
        self._people_facts: PeopleFacts | None = None
        self._campaigns: CampaignsOfHost | None = None
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
            plan.settings,
        )
        self.questions = FactQuestions(lambda: self.ports, self.control, plan)

    @property
    def ports(self) -> Sequence[ShardPort]:
        return self._runtime.ports

    async def start(self, *, publishes: bool = True) -> None:
        """Open the shards and go on from where their stores stand.

        publishes  what is new in the project is published
        """
        await self._runtime.start()
        self._begin_routing(self._plan.project.program)
        asking = self.ports, self.control.undisturbed, self._clock, self._plan.settings.due_people_max
        self._reads, self._people = LiveReads(*asking), PeopleTable(*asking)
        self._looks = PeopleLooks(*asking)
        self._snapshots = Snapshots(*asking, self._plan.channels, self._runtime.tell_all)
        self._lessons = LiveLessons(*asking[:3], self._plan.settings)
        if self._plan.exports:
            self._people_facts = PeopleFacts(folder_of(self._plan.store), self._people, self._clock)
        self._campaigns = CampaignsOfHost(
            self._plan, self._runtime.epoch, self.ports, self.control.undisturbed, self._clock, self.questions
        )
        self._erasures = ErasuresUnderWay(self.ports, self._plan.slot_map, self.store_folder, self._campaigns.forget)
        await self._erasures.start()
        await self.control.begin(publishes=publishes)

    async def _renew(self, program: Program) -> None:
        """This program holds from now on."""
        assert self._reads is not None and self._lessons is not None, "start makes them"
        self._route_by(program, self.control.publications.ledger.number)
        self._reads.renew(program)
        self._lessons.renew(program)
        self.people.renew(program)
        self.looks.renew(program)
        if self._snapshots is not None:
            self._snapshots.renew(program)
        if self._people_facts is not None:
            self._people_facts.renew(program)
        self.campaigns.renew(program, self.control.journey_states())

    @property
    def campaigns(self) -> CampaignsOfHost:
        """The campaigns of the engine."""
        assert self._campaigns is not None, "start makes it"
        return self._campaigns

    @property
    def looks(self) -> PeopleLooks:
        """Questions about everybody as of now."""
        assert self._looks is not None, "start makes it"
        return self._looks

    @property
    def people(self) -> PeopleTable:
        """The table of all of them."""
        assert self._people is not None, "start makes it"
        return self._people

    @property
    def campaigns_folder(self) -> Path | None:
        return self.campaigns.folder

    async def standing(self, campaigns: Sequence[str]) -> dict[str, Standing]:
        found = self.campaigns
        return {name: Standing(await found.runs(name), found.not_begun(name)) for name in campaigns}

    async def begin_run(self, campaign: str, by: str) -> int:
        return self.campaigns.begin(campaign, by)

    async def preview(self, campaign: str, sample: int) -> CampaignPreview:
        return await self.campaigns.preview(campaign, sample)

    async def compose_proof(self, campaign: str, step: str, person: str, to: str, channel: str | None) -> Outgoing:
        return await self.campaigns.compose_proof(campaign, step, person, to, channel)

    async def save_members(self, audience: str, people: Sequence[str], mode: SavingMode, by: str) -> RunPlace:
        return await self.campaigns.save_named(audience, people, mode, by)

    async def funnel_people(
        self, words: str, options: Mapping[str, object], who: str, window: Window, *, stitch: bool
    ) -> list[str]:
        funnel, _ = await in_thread(funnel_in_words, await self.control.project_in_force(), words, options)
        return await self.campaigns.found.now(FunnelAsked(funnel, who), window, stitch=stitch)

    async def look_at(self, question: PeopleQuestion[T], owner: str | None = None) -> T:
        return await self.looks.look(question, owner)

    def people_rows(self) -> AsyncGenerator[list[PersonRow]]:
        return self.people.rows()

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
            await end_moves(self.ports, self.control.patience())
            meanwhile = asyncio.ensure_future(keep_ended(self.ports))
            try:
                await self._copy_stores(folder)
            finally:
                meanwhile.cancel()
            await let_move(self.ports)
            if campaigns is not None:
                await asyncio.to_thread(campaigns.copy_rest)
        if files is not None:
            await asyncio.to_thread(copy_exports_of, files, folder, layout.shards)
        await asyncio.to_thread(complete_backup, folder, layout)

    async def _copy_stores(self, folder: Path) -> None:
        for port in self.ports:
            await port.ask(CopyStore(str(folder)))

    async def channel_states(self) -> list[ChannelState]:
        return await self._runtime.channel_states()

    async def troubles(self) -> list[str]:
        """What is not in order now, a sentence each."""
        reads = [] if self._reads is None else self._reads.troubles
        lessons = [] if self._lessons is None else self._lessons.troubles
        erasures = [] if self._erasures is None else self._erasures.troubles
        shards = await asyncio.gather(*(self._troubles_of(number) for number in range(len(self.ports))))
        campaigns = [] if self._campaigns is None else self._campaigns.troubles()
        people = [] if self._people_facts is None else self._people_facts.troubles()
        told = [] if self._snapshots is None else self._snapshots.troubles()
        mine = [*self.control.troubles(), *reads, *lessons, *erasures, *campaigns, *people, *told]
        return [*await self._runtime.troubles(), *chain(*shards), *mine]

    async def _troubles_of(self, number: int) -> list[str]:
        """What a shard says of itself. That it does not answer is known to the runtime."""
        try:
            async with asyncio.timeout(TROUBLES_WITHIN_S):
                said = (await self.ports[number].ask(GetStatus())).troubles
        except (ShardUnavailable, TimeoutError):
            return []
        except ParcoursError as error:
            return [f"shard {number}: {error}"]
        return [f"shard {number}: {trouble}" for trouble in said]

    async def turn_away(self) -> None:
        """Take no more lines; calls under way, and those that wait for room, fail with ShardUnavailable."""
        looked_after = (
            self._erasures, self._campaigns, self._reads, self._lessons, self._people_facts, self._people, self._looks,
            self._snapshots,
        )  # fmt: skip
        stops = [each.stop if each else None for each in looked_after]
        await close_all([*stops, self._end_routing])

    async def end_engine(self) -> None:
        """Nobody else is attached to it: it ends when this is stopped."""

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
