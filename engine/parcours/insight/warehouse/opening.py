"""The warehouse, for whoever may not import DuckDB: it opens with the extra, which is named where it is missing.

Nothing here imports DuckDB or Arrow before they are needed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

from parcours.config import Settings
from parcours.errors import CallerError, ExtraMissing, StoreBroken
from parcours.insight.exporter.rows import NumberedOutput, Telling, output_row, rows_of
from parcours.insight.exporter.tables import LOOKED_AT, Row
from parcours.insight.warehouse.viewed import Viewed
from parcours.journey.model.insight import KeptTable
from parcours.shard.messages import ExportRecord
from parcours.store.exports import CAMPAIGNS_SHARD, DONE

if TYPE_CHECKING:
    from parcours.insight.warehouse.snapshot import Tail
    from parcours.insight.warehouse.warehouse import Warehouse

EXTRA = "insight"
QUESTIONS = "A question about facts"

LIBRARIES: Final = ("duckdb", "numpy", "pyarrow", "zstandard")


def check_extra() -> None:
    """Raises ExtraMissing if a library of the extra is not installed."""
    if any(find_spec(library) is None for library in LIBRARIES):
        raise ExtraMissing.of(QUESTIONS, EXTRA)


def check_folder(facts: Path) -> None:
    """Raises CallerError for a folder that nobody has exported facts to."""
    if not (facts / DONE).is_dir():
        raise CallerError(f"{facts} holds no exported facts: `parcours simulate --facts` writes them to OUT/facts.")


def open_warehouse(facts: Path, viewed: Viewed, settings: Settings, tail: Tail | None = None) -> Warehouse:
    """The warehouse over a folder of facts, to be closed. Of a store there need not be anything in it.

    tail  what may not be exported yet
    Raises ExtraMissing, StoreBroken.
    """
    check_extra()
    from parcours.insight.warehouse.warehouse import Warehouse

    return Warehouse(facts, viewed, settings, tail)


class TailRows:
    """Gathers the rows that may not be exported yet, those of a shard at a time, and what campaigns have told."""

    def __init__(self) -> None:
        self._rows: dict[KeptTable, list[Row]] = defaultdict(list)
        self._known_ms: dict[int, int] = {}

    def add(
        self, records: Iterable[ExportRecord], telling: Telling, known_ms: int, forgotten: Callable[[str], int]
    ) -> None:
        """Take records of a shard, all or some of those that tell everything up to an instant.

        forgotten  through which record nothing is told of a person any more; who has looked at her stays
        Raises StoreBroken.
        """
        self._known_ms.setdefault(telling.shard, known_ms)  # as of the first of several
        for record in records:
            for table, row in rows_of(record, telling):
                person = row[1]
                assert isinstance(person, str), "the second column of each table"
                if table == LOOKED_AT or record.sequence > forgotten(person):
                    self._rows[table].append(row)

    def add_outputs(self, facts: Path, told_after: Callable[[int], Iterable[NumberedOutput]]) -> None:
        """Take the lines of campaigns that are in no file of the folder of facts.

        told_after  those with a higher number than this one
        Raises StoreBroken.
        """
        from parcours.insight.exporter.reading import reading

        through = reading(facts, lambda listing: listing.through.get(CAMPAIGNS_SHARD, 0), shard=CAMPAIGNS_SHARD)
        try:
            lines = told_after(through)
        except OSError as error:
            raise StoreBroken(f"what campaigns have told cannot be read: {error}") from error
        self._rows["campaign_steps"] += [output_row(line, CAMPAIGNS_SHARD, line.record) for line in lines]

    def tail(self) -> Tail:
        """All that was taken."""
        from parcours.insight.warehouse.snapshot import Tail

        return Tail(self._rows, self._known_ms)
