"""The host of a service whose engine another process keeps: lines and questions about people go to the shards, all
else to the keeper.

What is published becomes known here as soon as the keeper tells, which is asked all the time. While none answers, lines
are taken as before, and what only a keeper can do fails with ShardUnavailable.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

from parcours.background import in_thread
from parcours.clock import SystemClock, stopwatch_ms
from parcours.closing import close_all
from parcours.core.effect import Outgoing
from parcours.dispatch.channel_state import ChannelState
from parcours.errors import OperatorError, ShardUnavailable
from parcours.insight.people_question import PeopleQuestion
from parcours.insight.windows import Window
from parcours.journey.campaign_steps import SavingMode
from parcours.journey.project import Project
from parcours.journey.publish.difference import differences
from parcours.journey.publish.ledger import Named, Verb
from parcours.journey.publish.publications import Publications
from parcours.routing.change_protocol import publishing
from parcours.routing.plan import Plan
from parcours.routing.ports import ShardPort
from parcours.service.campaign_preview import CampaignPreview
from parcours.service.change_outcome import ChangeOutcome, Order
from parcours.service.engine_host import EngineHost
from parcours.service.erasure import ErasureJob
from parcours.service.fact_questions import FactQuestions
from parcours.service.journey_state import JourneyState
from parcours.service.keeper import Standing
from parcours.service.people_table import PersonRow
from parcours.service.published import ASKED, Published
from parcours.store.campaign_files import CAMPAIGNS

if TYPE_CHECKING:
    from parcours.campaigns.run_place import RunPlace

T = TypeVar("T")

log = logging.getLogger("parcours")

BIRTH_WITHIN_MS: Final = 60_000.0
"""So long a keeper whose process has been ended has for its next one to begin, before that is ended in its turn."""

AWAY_PAUSE_S: Final = 0.5
"""Pause before a keeper is asked again that did not answer."""

CHANGES_TOLD_MAX: Final = 3
"""Changes that are told of a project which is not the one that is published."""


class KeeperPort(Protocol):
    """Asks whoever keeps the engine, by the names of `Keeper` and `Published`. Raises ShardUnavailable."""

    async def call(self, name: str, /, *arguments: Any, **named: Any) -> Any: ...

    def stream(self, name: str, /, *arguments: Any) -> AsyncGenerator[Any]: ...

    def silent_s(self) -> float:
        """For how long it has said nothing though it was asked."""

    async def end_process(self) -> None:
        """End the process of one that answers nothing, so that it is started anew."""

    async def end(self) -> None:
        """Close what the keeper keeps, and end it."""


class Attachment(Protocol):
    """A connection to a running engine. `close` gives it back, and leaves the engine as it is."""

    @property
    def plan(self) -> Plan: ...
    @property
    def ports(self) -> Sequence[ShardPort]: ...
    @property
    def keeper(self) -> KeeperPort: ...
    @property
    def was_running(self) -> bool:
        """Whether the engine was there before it was asked for."""

    def close(self) -> None: ...


class AttachedControl(Published):
    """What is published, as the keeper tells it; it makes the changes."""

    def __init__(self, project: Project, keeper: KeeperPort) -> None:
        super().__init__(project)
        self._keeper = keeper

    async def publish(self, project: Project, order: Order = ASKED, only: str | None = None) -> ChangeOutcome:
        outcome: ChangeOutcome = await self._keeper.call("publish", project, order, only)
        await self.hear(None)
        return outcome

    async def change(self, verb: Verb, journey: str, order: Order = ASKED, of: Named = "journey") -> ChangeOutcome:
        outcome: ChangeOutcome = await self._keeper.call("change", verb, journey, order, of)
        await self.hear(None)
        return outcome

    async def states(self) -> list[JourneyState]:
        states: list[JourneyState] = await self._keeper.call("states")
        return states

    async def hear(self, known: int | None) -> None:
        """Know what is published now; with the number of a ledger, once there is another one or a while has passed."""
        heard: Publications = await self._keeper.call("news", known)
        if heard.ledger.number >= self.publications.ledger.number:
            self._take(heard)


class AttachedHost(EngineHost):
    """Lives on one event loop. It closes the attachment when it is stopped."""

    keeps = False

    def __init__(self, attachment: Attachment, project: Project) -> None:
        """project: the one that whoever attaches has, which need not be what is published."""
        plan = attachment.plan
        super().__init__(plan, SystemClock(plan.settings.clock_jump_max_ms), shares_loop=False)
        self.was_running = attachment.was_running
        self._project = project
        self._attachment = attachment
        self._keeper = attachment.keeper
        self._following: asyncio.Task[None] | None = None
        self._patient_until_ms = 0.0
        self._control = AttachedControl(plan.project, self._keeper)
        self.control = self._control
        self.questions = FactQuestions(lambda: self.ports, self.control, plan)

    @property
    def ports(self) -> Sequence[ShardPort]:
        return self._attachment.ports

    async def start(self) -> None:
        """Raises ShardUnavailable where nobody keeps the engine."""
        await self._control.hear(None)
        if self.was_running:
            await in_thread(self._compare)
        self._begin_routing(self.control.current)
        self._route()
        self._following = asyncio.ensure_future(self._follow())

    def _compare(self) -> None:
        """Say so where the engine does not run the project as it is here."""
        before = self.control.publications
        after = publishing(self._project, reopen=False)(before, self.now_ms())
        changes = [each.text for each in differences(before, after)]
        if changes:
            told = "; ".join(changes[:CHANGES_TOLD_MAX])
            more = f", and {len(changes) - CHANGES_TOLD_MAX} changes more" if len(changes) > CHANGES_TOLD_MAX else ""
            log.warning(
                "the engine runs another version of the project than is here: with this one %s%s; `parcours publish` "
                "lets it run this one",
                told,
                more,
            )

    def _route(self) -> None:
        self._route_by(self.control.current, self.control.publications.ledger.number)

    async def _follow(self) -> None:
        """Route by what is published, as soon as that is known; whatever goes wrong is told and tried again."""
        told = ""
        while True:
            try:
                await self._control.hear(self.control.publications.ledger.number)
                self._route()
                told = ""
            except Exception as error:  # noqa: BLE001  # it has to go on whatever the keeper says
                if str(error) != told:
                    log.warning("what is published cannot be asked for now: %s", error)
                told = str(error)
                await self._end_if_frozen()
                await asyncio.sleep(AWAY_PAUSE_S)

    async def _end_if_frozen(self) -> None:
        """End the process of a keeper that has said nothing for too long; the one that is started then has time to."""
        silence_s = self._plan.settings.actor_silence_ms / 1_000
        if self._keeper.silent_s() < silence_s or stopwatch_ms() < self._patient_until_ms:
            return
        log.warning(
            "whoever keeps the engine has said nothing for %g s: its process is ended, and started anew", silence_s
        )
        self._patient_until_ms = stopwatch_ms() + BIRTH_WITHIN_MS
        with suppress(ShardUnavailable):
            await self._keeper.end_process()

    async def turn_away(self) -> None:
        await self._end_routing()

    async def end_engine(self) -> None:
        await self._keeper.end()

    async def stop(self) -> None:
        await close_all([self._follow_no_more, self._attachment.close])

    async def _follow_no_more(self) -> None:
        if self._following is not None:
            self._following.cancel()
            await asyncio.gather(self._following, return_exceptions=True)

    # What the keeper does

    @property
    def campaigns_folder(self) -> Path | None:
        folder = self.store_folder
        return None if folder is None else folder / CAMPAIGNS

    async def standing(self, campaigns: Sequence[str]) -> dict[str, Standing]:
        standing: dict[str, Standing] = await self._keeper.call("standing", list(campaigns))
        return standing

    async def begin_run(self, campaign: str, by: str) -> int:
        return int(await self._keeper.call("begin_run", campaign, by))

    async def preview(self, campaign: str, sample: int) -> CampaignPreview:
        preview: CampaignPreview = await self._keeper.call("preview", campaign, sample)
        return preview

    async def compose_proof(self, campaign: str, step: str, person: str, to: str, channel: str | None) -> Outgoing:
        composed: Outgoing = await self._keeper.call("compose_proof", campaign, step, person, to, channel)
        return composed

    async def save_members(self, audience: str, people: Sequence[str], mode: SavingMode, by: str) -> RunPlace:
        place: RunPlace = await self._keeper.call("save_members", audience, list(people), mode, by)
        return place

    async def funnel_people(
        self, words: str, options: Mapping[str, object], who: str, window: Window, *, stitch: bool
    ) -> list[str]:
        people: list[str] = await self._keeper.call("funnel_people", words, dict(options), who, window, stitch=stitch)
        return people

    async def look_at(self, question: PeopleQuestion[T], owner: str | None = None) -> T:
        answer: T = await self._keeper.call("look_at", question, owner)
        return answer

    async def people_rows(self) -> AsyncGenerator[list[PersonRow]]:
        async with aclosing(self._keeper.stream("people_rows")) as slices:
            async for rows in slices:
                yield rows

    async def erase(self, person: str, by: str) -> ErasureJob:
        job: ErasureJob = await self._keeper.call("erase", person, by)
        return job

    async def erasure(self, name: str) -> ErasureJob | None:
        job: ErasureJob | None = await self._keeper.call("erasure", name)
        return job

    async def back_up(self, folder: Path) -> None:
        await self._keeper.call("back_up", folder)

    async def channel_states(self) -> list[ChannelState]:
        states: list[ChannelState] = await self._keeper.call("channel_states")
        return states

    async def troubles(self) -> list[str]:
        """What the keeper tells, or that there is none now, and why."""
        try:
            troubles: list[str] = await self._keeper.call("troubles")
        except (ShardUnavailable, OperatorError) as error:
            return [f"nobody keeps the engine now: {error}"]
        return troubles
