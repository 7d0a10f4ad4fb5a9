"""The coordinator: it begins runs of campaigns at the instants of their schedules, and takes each from stage to stage.

Whoever holds it asks when something comes next (`first`), brings everybody to that instant, and lets it act.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from parcours.campaigns.campaign_due import CampaignDue, occurrences
from parcours.campaigns.campaign_line import SKIPPED_RUNNING, CampaignLine
from parcours.campaigns.campaign_run import CampaignRun
from parcours.campaigns.hand_overs import HandOversAtOnce
from parcours.campaigns.look_asked import PreviewAsked
from parcours.campaigns.people import People
from parcours.campaigns.preview import Previewing, stages_asked
from parcours.campaigns.proof import prove
from parcours.campaigns.run_book import VirtualBook, scan_of
from parcours.campaigns.run_folder import EARLIER, copy_earlier
from parcours.campaigns.run_sets import RunSets
from parcours.campaigns.run_world import Find, RunWorld, nobody_asks
from parcours.campaigns.saved_members import SavedMembers
from parcours.campaigns.set_places import SetPlace, set_places
from parcours.campaigns.sets.database import Workspace
from parcours.campaigns.step_words import words_of
from parcours.config import Settings
from parcours.journey.campaign_program import CampaignProgram
from parcours.journey.campaign_steps import ReadFound
from parcours.journey.model.recurrence import is_endless
from parcours.journey.program import Program


@dataclass(slots=True)
class _Scheduled:
    """A campaign with the instants that are to come."""

    campaign: CampaignProgram
    coming: Iterator[int]
    next_ms: int | None
    endless: bool
    started: list[int] = field(default_factory=list)
    """Instants at which it is started by hand, the first one last."""

    def advance(self) -> None:
        self.next_ms = next(self.coming, None)


class Coordinator:
    """Of all campaigns of a program. `folder` is where runs keep their sets, and `exports` where files go."""

    def __init__(
        self,
        program: Program,
        people: People,
        folder: Path,
        tables_root: Path,
        exports: Path,
        settings: Settings,
        tell: Callable[[CampaignLine], None],
        find: Find | None = None,
    ) -> None:
        """find: whom facts tell of; without it no audience is kept up to date."""
        self._people = people
        self._folder = folder
        self._tables_root = tables_root
        self._settings = settings
        self._tell = tell
        workspace = Workspace(folder / "spill", settings.campaign_memory_bytes, os.cpu_count() or 1, durable=False)
        self._world = RunWorld(
            lambda: program.saved_audiences,
            SavedMembers(folder / "saved", workspace),
            exports,
            lambda name: self._numbers.get(name, 0),
            find or nobody_asks,
        )
        self._runs: list[CampaignRun] = []
        self._rest: list[str] = []
        self._asked: PreviewAsked | None = None
        self._explained: tuple[str, Callable[[SetPlace], None]] | None = None
        self._numbers: dict[str, int] = {}
        self._continued: dict[str, Path] = {}
        conducted = program.campaigns if find is None else (*program.campaigns, *program.keeping)
        self._scheduled = {each.name: _scheduled(each, program.timezone) for each in conducted}

    def begin(self, at_ms: int) -> None:
        """Time begins at this instant: of a schedule, what lies before it is no occurrence."""
        for each in self._scheduled.values():
            while each.next_ms is not None and each.next_ms < at_ms:
                each.advance()

    def start(self, campaign: str, at_ms: int | None) -> None:
        """Let a run of a campaign begin at an instant that is still to come; None: when `begin_rest` is called."""
        if at_ms is None:
            self._rest.append(campaign)
            return
        started = self._scheduled[campaign].started
        started.append(at_ms)
        started.sort(reverse=True)

    def begin_rest(self, at_ms: int) -> bool:
        """Let those begin at this instant that were started without one, and the preview; whether there are any."""
        rest, self._rest = self._rest, []
        for campaign in rest:
            self.start(campaign, at_ms)
        if self._asked is not None and self._asked.at is None:
            self._asked = replace(self._asked, at=at_ms)
            return True
        return bool(rest)

    def ask_preview(self, asked: PreviewAsked) -> None:
        """Have a campaign previewed at an instant, from which on no run begins; None: when `begin_rest` is called."""
        self._asked = asked

    def preview_after(self, campaign: str, runs: int, folder: Path) -> None:
        """A preview is of the run after these, so many, of a store in whose folder of the campaign they are kept."""
        self._numbers[campaign], self._continued[campaign] = runs, folder

    def first(self) -> CampaignDue | None:
        """What is to be done first; None if nothing is. Runs go on before others begin at the same instant."""
        going_on = [
            CampaignDue(run.next_ms, run.campaign.name, run.number, begins=False, early=run.saves_next)
            for run in self._runs
        ]
        beginning = [due for each in self._scheduled.values() if (due := self._beginning(each)) is not None]
        asked = self._asked
        if asked is not None and asked.at is not None:
            asks_facts = _asks_facts(self._scheduled[asked.campaign].campaign)
            looking = CampaignDue(asked.at, asked.campaign, 0, begins=False, looks=True, asks_facts=asks_facts)
            beginning = [looking, *(due for due in beginning if due.at_ms < asked.at)]
        return min(
            [*going_on, *beginning],
            key=lambda due: (due.at_ms, not due.early, due.looks, due.begins, due.name, due.run),
            default=None,
        )

    def _beginning(self, each: _Scheduled) -> CampaignDue | None:
        by_hand = each.started[-1] if each.started else None
        if each.next_ms is None and by_hand is None:
            return None
        number = self._numbers.get(each.campaign.name, 0) + 1
        if each.next_ms is None or (by_hand is not None and by_hand < each.next_ms):
            assert by_hand is not None, "one of the two comes"
            asks_facts = _asks_facts(each.campaign)
            return CampaignDue(by_hand, each.campaign.name, number, begins=True, asks_facts=asks_facts)
        recurs = each.campaign.schedule is not None and each.campaign.schedule.rule is not None
        return CampaignDue(
            each.next_ms,
            each.campaign.name,
            number,
            begins=True,
            recurs=recurs,
            is_endless=each.endless,
            asks_facts=_asks_facts(each.campaign),
        )

    def explain(self, person: str, told: Callable[[SetPlace], None]) -> None:
        """From now on tell of each run, once it is over, where somebody is in its sets; `tell_rest` tells of others."""
        self._explained = person, told

    def tell_rest(self) -> None:
        """Nothing more comes: tell of runs that are under way."""
        for run in self._runs:
            self._explain(run)

    def _explain(self, run: CampaignRun) -> None:
        if self._explained is not None:
            person, told = self._explained
            for place in set_places(run.campaign.name, run.number, words_of(run.campaign), run.sets, person):
                told(place)

    def drop(self, due: CampaignDue) -> None:
        """No run begins by this occurrence, nor by any that follows it."""
        self._scheduled[due.name].next_ms = None

    async def act(self, due: CampaignDue) -> None:
        """Do what is due; everybody stands as at its instant."""
        if due.looks:
            await self._preview(due)
            return
        if due.begins:
            run = self._begun(due)
        else:
            run = next(each for each in self._runs if (each.campaign.name, each.number) == (due.name, due.run))
        if run is not None:
            await run.go_on(due.at_ms)
            if run.is_over:
                self._runs.remove(run)
                run.sets.close()
                self._explain(run)

    def _begun(self, due: CampaignDue) -> CampaignRun | None:
        """A run that begins; None where it may not."""
        scheduled = self._scheduled[due.name]
        campaign = scheduled.campaign
        if scheduled.started and scheduled.started[-1] == due.at_ms:
            scheduled.started.pop()
        else:
            scheduled.advance()
        if not campaign.overlapping and any(run.campaign.name == campaign.name for run in self._runs):
            self._tell(CampaignLine(due.at_ms, campaign.name, campaign.version, due.run, None, SKIPPED_RUNNING))
            return None
        self._numbers[campaign.name] = due.run
        sets = self._sets(campaign, due.run)
        run = CampaignRun(
            campaign, due.run, due.at_ms, sets, self._people, VirtualBook(due.run, self._tell), self._world,
            HandOversAtOnce(),
        )  # fmt: skip
        self._runs.append(run)
        return run

    async def _preview(self, due: CampaignDue) -> None:
        """Make the sets that the next run would make, beside those of runs; nothing comes of campaigns after it."""
        asked, self._asked = self._asked, None
        assert asked is not None, "it was asked for"
        campaign, folder = self._scheduled[due.name].campaign, self._folder / due.name
        earlier, number = folder / "preview-earlier", self._numbers.get(due.name, 0) + 1
        copy_earlier(self._continued.get(due.name, folder), earlier)
        sets = RunSets(campaign, number, folder / "preview", self._tables_root, self._settings, earlier, durable=False)
        scans = {stage: scan_of(each, 0, due.at_ms) for stage, each in stages_asked(campaign).items()}
        if asked.proof is not None:
            await prove(campaign, sets, self._people, scans, due.at_ms, asked.proof)
        else:
            found = await Previewing(campaign, sets, self._people, scans, asked.sample, self._world.find).preview(
                due.at_ms
            )
            asked.told(campaign, due.at_ms, found)
        self._scheduled, self._runs = {}, []

    def _sets(self, campaign: CampaignProgram, number: int) -> RunSets:
        folder = self._folder / campaign.name
        root, earlier = self._tables_root, folder / EARLIER
        return RunSets(campaign, number, folder / str(number), root, self._settings, earlier, durable=False)


def _asks_facts(campaign: CampaignProgram) -> bool:
    return any(isinstance(step, ReadFound) for step in campaign.steps.values())


def _scheduled(campaign: CampaignProgram, timezone: str) -> _Scheduled:
    """`timezone` is the project's: a campaign's own is for the times of day that it waits for."""
    schedule = campaign.schedule
    coming = occurrences(campaign, timezone)
    endless = schedule is not None and schedule.rule is not None and is_endless(schedule.rule)
    return _Scheduled(campaign, coming, next(coming, None), endless and campaign.ends_ms is None)
