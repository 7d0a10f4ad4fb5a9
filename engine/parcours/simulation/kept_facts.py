"""The facts of a simulation so far, asked for the people of audiences that are kept up to date from funnels.

Whenever a funnel is asked, what has been told since the time before becomes a range of files in a folder that goes with
the simulation, as an engine exports it; then it is the same question of the same tables.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from parcours.background import in_thread
from parcours.config import Settings
from parcours.core.fact import Fact
from parcours.insight.asking.found import found_people
from parcours.insight.exporter.disk import Disk
from parcours.insight.exporter.done import facts_folder
from parcours.insight.exporter.opening import range_opener
from parcours.insight.warehouse.opening import check_extra
from parcours.journey.campaign_steps import FunnelAsked
from parcours.journey.program import Program
from parcours.simulation.fact_rows import FactRows
from parcours.simulation.recorded import Recorded
from parcours.store.exports import DONE

KEPT_HELD_BYTES_MAX: Final = 16 * 1024 * 1024
"""Memory for rows that are being sorted, beside those of the simulation's own files of facts."""


class KeptFacts:
    """Takes facts and lines as they come, and answers for whoever conducts campaigns (`Find`).

    Its temporary files have no names, and those in `folder` go with that.
    """

    def __init__(self, folder: Path, program: Program, settings: Settings) -> None:
        """Raises ExtraMissing."""
        check_extra()
        self._facts = facts_folder(folder)
        self._open_range = range_opener(folder, None, Disk(durable=False))
        self._rows = FactRows(program, settings, KEPT_HELD_BYTES_MAX)
        self._program, self._settings = program, settings
        (self._facts / DONE).mkdir(parents=True)

    def add(self, facts: Sequence[Fact]) -> None:
        """Take facts; those of each person come in the order of happening."""
        self._rows.add(facts)

    def add_events(self, accepted: Sequence[Recorded]) -> None:
        """Take lines that have been applied."""
        self._rows.add_events(accepted)

    async def find(self, asked: FunnelAsked, at: int) -> list[str]:
        """Everybody is held at the instant, and all that is told up to it was taken. Raises as `found_people`."""
        return await in_thread(self._found, asked, at)

    def _found(self, asked: FunnelAsked, at: int) -> list[str]:
        self._rows.write_range(self._open_range)
        return found_people(self._facts, self._program, asked, at, self._settings)

    def close(self) -> None:
        """Give back temporary files."""
        self._rows.close()
