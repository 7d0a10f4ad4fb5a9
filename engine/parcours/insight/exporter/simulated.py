"""The facts that a simulation has written, from their folder alone: those of one person, or all of them.

Here is no journal to be asked for what is newer, so the facts of a store are refused. A simulation writes one range of
one shard, a file of each table and day, each in the order of happening.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from operator import attrgetter
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from msgspec.structs import replace

from parcours.core.fact import Fact, Moved
from parcours.core.identity import id_of
from parcours.errors import CallerError, StoreBroken
from parcours.insight.exporter.facts import fact_of
from parcours.insight.exporter.listing import Listing, read_listing
from parcours.insight.exporter.reading import read_files
from parcours.insight.exporter.recall import recall_facts
from parcours.insight.exporter.rows import MERGED, NOT_MERGED
from parcours.insight.exporter.tables import NO_FACTS, TABLES
from parcours.insight.whose_facts import Told, merged_names, owner_by_facts
from parcours.journey.model.insight import FactTable
from parcours.store.exports import DONE, FACTS
from parcours.store.layout import LAYOUT

ROWS_AT_ONCE: Final = 10_000
"""Rows in memory at once."""

LAST_MOVES: Final = frozenset({"ended", "exited"})
"""After which a run is nowhere any more."""


@dataclass(frozen=True, slots=True)
class ToldOutput:
    """A row of what campaigns tell; `step` is None of what is no run."""

    campaign: str
    version: int
    run: int
    step: str | None
    output: str
    size: int
    inflow: int
    dropped: Mapping[str, int]


class SimulatedFacts:
    """The folder `facts` of a simulation, which nobody may write meanwhile."""

    def __init__(self, folder: Path) -> None:
        """Raises CallerError where the folder is of anything else, StoreBroken where it cannot be read."""
        self._folder = folder
        self._listing = _listing_of(folder)

    def of(self, *people: str) -> list[Fact]:
        """The facts of these people in the order of happening; of nobody for an empty name. Raises StoreBroken."""
        return recall_facts(self._folder, people).facts

    def told_under(self, name: str, *, used: bool) -> Told:
        """What is told of the person of this name; with `used` also what was before others were merged into her."""
        owner = owner_by_facts([*self._merges_of(name), *self.of(name)], name)
        facts = self.of(owner)
        if used and (names := merged_names(facts, owner)):
            facts = self.of(owner, *sorted(names))
        return Told.of(owner, [], facts, used=used)

    def _merges_of(self, name: str) -> list[Fact]:
        """The facts that tell whose a name is."""
        what, of, value = ds.field("what"), ds.field("name"), ds.field("value")
        tells = ((what == MERGED) & (of == name)) | ((what == NOT_MERGED) & (value == id_of(name)))
        files = [file.name for _, file in self._listing.files() if file.table == "changes"]
        rows = read_files(self._folder, "changes", files, tells)
        time = rows.schema.get_field_index("time")
        return [
            fact_of("changes", row) for row in rows.set_column(time, "time", rows["time"].cast(pa.int64())).to_pylist()
        ]

    def all(self) -> Iterator[list[Fact]]:
        """All facts, some at once: those of each table in the order of happening, with the steps that runs have left.

        The step of each open run is held meanwhile. Raises StoreBroken.
        """
        steps: dict[tuple[str, str, int | None], str | None] = {}
        for table in TABLES:
            if table in NO_FACTS:
                continue
            for rows in self._rows(table):
                facts = [fact_of(table, row) for row in rows]
                yield [_with_left(fact, steps) if isinstance(fact, Moved) else fact for fact in facts]

    def outputs(self) -> Iterator[ToldOutput]:
        """What campaigns have told of outputs of their steps, in the order of telling. Raises StoreBroken."""
        for rows in self._rows("campaign_steps"):
            for row in rows:
                told = {**row, "dropped": dict(row["dropped"])}
                yield ToldOutput(**{each.name: told[each.name] for each in fields(ToldOutput)})

    def newest_ms(self) -> int | None:
        """The time of the newest row, None where there are no rows."""
        return max((file.latest_ms for _, file in self._listing.files()), default=None)

    def _rows(self, table: FactTable) -> Iterator[list[dict[str, Any]]]:
        files = [file for _, file in self._listing.files() if file.table == table]
        for each in sorted(files, key=attrgetter("day")):
            path = self._folder / each.name
            try:
                with pq.ParquetFile(path) as file:
                    for batch in file.iter_batches(ROWS_AT_ONCE):
                        rows = pa.Table.from_batches([batch])
                        time = rows.schema.get_field_index("time")
                        yield rows.set_column(time, "time", rows["time"].cast(pa.int64())).to_pylist()
            except (OSError, pa.ArrowException) as error:
                raise StoreBroken(f"{path}: facts of the done list cannot be read: {error}") from error


def _with_left(move: Moved, steps: dict[tuple[str, str, int | None], str | None]) -> Moved:
    """The move with the step that its run has left by it. `steps` says where each run is, and is kept up."""
    run = move.person, move.journey, move.run
    if move.what == "reached":
        left, steps[run] = steps.get(run), move.step
        return replace(move, left=left)
    if move.what in LAST_MOVES:
        steps.pop(run, None)
    return move


def _listing_of(folder: Path) -> Listing:
    """Raises CallerError, StoreBroken."""
    if not (folder / DONE).is_dir():
        inside = folder / FACTS
        there = f"{inside} does" if (inside / DONE).is_dir() else "`parcours simulate --facts` writes them to OUT/facts"
        raise CallerError(f"{folder} holds no exported facts: {there}.")
    try:
        listing = read_listing(folder)
    except OSError as error:
        raise StoreBroken(f"{error.filename or folder}: the done list cannot be read: {error}") from error
    is_one_range = len(listing.ranges) <= 1 and {0} >= {each.shard for each in listing.ranges}
    if (folder.parent / LAYOUT).exists() or listing.compacted or listing.cuts or not is_one_range:
        raise CallerError(f"{folder} is of a store, whose journal has newer facts: name the store with --store.")
    return listing
