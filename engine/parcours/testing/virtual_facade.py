"""The façade of a project under virtual time: what is called happens at the present instant, before the call returns.

Campaigns begin by their schedules as time passes, or by hand; the files of their sets last as long as the façade.
"""

from __future__ import annotations

from collections.abc import Coroutine, Iterable, Mapping, Sequence
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from parcours.campaigns.campaign_line import SKIPPED_RUNNING, CampaignLine
from parcours.channel import CALL
from parcours.config import Settings
from parcours.core.fact import Fact
from parcours.core.time_text import time_text
from parcours.dispatch.recorded_rendering import RecordedRendering
from parcours.errors import CallerError
from parcours.expression.definition_keys import plain
from parcours.journey.channels import ways_out
from parcours.journey.program import Journey, Program
from parcours.journey.project import Project
from parcours.journey.publish.publications import published_project
from parcours.routing.calls import line_of
from parcours.routing.plan import Plan
from parcours.routing.ports import ShardPort
from parcours.routing.router import Router
from parcours.runtime.local import LocalRuntime
from parcours.service.acknowledgement import Ingested
from parcours.service.facade import Facade
from parcours.service.insight import Insight
from parcours.service.journey_control import JourneyControl
from parcours.service.unknown_names import UnknownNames
from parcours.shard.publication_facts import first_versions
from parcours.simulation.campaigning import CampaignsAsked, check_asked, new_coordinator
from parcours.simulation.kept_facts import KeptFacts
from parcours.simulation.recorded import Recorded
from parcours.simulation.virtual import Drive
from parcours.testing.virtual_questions import Happened, VirtualQuestions
from parcours.wording import nearest, quoted

if TYPE_CHECKING:
    from parcours.campaigns.coordinator import Coordinator


