"""How far a run of a campaign is, kept in its folder: its instants, what was told of it, and how it ended.

The file is written anew, whole, before anything that follows from it happens; whoever takes the run over goes by it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final, Literal, TypeAlias

import msgspec

from parcours.campaigns.campaign_line import CampaignLine
from parcours.campaigns.fence import Fence
from parcours.campaigns.line_numbers import LineNumbers
from parcours.campaigns.live_people import LivePeople
from parcours.campaigns.run_book import scan_of
from parcours.campaigns.run_folder import read_json, write_json
from parcours.clock import Clock
from parcours.journey.campaign_steps import SavingMode
from parcours.shard.scans import Scan, StageAsked

PLACE: Final = "run.json"

RunState: TypeAlias = Literal["under_way", "done", "failed", "stopped"]


class ListedSave(msgspec.Struct, frozen=True):
    """What a run does whose people facts tell of, or somebody has named: it saves them as this audience, by its key."""

    audience: str
    mode: SavingMode


class RunPlace(msgspec.Struct, frozen=True):
    """
    began      the instant of the schedule, or when it was started by hand; ms, as all instants
    scheduled  whether its schedule has begun it; else `by` is who started it, "" where nobody is named
    scans      by stage, the name and the instant of the scan that tells of its people; `expected` are still to come
    begins     by step, when that began which it does with its set
    awaited    by step, before when it does not end, as somebody is due only then
    ends       by step, when it ended
    saves      by step, from when on the audience holds that it saved
    lines      what has been told of outputs, in the order in which it was
    ended      when it was over, None as long as it is not
    listed     of a run that no campaign of an author's has (compile/campaigns/found.py)
    """

    campaign: str
    version: int
    number: int
    began: int
    scheduled: bool = False
    by: str = ""
    state: RunState = "under_way"
    scans: dict[str, tuple[str, int]] = {}
    expected: dict[str, tuple[str, int]] = {}
    begins: dict[str, int] = {}
    awaited: dict[str, int] = {}
    ends: dict[str, int] = {}
    saves: dict[str, int] = {}
    lines: list[CampaignLine] = []
    ended: int | None = None
    listed: ListedSave | None = None

    @property
    def since(self) -> int:
        """The instant as of which it has begun to ask about people: whoever is forgotten from then on is in no set."""
        _, at = self.scans.get("0", ("", self.began))
        return max(self.began, at)


class LiveBook:
    """The book of a run in an engine: satisfies `RunBook`. Methods that write raise OSError.

    going_on  returns when the run may go on
    """

    def __init__(
        self,
        place: RunPlace,
        folder: Path,
        people: LivePeople,
        clock: Clock,
        lead_ms: int,
        going_on: Callable[[], Awaitable[None]],
        numbers: LineNumbers,
        fence: Fence,
    ) -> None:
        self.place = place
        self._path = folder / PLACE
        self._people = people
        self._clock = clock
        self._lead_ms = lead_ms
        self.going_on = going_on
        self._numbers = numbers
        self._fence = fence

    def keep(self, **changes: object) -> None:
        """Write what has changed. Raises StoreBusy where another process keeps the engine by now."""
        self.place = msgspec.structs.replace(self.place, **changes)
        write_json(self._path, self.place, durable=True, fence=self._fence)

    def tell(self, line: CampaignLine) -> None:
        """Keep a line that has not been told before."""
        if (line.step, line.output) not in {(each.step, each.output) for each in self.place.lines}:
            self.keep(lines=[*self.place.lines, self._numbers.numbered(line)])

    # Scans

    async def scan(self, asked: StageAsked, at: int) -> Scan:
        stage = str(asked.stage)
        if stage in self.place.scans:
            name, instant = self.place.scans[stage]
            return Scan(name, instant, asked)
        expected = self.place.expected.get(stage)
        if expected is not None and expected[1] == at:
            scan = Scan(*expected, asked)
        else:
            await self._unexpect(stage)
            scan = await self._people.announce(asked, self.place.number)
        rest = {other: each for other, each in self.place.expected.items() if other != stage}
        self.keep(scans={**self.place.scans, stage: (scan.name, scan.at)}, expected=rest)
        return scan

    def lost(self, asked: StageAsked) -> None:
        stage = str(asked.stage)
        self.keep(scans={other: each for other, each in self.place.scans.items() if other != stage})

    async def expect(self, asked: StageAsked, at: int) -> None:
        stage, scan = str(asked.stage), scan_of(asked, self.place.number, at)
        if stage in self.place.scans or self.place.expected.get(stage) == (scan.name, at):
            return
        await self._unexpect(stage)
        if await self._people.expect(scan):
            self.keep(expected={**self.place.expected, stage: (scan.name, at)})

    async def _unexpect(self, stage: str) -> None:
        """Another instant counts than was expected."""
        if stage in self.place.expected:
            await self._people.end_scan(self.place.expected[stage][0])
            self.keep(expected={other: each for other, each in self.place.expected.items() if other != stage})

    # Steps

    async def begins(self, step: str, at: int) -> int:
        if step not in self.place.begins:
            begins = max(at, self._clock.now_ms()) + self._lead_ms
            self.keep(begins={**self.place.begins, step: begins})
        return self.place.begins[step]

    async def awaits(self, step: str, until: int) -> None:
        self.keep(awaited={**self.place.awaited, step: until})

    def awaited_until(self, step: str) -> int:
        return self.place.awaited.get(step, 0)

    def end_of(self, step: str) -> int | None:
        return self.place.ends.get(step)

    async def ended(self, step: str, at: int) -> None:
        self.keep(ends={**self.place.ends, step: at})

    def saved_at(self, step: str) -> int | None:
        return self.place.saves.get(step)

    async def saved(self, step: str, at: int) -> None:
        self.keep(saves={**self.place.saves, step: at})


def read_place(folder: Path) -> RunPlace | None:
    """How far a run is, None where none has begun. Raises OSError."""
    return read_json(folder / PLACE, RunPlace)


def kept_runs(folder: Path) -> list[RunPlace]:
    """How far each run is of which a campaign's folder keeps something, the oldest first. Raises OSError."""
    folders = sorted((each for each in folder.glob("*") if each.name.isdigit()), key=lambda each: int(each.name))
    return [place for place in map(read_place, folders) if place is not None]


def versions_under_way(folder: Path) -> set[tuple[str, int]]:
    """The campaigns and versions of all runs below the folder of campaigns that are not over. Raises OSError."""
    return {
        (place.campaign, place.version) for each in folder.glob("*") for place in kept_runs(each) if place.ended is None
    }
