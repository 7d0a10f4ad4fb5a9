"""Previews and proofs of a running engine's campaigns: all sets as of one instant, and nothing happens to anybody.

Shards are told the scans of all stages at once, so the sets of each are of the same instant, and gates are asked as
soon as these are there. One preview is made at a time, in a folder of its own that goes with it.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from shutil import rmtree
from typing import TYPE_CHECKING, TypeVar

from parcours.background import in_thread
from parcours.campaigns.live_people import until_past
from parcours.campaigns.look_asked import ProofAsked, StepPreview
from parcours.campaigns.people import People
from parcours.campaigns.preview import Previewing, stages_asked
from parcours.campaigns.proof import prove
from parcours.campaigns.run_folder import EARLIER, copy_earlier
from parcours.campaigns.run_sets import RunSets
from parcours.clock import Clock
from parcours.config import Settings
from parcours.core.identity import SlotMap
from parcours.journey.campaign_program import CampaignProgram
from parcours.routing.passing_scans import PassingScans
from parcours.routing.ports import ShardPort
from parcours.routing.scans import Rows, collect
from parcours.shard.scans import Asked, Scan, StageAsked
from parcours.store.campaign_files import SCRATCH

if TYPE_CHECKING:
    from parcours.campaigns.live_runs import EngineAround

T = TypeVar("T")


class PreviewedPeople(People):
    """Those of all shards of an engine, for somebody who only looks at them; scans have been announced."""

    def __init__(self, ports: Sequence[ShardPort], slot_map: SlotMap, settings: Settings, clock: Clock) -> None:
        super().__init__(ports, slot_map, settings.due_people_max)
        self._clock = clock

    async def columns(self, scan: Scan) -> AsyncIterator[Rows]:
        """As for `People`."""
        await until_past(self._clock, scan.at)
        for port in self._ports:
            async for rows in collect(port, scan.name, self._slice_people):
                yield rows


class LivePreviews:
    """Lives on the loop of its host.

    newest  the newest version of a campaign that is published; raises CallerError
    number  of the run that would begin next
    """

    def __init__(
        self, around: EngineAround, newest: Callable[[str], CampaignProgram], number: Callable[[str], int]
    ) -> None:
        self._around = around
        self._newest = newest
        self._number = number
        self._folder = around.folder / SCRATCH
        self._scans = PassingScans("preview", around.ports, around.undisturbed, around.clock)
        self._people = PreviewedPeople(around.ports, around.slot_map, around.settings, around.clock)
        self._previewed: CampaignProgram | None = None
        self._left = [*self._folder.glob("*")]
        """What a life before was making when it ended."""

    def in_use(self) -> set[tuple[str, int]]:
        """The version of the campaign that is being previewed."""
        return set() if self._previewed is None else {(self._previewed.name, self._previewed.version)}

    async def preview(self, name: str, sample: int) -> tuple[CampaignProgram, int, dict[str, StepPreview]]:
        """The campaign, the instant in ms, and each step as it would be then; `sample` rows are shown of each set.

        Raises what `newest` raises, TableRefused, SetsRefused, and as `PassingScans.during` does, OSError.
        """

        async def made(
            campaign: CampaignProgram, sets: RunSets, scans: Mapping[int, Scan], at: int
        ) -> tuple[CampaignProgram, int, dict[str, StepPreview]]:
            previewing = Previewing(campaign, sets, self._people, scans, sample, self._around.find)
            return campaign, at, await previewing.preview(at)

        return await self._looked(name, made)

    async def prove(self, name: str, asked: Callable[[CampaignProgram], ProofAsked]) -> None:
        """Tell what a send would say now. Raises what `asked` raises, CallerError, and as `preview` does."""

        async def made(campaign: CampaignProgram, sets: RunSets, scans: Mapping[int, Scan], at: int) -> None:
            await prove(campaign, sets, self._people, scans, at, asked(campaign))

        asked(self._newest(name))  # what is asked wrongly is told before anybody is asked
        await self._looked(name, made)

    async def _looked(
        self, name: str, made: Callable[[CampaignProgram, RunSets, Mapping[int, Scan], int], Awaitable[T]]
    ) -> T:
        """What is made of the sets of the campaign's newest version. Its scans are those of its stages, by number."""

        def asked() -> Sequence[Asked]:
            self._previewed = campaign = self._newest(name)
            return [*stages_asked(campaign).values()]

        async def answer(at: int, scans: Sequence[Scan]) -> T:
            campaign = self._previewed
            assert campaign is not None, "it has been asked for"
            by_stage = {scan.asked.stage: scan for scan in scans if isinstance(scan.asked, StageAsked)}
            folder = self._folder / uuid.uuid4().hex
            sets = self._sets(campaign, folder)
            try:
                await in_thread(self._begin, folder, name)
                return await made(campaign, sets, by_stage, at)
            finally:
                self._previewed = None
                sets.close()
                await in_thread(rmtree, folder)

        return await self._scans.during(asked, answer)

    def _sets(self, campaign: CampaignProgram, folder: Path) -> RunSets:
        around, number = self._around, self._number(campaign.name)
        earlier = folder / EARLIER
        return RunSets(campaign, number, folder / "sets", around.tables_root, around.settings, earlier, durable=False)

    def _begin(self, folder: Path, name: str) -> None:
        folder.mkdir(parents=True)
        copy_earlier(self._around.folder / name, folder / EARLIER)

    async def clear(self) -> None:
        """Take away what a life before has left. Raises OSError."""
        for folder in self._left:
            await asyncio.to_thread(rmtree, folder)
        self._left = []

    async def stop(self) -> None:
        """Whoever waits for one is told that the engine is closed."""
        await self._scans.stop()
