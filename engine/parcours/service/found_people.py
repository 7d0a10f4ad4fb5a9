"""Whom do the facts of a running engine tell of, as of an instant? Its files and what is not exported yet are asked.

Shards are waited for until each has passed the instant, so the answer is the same whenever it is asked for: but for
whoever is erased meanwhile, rows that were kept for long enough, and what runs of paused journeys make up for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from parcours.config import Settings
from parcours.errors import AnalysisRefused, CallerError
from parcours.insight.asking.found import found_at, people_in
from parcours.insight.warehouse.opening import check_extra
from parcours.insight.windows import Window
from parcours.journey.campaign_steps import FunnelAsked
from parcours.journey.project import Project
from parcours.routing.ports import ShardPort
from parcours.service.fact_questions import FactQuestions
from parcours.service.passed import until_passed

if TYPE_CHECKING:
    from parcours.insight.warehouse.warehouse import Warehouse

Run: TypeAlias = "Callable[[Warehouse, Callable[[], Project]], list[str]]"

IN_MEMORY: Final = (
    "no facts are kept as files: the store lies in memory, or has no folder for files; no funnel is asked"
)


@dataclass(frozen=True, slots=True)
class FoundPeople:
    """Its questions take their turn among all others, and may take as long as any of them."""

    ports: Sequence[ShardPort]
    questions: FactQuestions
    settings: Settings

    async def __call__(self, asked: FunnelAsked, at: int) -> list[str]:
        """The people as of an instant (ms), that instant included; it has passed by the clock.

        Raises AnalysisRefused where facts lack what is asked for, or there are none; CallerError for one that takes too
        long; Overloaded, ExtraMissing, StoreBroken, ShardUnavailable.
        """
        check_extra()
        if self.questions.store is None:
            raise AnalysisRefused(IN_MEMORY)
        await until_passed(self.ports, at)
        return await self._asked(
            lambda warehouse, project: found_at(warehouse, project().program, asked, at), until_ms=at
        )

    async def now(self, asked: FunnelAsked, window: Window, *, stitch: bool) -> list[str]:
        """The people as of now; `stitch` as in `FactQuestions.ask`.

        Raises CallerError where facts lack what is asked for, and else as above.
        """
        check_extra()
        if self.questions.store is None:
            raise CallerError(IN_MEMORY)
        return await self._asked(
            lambda warehouse, project: people_in(warehouse, project().program, asked, window), stitch=stitch
        )

    async def _asked(self, run: Run, *, stitch: bool = False, until_ms: int | None = None) -> list[str]:
        timeout_s = self.settings.analysis_timeout_s
        late = f"the people of the funnel take longer to find than analysis_timeout_s, {timeout_s:g} s"
        return await self.questions.ask(
            run, stitch=stitch, exported=False, timeout_s=timeout_s, late=late, until_ms=until_ms
        )
