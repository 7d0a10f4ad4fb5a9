"""Questions about what has happened so far under virtual time: over the files that a simulation of it would write."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from parcours.campaigns.campaign_line import CampaignLine
from parcours.config import Settings
from parcours.core.fact import Fact
from parcours.insight.exporter.done import facts_folder
from parcours.insight.warehouse.opening import check_extra, open_warehouse
from parcours.insight.warehouse.viewed import Viewed
from parcours.journey.project import Project
from parcours.shard.messages import Look
from parcours.simulation.fact_files import FactFiles
from parcours.simulation.recorded import Recorded

if TYPE_CHECKING:
    from parcours.insight.warehouse.warehouse import Warehouse

T = TypeVar("T")


class Happened(NamedTuple):
    """
    project  what is published, with the program of all that is
    events   that have been applied
    lines    what campaigns have told
    now_ms   up to when everything is known
    """

    project: Project
    facts: Sequence[Fact]
    events: Sequence[Recorded]
    lines: Sequence[CampaignLine]
    now_ms: int


class VirtualQuestions:
    """Asks one after the other. `happened` tells what has, whenever it is asked."""

    def __init__(self, happened: Callable[[], Awaitable[Happened]], settings: Settings) -> None:
        self._happened, self._settings = happened, settings

    async def note(self, look: Look) -> None:
        """Nobody looks under virtual time but the test."""

    async def ask(
        self,
        run: Callable[[Warehouse, Callable[[], Project]], T],
        *,
        stitch: bool,
        exported: bool,
        timeout_s: float,
        late: str,
    ) -> T:
        """What `run` makes of a warehouse of all that has happened, however long it takes. Raises ExtraMissing."""
        from parcours.insight.warehouse.snapshot import Tail

        del exported, timeout_s, late  # all of it is exported for this question
        check_extra()
        happened = await self._happened()
        viewed = Viewed.of(happened.project.program)
        with TemporaryDirectory(prefix="parcours-facts-") as folder:
            out = Path(folder)
            with FactFiles(out, happened.project.program, None, self._settings) as files:
                files.add(happened.facts)
                files.add_events(happened.events)
                for line in happened.lines:
                    files.tell(line)
                files.write()
            known = Tail({}, {0: happened.now_ms})
            with open_warehouse(
                facts_folder(out), viewed.stitched() if stitch else viewed, self._settings, known
            ) as warehouse:
                return run(warehouse, lambda: happened.project)
