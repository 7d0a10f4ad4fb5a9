"""The book of a run: when its stages and steps begin and have ended, and what is told of them.

Sets are as of an instant T, and what is done with them begins at an instant S. Under virtual time everybody is held at
T until all is done, so S is T. Live it takes a while to make sets, so S is later; both are kept, and what is gone
through again after a crash is as of the same instants.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from parcours.campaigns.campaign_line import CampaignLine
from parcours.shard.scans import OF_CAMPAIGN, Scan, StageAsked


class RunBook(Protocol):
    """Of one run."""

    async def scan(self, asked: StageAsked, at: int) -> Scan:
        """The scan by which shards tell what a stage asks that is ready at `at` (ms), as of that instant or later."""

    def lost(self, asked: StageAsked) -> None:
        """Shards know nothing of the stage's scan any more: there has to be another one."""

    async def expect(self, asked: StageAsked, at: int) -> None:
        """The stage will be ready at this instant, as far as is known."""

    async def begins(self, step: str, at: int) -> int:
        """When what a step does with the set that it has as of `at` begins."""

    async def awaits(self, step: str, until: int) -> None:
        """A step does not end before this instant, as people are due until then."""

    def awaited_until(self, step: str) -> int:
        """What was said of a step by `awaits`; 0 as long as nothing was, and where nothing is kept."""

    def end_of(self, step: str) -> int | None:
        """When a step has ended; None as long as that is not known, and where nothing is kept."""

    async def ended(self, step: str, at: int) -> None:
        """All is known of the step, which has ended at this instant."""

    def saved_at(self, step: str) -> int | None:
        """From when on a save has held; None as long as that is not known, and where nothing is kept."""

    async def saved(self, step: str, at: int) -> None:
        """The audience of a save holds since this instant."""

    def going_on(self) -> Awaitable[None]:
        """Return when the run may go on: it may be paused."""

    def tell(self, line: CampaignLine) -> None:
        """A line of an output; what is told again is the same."""


class VirtualBook:
    """Virtual time: satisfies `RunBook`. `tell` is told each line."""

    def __init__(self, run: int, tell: Callable[[CampaignLine], None]) -> None:
        self._run = run
        self.tell = tell

    async def scan(self, asked: StageAsked, at: int) -> Scan:
        return scan_of(asked, self._run, at)

    def lost(self, asked: StageAsked) -> None:
        raise AssertionError("under virtual time shards are asked once, and answer")

    async def expect(self, asked: StageAsked, at: int) -> None:
        pass

    async def begins(self, step: str, at: int) -> int:
        return at

    async def awaits(self, step: str, until: int) -> None:
        pass

    def awaited_until(self, step: str) -> int:
        return 0

    def end_of(self, step: str) -> int | None:
        return None

    async def ended(self, step: str, at: int) -> None:
        pass

    def saved_at(self, step: str) -> int | None:
        return None

    async def saved(self, step: str, at: int) -> None:
        pass

    async def going_on(self) -> None:
        pass


def scan_of(asked: StageAsked, run: int, at: int) -> Scan:
    """The scan of a stage whose instant is known before it comes."""
    return Scan(f"{OF_CAMPAIGN}{asked.campaign}/{run}/{asked.stage}@{at}", at, asked)
