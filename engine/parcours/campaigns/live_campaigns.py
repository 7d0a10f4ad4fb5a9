"""The campaigns of an engine: runs begin by their schedules or by hand, and go on until they are over (live_runs.py).

    STORE/campaigns/NAME/campaign.json   how far the schedule has been gone through, and the number of the newest run
    STORE/campaigns/.saved               who is in the audiences that campaigns save

Whoever opens the store again goes on with every run where it was. Of instants of a schedule that passed while nobody
was there the newest is made up for, and the others are told as missed; while a campaign is paused or closed all are.
"""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from itertools import takewhile
from pathlib import Path
from typing import Final

import msgspec

from parcours.background import in_thread
from parcours.campaigns.campaign_due import occurrences
from parcours.campaigns.campaign_line import MISSED, SKIPPED_RUNNING, CampaignLine
from parcours.campaigns.campaign_place import CAMPAIGN, CampaignPlace, read_campaign
from parcours.campaigns.erased_people import ErasedPeople
from parcours.campaigns.kept_files import drop_old
from parcours.campaigns.listed_runs import continued, listed_by
from parcours.campaigns.live_people import LOOK_S, until_past
from parcours.campaigns.live_previews import LivePreviews
from parcours.campaigns.live_runs import EngineAround, LiveRuns
from parcours.campaigns.run_book import scan_of
from parcours.campaigns.run_folder import RunFolder, write_json
from parcours.campaigns.run_place import RunPlace, kept_runs, read_place
from parcours.campaigns.run_world import RunWorld
from parcours.campaigns.saved_members import SavedMembers
from parcours.campaigns.sets.database import Workspace
from parcours.campaigns.sets.plain_sets import write_found
from parcours.campaigns.sets.whole_file import drop_unfinished
from parcours.campaigns.told_lines import told_lines
from parcours.config import DAY_MS, SECOND_MS
from parcours.core.time_text import time_text
from parcours.errors import CallerError, ParcoursError
from parcours.expression.definition_keys import plain
from parcours.journey.campaign_columns import asks_shards
from parcours.journey.campaign_program import CampaignProgram
from parcours.journey.campaign_steps import FunnelAsked, SavingMode
from parcours.journey.compile.campaigns.found import PEOPLE, naming_campaign
from parcours.journey.program import Program
from parcours.journey.publish.ledger import JourneyStateName
from parcours.shard.erasures import Erasure
from parcours.shard.scans import StageAsked
from parcours.store.campaign_files import SPILL
from parcours.wording import nearest, quoted

log = logging.getLogger("parcours")

SAVED: Final = ".saved"
"""No campaign can be called so, whose folders lie beside it: names have no dots."""

TOLD_MAX: Final = 100
"""Lines of a campaign that are kept of instants with which no run began; the oldest go."""


