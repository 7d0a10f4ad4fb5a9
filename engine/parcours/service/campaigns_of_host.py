"""The campaigns of an engine, as far as there are any: without the extra `campaigns` none is published."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from importlib.util import find_spec
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Final

from parcours.campaigns.look_asked import ProofAsked, send_step
from parcours.campaigns.set_engines import unmakeable
from parcours.clock import Clock
from parcours.config import Settings
from parcours.core.effect import Outgoing
from parcours.dispatch.proofs import channel_for
from parcours.dispatch.registry import Registry
from parcours.errors import CallerError, ExtraMissing, SettingInvalid
from parcours.journey.campaign_steps import SavingMode
from parcours.journey.program import Program
from parcours.journey.project import Project
from parcours.journey.publish.ledger import JourneyStateName
from parcours.routing.plan import Plan
from parcours.routing.ports import ShardPort
from parcours.service.campaign_facts import CampaignFacts, newest_told
from parcours.service.campaign_preview import CampaignPreview, campaign_preview
from parcours.service.fact_questions import FactQuestions
from parcours.service.found_people import FoundPeople
from parcours.shard.erasures import Erasure
from parcours.store.address import check_address, claims_at, files_of, is_durable, known_address
from parcours.store.campaign_files import CAMPAIGNS, EXPORTED
from parcours.store.claims import check_keeper
from parcours.store.place import how_to_name_files, place_of

if TYPE_CHECKING:
    from parcours.campaigns.campaign_line import CampaignLine
    from parcours.campaigns.live_campaigns import LiveCampaigns
    from parcours.campaigns.run_place import RunPlace
    from parcours.journey.campaign_program import CampaignProgram

NEEDED: Final = ("duckdb", "pyarrow")
KEPT_NEEDED: Final = (*NEEDED, "zstandard")
"""The libraries for campaigns, and those for audiences that are kept up to date."""

KEEPING: Final = "An audience that is kept up to date from a funnel"


def without_files(project: Project, store: str) -> str | None:
    """What of the project needs files where the store has no folder for them, in a sentence; None if nothing does."""
    place, insight = place_of(store), project.program.insight
    if place.kind != "postgres" or place.files is not None:
        return None
    if project.program.campaigns:
        needs = "campaigns keep their runs in files"
    elif insight.inputs:
        needs = "`insight: {inputs: true}` keeps them in files"
    elif "events" in insight.model_fields_set and insight.events != "none":
        needs = "`insight: {events: ...}` keeps them in files"
    else:
        return None
    return f"{needs}, and the store {place.shown} has no folder for any: {how_to_name_files()}"


def usable_store(project: Project, store: str, files: str | PathLike[str] | None) -> str:
    """The address with its folder for files, as given or as the store remembers it.

    Raises SettingInvalid for what is no address, and where the project needs a folder and there is none.
    """
    check_address(store)
    known = known_address(store, files)
    if (reason := without_files(project, known)) is not None:
        raise SettingInvalid(reason)
    return known


def unconducted(project: Project, store: str, settings: Settings) -> list[str]:
    """Why a project cannot be conducted here: campaigns, and what is kept in files; nothing if it can."""
    if (reason := without_files(project, store)) is not None:
        return [reason]
    is_missing = project.program.campaigns and any(find_spec(name) is None for name in NEEDED)
    mine = [str(ExtraMissing.of("A campaign", "campaigns"))] if is_missing else []
    return mine or unkept(project.program) or unmakeable(settings, project.program, files_of(store))


def unkept(program: Program) -> list[str]:
    """Why audiences cannot be kept up to date here; nothing if they can, or if there are none of these."""
    is_missing = program.keeping and any(find_spec(name) is None for name in KEPT_NEEDED)
    return [str(ExtraMissing.of(KEEPING, "insight"))] if is_missing else []


class CampaignsOfHost:
    """Lives on the loop of its host. `live` conducts them, None as long as there has been none.

    epoch  under which the engine is kept, 0 where nobody can succeed whoever keeps it
    found  tells whom facts tell of
    """

    def __init__(
        self,
        plan: Plan,
        epoch: int,
        ports: Sequence[ShardPort],
        undisturbed: Callable[[], AbstractAsyncContextManager[int]],
        clock: Clock,
        questions: FactQuestions,
    ) -> None:
        self._plan = plan
        self._epoch = epoch
        self._ports = ports
        self._undisturbed = undisturbed
        self._clock = clock
        self._renewed = asyncio.Event()
        self._passing: Path | None = None
        self._facts: CampaignFacts | None = None
        self._program: Program | None = None
        self._states: Mapping[str, JourneyStateName] = {}
        self.found = FoundPeople(ports, questions, plan.settings)
        self.live: LiveCampaigns | None = None

    @property
    def _current(self) -> Program:
        assert self._program is not None, "renew comes first"
        return self._program

    def renew(self, program: Program, states: Mapping[str, JourneyStateName]) -> None:
        """This program holds from now on, with journeys and campaigns in these states.

        Raises ExtraMissing, StoreBroken, OSError.
        """
        if reasons := unkept(program):
            raise ExtraMissing(*reasons)
        self._program, self._states = program, states
        if self.live is None and (program.campaigns or program.keeping or self._has_some()):
            self.live = self._begun()
        if self.live is not None:
            self.live.renew(program, states)
        self._renewed.set()

    def begin(self, name: str, by: str) -> int:
        """Let a run of a campaign begin now; returns its number. Raises CallerError where none may."""
        if self.live is None:  # none has been published since the store was opened
            raise CallerError(f"the campaign {name!r} is closed: no run of it begins")
        return self.live.begin(name, by)

    async def preview(self, name: str, sample: int) -> CampaignPreview:
        """The sets of a campaign as they would be now. Raises as `Service.preview_campaign`."""
        return campaign_preview(*await self._offered(name).previews.preview(name, sample))

    async def compose_proof(self, name: str, step: str, person: str, to: str, channel: str | None) -> Outgoing:
        """What a campaign's send would say to a person now, for an address. Raises as `Service.prove_campaign`."""
        composed: list[Outgoing] = []
        registry = Registry.installed()

        def asked(campaign: CampaignProgram) -> ProofAsked:
            chosen = channel_for(send_step(campaign, step).to, to, channel, registry)
            if chosen not in self._plan.channels:
                raise CallerError(f"the engine only records what would leave on {chosen!r}: no proof is sent there")
            return ProofAsked(step, person, (chosen, to), composed.append)

        await self._offered(name).previews.prove(name, asked)
        (outgoing,) = composed
        return outgoing

    async def save_named(self, audience: str, people: Iterable[str], mode: SavingMode, by: str) -> RunPlace:
        """How far the run is by which these people become members of an audience, once it is over, or all is closed.

        Raises ExtraMissing, OSError.
        """
        return await self._conducting().save_named(audience, people, mode, by)

    def _offered(self, name: str) -> LiveCampaigns:
        if self.live is None:  # none has been published since the store was opened
            raise CallerError(f"the campaign {name!r} is not offered any more: no run of it begins")
        return self.live

    def _conducting(self) -> LiveCampaigns:
        """Who conducts them, though there may have been none so far. Raises ExtraMissing, OSError."""
        if self.live is None:
            self.live = self._begun()
            self.live.renew(self._current, self._states)
        return self.live

    @property
    def folder(self) -> Path | None:
        """Where campaigns keep what they have to know, None as long as there has been none."""
        files = files_of(self._plan.store)
        if files is not None:
            return files / CAMPAIGNS
        return None if self._passing is None else self._passing / CAMPAIGNS

    async def runs(self, campaign: str) -> list[RunPlace]:
        """How far each run of a campaign is of which something is kept, the oldest first. Raises OSError."""
        return [] if self.live is None else await self.live.runs(campaign)

    def not_begun(self, campaign: str) -> list[CampaignLine]:
        """The newest instants of its schedule with which no run began, the oldest first."""
        return [] if self.live is None else self.live.not_begun(campaign)

    def in_use(self) -> set[tuple[str, int]]:
        """The versions of campaigns by which runs go, or are about to begin."""
        if self.live is not None:
            return self.live.in_use()
        if not self._has_some():
            return set()
        from parcours.campaigns.run_place import versions_under_way

        return versions_under_way(self._root() / CAMPAIGNS)

    def troubles(self) -> list[str]:
        """What is not in order now, a sentence each."""
        mine = [] if self._facts is None or self._facts.trouble is None else [self._facts.trouble]
        return mine if self.live is None else [*mine, *self.live.troubles()]

    async def forget(self, erasures: Sequence[Erasure]) -> None:
        """Take those who were erased out of all files of campaigns. May be repeated. Raises StoreBroken, OSError."""
        await self._renewed.wait()
        if self.live is not None:
            await self.live.forget(erasures)

    def still(self) -> AbstractAsyncContextManager[None]:
        """Nobody takes a run further within this; asked for before that nothing is to be published."""
        return nullcontext() if self.live is None else self.live.still()

    async def stop(self) -> None:
        """Conduct none any more; whoever opens the store again goes on where each run is."""
        if self.live is not None:
            await self.live.stop()
        if self._facts is not None:
            await self._facts.stop()
        if self._passing is not None:
            await asyncio.to_thread(shutil.rmtree, self._passing)

    def _has_some(self) -> bool:
        files = files_of(self._plan.store)
        return files is not None and (files / CAMPAIGNS).exists()

    def _begun(self) -> LiveCampaigns:
        try:
            from parcours.campaigns.fence import UNFENCED, Fence
            from parcours.campaigns.line_numbers import LineNumbers
            from parcours.campaigns.live_campaigns import LiveCampaigns
            from parcours.campaigns.live_runs import EngineAround
        except ImportError as error:
            raise ExtraMissing.of("A campaign", "campaigns") from error
        plan, root = self._plan, self._root()
        fence = Fence(root / CAMPAIGNS, self._epoch)
        if self._epoch != UNFENCED and is_durable(plan.store):
            check_keeper(claims_at(plan.store, plan.shards), self._epoch)  # one that is over would keep others out
        fence.take_over()
        numbers = LineNumbers(newest_told(root))
        live = LiveCampaigns(
            EngineAround(
                self._ports,
                plan.slot_map,
                self._undisturbed,
                self._clock,
                plan.settings,
                root / CAMPAIGNS,
                root / EXPORTED,
                plan.project.folder,
                numbers,
                self.found,
                fence,
            )
        )
        if plan.exports:
            self._facts = CampaignFacts(root, plan.settings)
            self._facts.start(live, numbers)
        return live

    def _root(self) -> Path:
        """The folder of the store's files; one that goes with the engine where the store has none."""
        if (files := files_of(self._plan.store)) is not None:
            return files.absolute()  # threads work there, wherever the process goes
        self._passing = Path(tempfile.mkdtemp(prefix="parcours-campaigns-"))
        return self._passing
