"""The facts of a simulation as the folder `facts`, in the tables of an export, by the same writer.

All rows are of one range (fact_rows.py). They are written beside, and take their place when all are there: whoever
simulates into the same folder again finds the files of the new simulation alone.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from parcours.campaigns.campaign_line import CampaignLine
from parcours.config import Settings
from parcours.core.fact import Fact
from parcours.errors import CallerError, naming
from parcours.insight.exporter.disk import Disk
from parcours.insight.exporter.done import facts_folder
from parcours.insight.exporter.opening import range_opener
from parcours.journey.program import Program
from parcours.simulation.fact_rows import HELD_BYTES_MAX, FactRows
from parcours.simulation.recorded import Recorded
from parcours.store.exports import DONE, UNFINISHED
from parcours.store.layout import LAYOUT
from parcours.store.manifest import NAME as MANIFEST


class FactFiles:
    """Takes facts, lines and what campaigns tell as they come, and then writes the folder `facts` into that of `out`.

    Used as a context manager. Until `write` has ended nothing has changed in `out`, but for a folder whose name says
    that it is unfinished.
    """

    def __init__(
        self,
        out: Path,
        program: Program,
        secret: str | None,
        settings: Settings | None = None,
        held_bytes_max: int = HELD_BYTES_MAX,
    ) -> None:
        """secret: by what addresses are hashed. Raises ExtraMissing, and CallerError where other files are in place."""
        _check_free(out)
        self._target = facts_folder(out)
        self._unfinished = out / f"{self._target.name}{UNFINISHED}"
        self._open_range = range_opener(self._unfinished, secret, Disk(durable=False))  # simulating again is quicker
        self._rows = FactRows(program, settings, held_bytes_max)

    def add(self, facts: Sequence[Fact]) -> None:
        """Take facts; those of each person come in the order of happening."""
        self._rows.add(facts)

    def add_events(self, accepted: Sequence[Recorded]) -> None:
        """Take lines that have been applied; those of events are kept that the project has kept."""
        self._rows.add_events(accepted)

    def tell(self, line: CampaignLine) -> None:
        """Take a line of a campaign; they come in the order in which they became known."""
        self._rows.tell(line)

    def write(self) -> None:
        """Write the files. Called once, after the last fact. Raises StoreBroken where they cannot be written."""
        with naming(self._unfinished):
            shutil.rmtree(self._unfinished, ignore_errors=True)
            (facts_folder(self._unfinished) / DONE).mkdir(parents=True)
            try:
                self._rows.write_range(self._open_range)
                if self._target.exists():
                    shutil.rmtree(self._target)
                facts_folder(self._unfinished).rename(self._target)
            finally:
                shutil.rmtree(self._unfinished, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._rows.close()


def _check_free(out: Path) -> None:
    """Raises CallerError where the folder's facts are not those of a simulation."""
    if any((out / name).exists() for name in (LAYOUT, MANIFEST)):
        raise CallerError(f"{out} is the folder of a store, which has facts of its own: choose another one")
    facts = facts_folder(out)
    if facts.exists() and not (facts / DONE).is_dir():
        raise CallerError(f"{facts} is there, and holds no exported facts: move it away, or choose another folder")
