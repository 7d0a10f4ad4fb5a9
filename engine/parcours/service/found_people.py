"""Whom do the facts of a running engine tell of, as of an instant? Its files and what is not exported yet are asked.

Shards are waited for until each has passed the instant, so the answer is the same whenever it is asked for: but for
whoever is erased meanwhile, rows that were kept for long enough, and what runs of paused journeys make up for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from parcours.background import in_thread
from parcours.config import Settings
from parcours.errors import AnalysisRefused, CallerError
from parcours.insight.asking.found import Window, found_people, people_in
from parcours.insight.exporter.done import facts_folder
from parcours.insight.warehouse.opening import check_extra
from parcours.journey.campaign_steps import FunnelAsked
from parcours.journey.program import Program
from parcours.routing.ports import ShardPort
from parcours.service.fact_tail import tail_rows
from parcours.shard.requests import HasPassed

PASSED_POLL_S: Final = 0.05
"""Pause before a shard is asked again whether it has passed an instant."""

IN_MEMORY: Final = "the store lies in memory: no facts are kept as files, and no funnel is asked of them"


@dataclass(frozen=True, slots=True)
class FoundPeople:
    """
    program         what is published now
    store           the folder of the store, None where it lies in memory
    address_secret  by what addresses are hashed
    """

    ports: Sequence[ShardPort]
    program: Callable[[], Program]
    store: Path | None
    address_secret: str | None
    settings: Settings
    _turns: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Each question may take as much memory as there is for it."""

    async def __call__(self, asked: FunnelAsked, at: int) -> list[str]:
        """The people as of an instant (ms), that instant included; it has passed by the clock.

        Raises AnalysisRefused where facts lack what is asked for, or there are none; ExtraMissing, StoreBroken,
        ShardUnavailable.
        """
        check_extra()
        if self.store is None:
            raise AnalysisRefused(IN_MEMORY)
        facts = facts_folder(self.store)
        for port in self.ports:
            while not await port.ask(HasPassed(at)):  # noqa: ASYNC110  # the shard may be another process
                await asyncio.sleep(PASSED_POLL_S)
        async with self._turns:
            program = self.program()
            tail = (await tail_rows(self.ports, program, self.address_secret)).tail()
            return await in_thread(found_people, facts, program, asked, at, self.settings, tail)

    async def now(self, asked: FunnelAsked, window: Window) -> list[str]:
        """The people as of now. Raises CallerError where facts lack what is asked for, and else as above."""
        check_extra()
        if self.store is None:
            raise CallerError(IN_MEMORY)
        facts = facts_folder(self.store)
        async with self._turns:
            program = self.program()
            tail = (await tail_rows(self.ports, program, self.address_secret)).tail()
            return await in_thread(people_in, facts, program, asked, window, self.settings, tail)
