"""When do the stages and steps of a run begin, and when have they ended?

Sets are as of an instant T, and what is done with them begins at an instant S. Under virtual time everybody is held at
T until all is done, so S is T. Live it takes a while to make sets, so S is later; both are kept, and what is gone
through again after a crash is as of the same instants.
"""

from __future__ import annotations

from typing import Protocol

from parcours.shard.scans import StageAsked


class RunTimes(Protocol):
    """Of one run."""

    async def stage(self, asked: StageAsked, at: int, *, asks: bool) -> int:
        """The instant of which a stage is that is ready at `at` (ms), the same or a later one.

        asks  whether shards are asked for columns as of it
        """

    def lost(self, asked: StageAsked) -> None:
        """Shards know nothing of the stage's columns any more: it needs another instant."""

    async def begins(self, step: str, at: int) -> int:
        """When what a step does with the set that it has as of `at` begins."""

    def end_of(self, step: str) -> int | None:
        """When a step has ended; None as long as that is not known, and where nothing is kept."""

    async def ended(self, step: str, at: int) -> None:
        """All is known of the step, which has ended at this instant."""

    def saved_at(self, step: str) -> int | None:
        """From when on a save has held; None as long as that is not known, and where nothing is kept."""

    async def saved(self, step: str, at: int) -> None:
        """The audience of a save holds since this instant."""

    async def going_on(self) -> None:
        """Return when the run may go on: it may be paused."""


class ExactTimes:
    """Virtual time: satisfies `RunTimes`."""

    async def stage(self, asked: StageAsked, at: int, *, asks: bool) -> int:
        return at

    def lost(self, asked: StageAsked) -> None:
        raise AssertionError("under virtual time shards are asked once, and answer")

    async def begins(self, step: str, at: int) -> int:
        return at

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