class VirtualFacade(Facade):
    """The façade under virtual time: a call is applied at the present instant before it returns."""

    def __init__(self, project: Project, start_ms: int, settings: Settings, rendering: RecordedRendering) -> None:
        self._plan = Plan(
            project,
            1,
            "volatile:",
            records=tuple(sorted({*ways_out(project.program), CALL})),
            virtual=True,
            settings=settings,
            rendering=rendering,
        )
        self._runtime = LocalRuntime(self._plan)
        self._control = JourneyControl(
            project, self._plan.records, self._runtime, self, self._renew, settings=self._plan.settings
        )
        self._time_ms = start_ms
        self._unknown = UnknownNames(self.now_ms, self._plan.records)
        self._lines = 0
        self._facts: list[Fact] = [*first_versions(project, start_ms)]
        self._events: list[Recorded] = []
        self._campaigns: Coordinator | None = None
        self._campaign_lines: list[CampaignLine] = []
        self._opened = ExitStack()

    def now_ms(self) -> int:
        """The virtual time in ms."""
        return self._time_ms

    async def start(self) -> None:
        await self._runtime.start()
        program = self._plan.project.program
        kept: KeptFacts | None = None
        if program.campaigns or program.keeping:
            folder = Path(self._opened.enter_context(TemporaryDirectory(prefix="parcours-campaigns-")))
            if program.keeping:
                kept = self._opened.enter_context(closing(KeptFacts(folder, program, self._plan.settings)))
                kept.add(self._facts)
            self._campaigns = self._coordinator(folder, kept)
            self._campaigns.begin(self._time_ms)
        router = Router("virtual", self._runtime.ports, program, self._plan.settings, self._plan.slot_map)
        self._drive = Drive(
            self._runtime.ports,
            router,
            program,
            self._plan.settings,
            facts=None if kept is None else partial(self._hear, kept),
            accepted=self._events.extend if kept is None else partial(self._hear_events, kept),
            campaigns=self._campaigns,
        )

    def _hear(self, kept: KeptFacts, facts: list[Fact]) -> None:
        """Facts as they happen, where they are asked meanwhile."""
        kept.add(facts)
        self._facts += facts

    def _hear_events(self, kept: KeptFacts, events: Sequence[Recorded]) -> None:
        kept.add_events(events)
        self._events += events

    def _coordinator(self, folder: Path, kept: KeptFacts | None) -> Coordinator:
        return new_coordinator(
            self._plan.project,
            self._runtime.ports,
            self._plan.slot_map,
            self._plan.settings,
            folder,
            CampaignsAsked(),
            self._campaign_lines.append,
            find=None if kept is None else kept.find,
        )

    async def stop(self) -> None:
        with self._opened:
            await self._runtime.stop()

    async def _renew(self, program: Program) -> None:
        await self._drive.renew(program, self._time_ms)

    def _check_open(self) -> None:
        """Its project looks before it calls."""

    def _hear_event(self, event: str) -> None:
        """Refuse an event that neither the project nor a version with open runs declares."""
        declared = self._control.current.events
        names = {plain(key) for key in declared} | {each.of for each in declared.values() if each.of is not None}
        if event not in names:
            raise CallerError(f"the project declares no event {quoted(event)}{nearest(event, names)}")

    def _hear_traits(self, traits: Iterable[str]) -> None:
        del traits  # undeclared ones are kept, as live

    def _hear_consent(self, channel: str, purpose: str | None) -> None:
        self._unknown.hear_consent(channel, purpose, self._control.current)

    def _hand_in(self, call: Mapping[str, object]) -> Coroutine[Any, Any, Ingested]:
        return self.happen(line_of({"timestamp": time_text(self._time_ms), **call}))

    async def happen(self, line: bytes) -> Ingested:
        """Apply a line now. Raises CallerError with the reason where it cannot be used."""
        self._lines += 1
        counted = self._drive.accepted, self._drive.duplicate, self._drive.undeclared
        before = len(self._drive.rejected)
        await self._drive.feed([Recorded(self._time_ms, self._lines, line)])
        if len(self._drive.rejected) > before:
            raise CallerError(self._drive.rejected[-1][1])
        now = self._drive.accepted, self._drive.duplicate, self._drive.undeclared
        accepted, duplicate, undeclared = (after - was for after, was in zip(now, counted, strict=True))
        return Ingested(accepted, duplicate, (), undeclared)

    async def pass_to(self, at_ms: int) -> None:
        """Let time pass. Timers due at the very end have fired."""
        self._time_ms = at_ms
        await self._drive.pass_to(at_ms)

    async def start_campaign(self, name: str) -> None:
        """Begin a run of a campaign now, and make all of its steps that follow at once.

        Raises CallerError where there is no such campaign, and where a run of it is under way that no other one may
        overlap.
        """
        check_asked(self._plan.project, CampaignsAsked(starts=[(name, None)]))
        assert self._campaigns is not None, "a project with campaigns has somebody who conducts them"
        told = len(self._campaign_lines)
        self._campaigns.start(name, self._time_ms)
        await self.pass_to(self._time_ms)
        skipped = [line for line in self._campaign_lines[told:] if line.output == SKIPPED_RUNNING]
        if any(line.campaign == name for line in skipped):
            raise CallerError(f"a run of the campaign {quoted(name)} is under way, and no other one may overlap it")

    async def campaign_lines(self) -> list[CampaignLine]:
        """What has been told of campaigns so far: a line for each output of each step, as it became known."""
        return list(self._campaign_lines)

    async def facts(self) -> list[Fact]:
        """All facts, in the order of happening for each person."""
        self._facts += await self._drive.collect_facts()
        return list(self._facts)

    def insight(self) -> Insight:
        """What can be asked of the facts of everybody; everything is known up to the virtual time."""
        return Insight(VirtualQuestions(self._happened, self._plan.settings), self._plan.settings, self._check_open)

    async def _happened(self) -> Happened:
        published = published_project(self._control.publications, self._control.current, self._control.trees())
        return Happened(published, await self.facts(), self._events, self._campaign_lines, self._time_ms)

    def versions(self) -> tuple[Journey, ...]:
        """Every version of a journey that may have runs."""
        return tuple(self._control.current.versions())

    def _as_of(self) -> tuple[int, Settings]:
        return self._time_ms, self._plan.settings

    def _port_of(self, person: str) -> ShardPort:
        return self._runtime.ports[0]

    async def _facts_of(self, names: Sequence[str]) -> list[Fact]:
        del names  # whoever asks takes those of the names that it knows
        return await self.facts()
