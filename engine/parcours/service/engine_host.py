"""What a service has to do with: its own way to the shards, and whoever keeps the engine, here or elsewhere."""

from __future__ import annotations

from abc import abstractmethod

from parcours.service.fact_questions import FactQuestions
from parcours.service.keeper import Keeper
from parcours.service.published import Published
from parcours.service.shard_access import ShardAccess
from parcours.sources.way_in import WayIn


class EngineHost(ShardAccess, Keeper):
    """Lives on one event loop, that of the service which owns it.

    control    changes what is published, and knows it
    questions  asks the facts of everybody
    was_running  whether the engine was there before this service, which is attached to it
    keeps        whether the engine is kept here, and nowhere else
    """

    control: Published
    questions: FactQuestions
    was_running: bool = False
    keeps: bool = True

    def way_in(self) -> WayIn:
        """For whoever reads a source."""
        plan = self._plan
        return WayIn(self.ports, lambda: self.control.current, plan.settings, plan.slot_map, self._shares_loop)

    @abstractmethod
    async def start(self) -> None:
        """Begin. Raises StoreBusy, StoreBroken, ShardUnavailable."""

    @abstractmethod
    async def turn_away(self) -> None:
        """Take no more lines; calls under way, and those that wait for room, fail with ShardUnavailable."""

    @abstractmethod
    async def end_engine(self) -> None:
        """Let it end for everybody, before this is stopped. Raises ShardUnavailable where nobody keeps it."""

    @abstractmethod
    async def stop(self) -> None:
        """Give everything back."""