class LiveCampaigns:
    """Lives on the loop of its host."""

    def __init__(self, around: EngineAround) -> None:
        self._around = around
        self._program: Program | None = None
        self._states: Mapping[str, JourneyStateName] = {}
        self._news = asyncio.Event()
        self._is_restored = asyncio.Event()
        self._places: dict[str, CampaignPlace] = {}
        self._task: asyncio.Task[None] | None = None
        self._upkeep: asyncio.Task[None] | None = None
        self._trouble: str | None = None
        self._naming = asyncio.Lock()
        memory_bytes = around.settings.campaign_memory_bytes
        self._spill = around.folder / SPILL
        workspace = Workspace(self._spill, memory_bytes, os.cpu_count() or 1)
        members = SavedMembers(around.folder / SAVED, workspace, around.fence)
        world = RunWorld(
            lambda: self._published.saved_audiences,
            members,
            around.exports,
            lambda name: self._place(name).runs,
            self._find,
        )
        self._runs = LiveRuns(around, world, self._news.set)
        self.previews = LivePreviews(around, self._newest, lambda name: self._place(name).runs + 1)
        """What campaigns would do, while nothing happens to anybody."""

    @property
    def _published(self) -> Program:
        assert self._program is not None, "renew comes first"
        return self._program

    def renew(self, program: Program, states: Mapping[str, JourneyStateName]) -> None:
        """This program holds from now on, with journeys and campaigns in these states; the first one starts it all."""
        self._program, self._states = program, states
        self._runs.renew(states)
        self._news.set()
        if self._task is None:
            self._task = asyncio.ensure_future(self._go_on())

    def still(self) -> AbstractAsyncContextManager[None]:
        """No run goes on within this: files and shards are as after a crash between two of its actions."""
        return self._runs.gate.still()

    def in_use(self) -> set[tuple[str, int]]:
        """The versions of campaigns by which runs go, or are about to begin."""
        expected = {(name, place.expected[1]) for name, place in self._places.items() if place.expected}
        return expected | self._runs.in_use() | self.previews.in_use()

    def troubles(self) -> list[str]:
        """What is not in order now, a sentence each."""
        return [*([] if self._trouble is None else [self._trouble]), *self._runs.troubles()]

    async def stop(self) -> None:
        """Conduct no run any more; whoever opens the store again goes on where each is."""
        await self.previews.stop()
        tasks = [each for each in (self._task, self._upkeep) if each is not None]
        for each in tasks:
            each.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._runs.stop()

    # By hand

    def begin(self, name: str, by: str) -> int:
        """Let a run begin now, durably; returns its number. Raises CallerError where none may, OSError."""
        campaign = self._newest(name)
        if not self._is_open(campaign):
            raise CallerError(f"the campaign {name!r} is {self._states.get(name)}: no run of it begins")
        under_way = self._runs.of(name)
        if under_way and not campaign.overlapping:
            raise CallerError(
                f"run {min(under_way)} of the campaign {name!r} is under way, and no other one begins before it is "
                "over; with `overlap: allowed` one would"
            )
        self._look_first(campaign)
        return self._begin(campaign, self._around.clock.now_ms(), by=by)

    def _check_there(self, name: str) -> None:
        if name not in self._published.conducted_names():
            known = [each.name for each in self._published.campaigns]
            raise CallerError(f"there is no campaign {quoted(name)}{nearest(name, known)}")

    # What one would do

    def _newest(self, name: str) -> CampaignProgram:
        """The version by which its next run would go. Raises CallerError where there is none."""
        self._check_there(name)
        conducted = (*self._published.campaigns, *self._published.keeping)
        offered = next((each for each in conducted if each.name == name), None)
        if offered is None:
            raise CallerError(f"the campaign {name!r} is not offered any more: no run of it begins")
        return offered

    # People who are named, or found by a funnel

    async def _find(self, asked: FunnelAsked, at: int) -> Iterable[str]:
        """Whom facts tell of; a run rests meanwhile, for nothing of it is written."""
        async with self._runs.gate.resting():
            return await self._around.find(asked, at)

    async def save_named(self, audience: str, people: Iterable[str], mode: SavingMode, by: str) -> RunPlace:
        """Let these people be saved as an audience, named by its key; returns the run once it is over.

        It goes on though nobody waits for it, and whatever happens to this process. Raises CallerError, OSError.
        """
        if audience not in self._published.saved_audiences:
            raise CallerError(f"{plain(audience)!r} is no audience that people are saved as")
        campaign = naming_campaign(audience, mode, self._published.timezone)
        self._look_first(campaign)
        await self._is_restored.wait()  # before that, files that are being written are taken for those of a crash
        async with self._naming, self._runs.gate.at_work():  # numbers are given in order
            folder = self._around.folder / campaign.name / str(self._place(campaign.name).runs + 1)
            await in_thread(write_found, people, RunFolder(folder, durable=True).found(PEOPLE), durable=True)
            number = self._begin(campaign, self._around.clock.now_ms(), by=by)
        under_way = self._runs.of(campaign.name).get(number)
        if under_way is not None and under_way.task is not None:
            await asyncio.wait([under_way.task])
        place = read_place(folder)
        assert place is not None, "a run that has begun is kept"
        return place

    # How they stand

    async def runs(self, campaign: str) -> list[RunPlace]:
        """How far each run of a campaign is of which something is kept, the oldest first. Raises OSError."""
        kept = await asyncio.to_thread(kept_runs, self._around.folder / campaign)
        under_way = self._runs.of(campaign)
        return [under_way[each.number].place if each.number in under_way else each for each in kept]

    def not_begun(self, campaign: str) -> list[CampaignLine]:
        """The newest instants of its schedule with which no run began, the oldest first."""
        return self._place(campaign).lines

    def told_after(self, record: int) -> list[CampaignLine]:
        """What is kept, durably, of lines with a higher number than this one, in the order of their numbers.

        Called from any thread. Raises OSError.
        """
        return told_lines(self._around.folder, record)

    # Schedules

    async def _go_on(self) -> None:
        try:
            await self.previews.clear()
            async with self._runs.gate.at_work():
                await self._restore()
            self._is_restored.set()
            self._upkeep = asyncio.ensure_future(self._keep_up())
            while True:
                self._news.clear()
                async with self._runs.gate.at_work():
                    coming = [await self._look(each) for each in (*self._published.campaigns, *self._published.keeping)]
                await self._until(min((at for at in coming if at is not None), default=None))
        except Exception as error:  # nobody waits for it
            self._is_restored.set()  # nobody waits in vain
            self._trouble = f"no campaign begins by its schedule any more: {error}"
            log.error("%s", self._trouble, exc_info=not isinstance(error, ParcoursError | OSError))

    async def _restore(self) -> None:
        """Go on with what was under way when the store was closed; what shards keep for nobody ends."""
        claimed: set[str] = set()
        await asyncio.to_thread(self._clear_attempts)
        for folder in self._folders():
            place = self._place(folder.name)
            claimed |= {place.expected[0]} if place.expected else set()
            for kept in kept_runs(folder):
                self._runs.hear_end(kept, next((line.why for line in kept.lines if line.is_failure), None))
                through = max(place.through, kept.began if kept.scheduled else -1)
                place = msgspec.structs.replace(place, runs=max(place.runs, kept.number), through=through)
                if kept.ended is None and kept.number not in self._runs.of(folder.name):
                    run = self._runs.take_up(kept, self._version(kept))
                    claimed |= set() if run is None else run.scans()
            self._keep(folder.name, place)
        for scan in sorted(await self._runs.people.scans() - claimed):
            await self._runs.people.end_scan(scan)

    def _clear_attempts(self) -> None:
        """Take away what a crash has cut off, and the fence leaves; nobody is at work yet."""
        drop_unfinished(self._around.exports)
        if self._spill.exists():
            shutil.rmtree(self._spill)

    def _folders(self) -> list[Path]:
        """Of all campaigns that have ever been here."""
        return sorted(each for each in self._around.folder.glob("*") if (each / CAMPAIGN).exists())

    def _version(self, place: RunPlace) -> CampaignProgram | None:
        if place.listed is not None:
            folder = self._around.folder / place.campaign / str(place.number)
            return continued(place, place.listed, folder, self._published)
        try:
            return self._published.campaign(place.campaign, place.version)
        except KeyError:
            return None

    async def _look(self, campaign: CampaignProgram) -> int | None:
        """Begin what is due by a campaign's schedule; the instant that comes next, None if there is none."""
        self._look_first(campaign)
        now_ms, timezone = self._around.clock.now_ms(), self._published.timezone
        through = self._place(campaign.name).through
        passed = [*deque(takewhile(lambda at: at < now_ms, occurrences(campaign, timezone, through)), TOLD_MAX + 1)]
        if passed:
            may_begin = self._is_open(campaign)
            for at in passed[:-1] if may_begin else passed[-TOLD_MAX:]:
                self._tell_not_begun(campaign, at, MISSED)
            if may_begin:
                self._occur(campaign, passed[-1])
            self._keep(campaign.name, msgspec.structs.replace(self._place(campaign.name), through=passed[-1]))
        coming = next(occurrences(campaign, timezone, max(now_ms - 1, through)), None)
        await self._expect(campaign, coming)
        return coming

    def _is_open(self, campaign: CampaignProgram) -> bool:
        """Whether its runs may begin; one by which an audience is kept has no state, and is open while it is there."""
        return campaign in self._published.keeping or self._states.get(campaign.name) == "open"

    def _look_first(self, campaign: CampaignProgram) -> None:
        """What lies before a campaign is looked at for the first time is no instant of its schedule."""
        if self._place(campaign.name).through < 0:
            self._keep(campaign.name, CampaignPlace(self._around.clock.now_ms() - 1))

    def _occur(self, campaign: CampaignProgram, at: int) -> None:
        """An instant of the schedule has passed: its run begins, unless one is under way."""
        if self._runs.of(campaign.name) and not campaign.overlapping:
            self._tell_not_begun(campaign, at, SKIPPED_RUNNING)
        else:
            self._begin(campaign, at, scheduled=True)

    def _begin(self, campaign: CampaignProgram, at: int, *, by: str = "", scheduled: bool = False) -> int:
        place = self._place(campaign.name)
        expected, scans = place.expected, {}
        if scheduled and expected is not None and expected[1:] == (campaign.version, at):
            scans, expected = {"0": (expected[0], expected[2])}, None
        number = place.runs + 1
        listed = listed_by(campaign)
        began = RunPlace(campaign.name, campaign.version, number, at, scheduled, by, expected=scans, listed=listed)
        self._runs.begin(campaign, began)
        self._keep(campaign.name, msgspec.structs.replace(place, runs=number, expected=expected))
        return number

    def _tell_not_begun(self, campaign: CampaignProgram, at: int, why: str) -> None:
        place = self._place(campaign.name)
        if any(each.at == at for each in place.lines):
            return  # it was told before a crash
        line = CampaignLine(at, campaign.name, campaign.version, place.runs + 1, None, why)
        line = self._around.numbers.numbered(line)
        log.warning("the campaign %r began no run at %s: %s", campaign.name, time_text(at), why)
        self._keep(campaign.name, msgspec.structs.replace(place, lines=[*place.lines, line][-TOLD_MAX:]))

    async def _expect(self, campaign: CampaignProgram, at: int | None) -> None:
        """Have shards take columns at the next instant of a schedule, as the newest version asks for them."""
        asks = at is not None and self._is_open(campaign)
        asks = asks and asks_shards(campaign, campaign.stages[0])
        wanted = (campaign.version, at) if asks else None
        place, people = self._place(campaign.name), self._runs.people
        if place.expected is not None and place.expected[1:] != wanted:
            await people.end_scan(place.expected[0])
            place = msgspec.structs.replace(self._place(campaign.name), expected=None)
            self._keep(campaign.name, place)
        if at is not None and asks and place.expected is None:
            scan = scan_of(StageAsked(campaign.name, campaign.version, 0), place.runs + 1, at)
            if await people.expect(scan):
                expected = scan.name, campaign.version, at
                self._keep(campaign.name, msgspec.structs.replace(self._place(campaign.name), expected=expected))

    # What is kept

    async def _keep_up(self) -> None:
        """Take away what is kept no longer, now and once a day."""
        while True:
            now_ms, sets_for_ms = self._around.clock.now_ms(), self._around.settings.campaign_sets_for_ms
            for folder in self._folders():
                try:
                    async with self.still():
                        await in_thread(drop_old, folder, now_ms, sets_for_ms)
                except OSError as error:
                    log.warning("old sets of the campaign %r stay until tomorrow: %s", folder.name, error)
            await until_past(self._around.clock, now_ms + DAY_MS)

    async def forget(self, erasures: Sequence[Erasure]) -> None:
        """Take those who were erased out of all files. May be repeated. Raises StoreBroken, OSError."""
        erased = ErasedPeople(erasures, self._around.exports)
        runs = [each / str(place.number) for each in self._folders() for place in kept_runs(each)]
        for folder in runs:
            async with self.still():
                if (place := read_place(folder)) is not None:
                    await in_thread(erased.leave_run, folder, place)
        async with self.still():
            await in_thread(erased.leave_rest, self._around.folder)

    def _place(self, campaign: str) -> CampaignPlace:
        if campaign not in self._places:
            kept = read_campaign(self._around.folder / campaign)
            self._places[campaign] = CampaignPlace(-1) if kept is None else kept
        return self._places[campaign]

    def _keep(self, campaign: str, place: CampaignPlace) -> None:
        if place != self._places.get(campaign):
            self._places[campaign] = place
            write_json(self._around.folder / campaign / CAMPAIGN, place, durable=True, fence=self._around.fence)

    async def _until(self, at_ms: int | None) -> None:
        """Return once this time is past on the clock, which may jump, or there is news."""
        while not self._news.is_set() and (at_ms is None or self._around.clock.now_ms() <= at_ms):
            wait_s = LOOK_S if at_ms is None else (at_ms + 1 - self._around.clock.now_ms()) / SECOND_MS
            try:
                async with asyncio.timeout(min(max(wait_s, 0), LOOK_S)):
                    await self._news.wait()
            except TimeoutError:
                continue
