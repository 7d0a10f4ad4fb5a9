"""What is there to be asked: the files that count at one moment, rows that are in none of them, and who was erased."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from parcours.errors import StoreBroken
from parcours.insight.exporter.erased import ErasedRows, erased_in
from parcours.insight.exporter.listing import Listing, read_listing
from parcours.insight.exporter.tables import Row
from parcours.journey.model.insight import KeptTable
from parcours.store.exports import CAMPAIGNS_SHARD, PEOPLE_SHARD


@dataclass(frozen=True, slots=True)
class Tail:
    """What shards have told that may not be exported yet. It has to be asked for before the files are listed.

    rows      of each table, in any order; what has been exported meanwhile is left out of them
    known_ms  by shard, up to which instant its rows tell everything
    """

    rows: Mapping[KeptTable, Sequence[Row]]
    known_ms: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """
    files          of each table, the paths of those that count
    tail           of each table, the rows that are in no file
    erased         whose rows do not count
    as_of_ms       the instant up to which everything is known, that of the shard of which it is the earliest; None
                   where nothing is known of any
    cut_before_ms  by table, before which instant rows are missing because they were kept for long enough
    rows           of each table, how many its files have, by what is said of them
    """

    files: Mapping[KeptTable, Sequence[Path]]
    tail: Mapping[KeptTable, Sequence[Row]] = field(default_factory=dict)
    erased: Sequence[ErasedRows] = ()
    as_of_ms: int | None = None
    cut_before_ms: Mapping[KeptTable, int] = field(default_factory=dict)
    rows: Mapping[KeptTable, int] = field(default_factory=dict)

    def gone(self) -> Path | None:
        """One of the files that is not there any more, None if all are."""
        return next((path for paths in self.files.values() for path in paths if not path.exists()), None)


def read_snapshot(facts: Path, tail: Tail | None = None) -> Snapshot:
    """What the folder of facts has now, and the tail beside it.

    Raises FileNotFoundError where a document goes meanwhile: then it is read again; StoreBroken.
    """
    erased = erased_in(facts)  # before the files are listed: who is erased later is in what was told until now
    try:
        listing = read_listing(facts)
    except PermissionError as error:
        raise StoreBroken(f"{facts}: the done list cannot be read: {error}") from error
    files: dict[KeptTable, list[Path]] = defaultdict(list)
    rows: Counter[KeptTable] = Counter()
    for _, file in listing.files():
        rows[file.table] += file.rows
        files[file.table].append((facts / file.name).absolute())
    return Snapshot(
        {table: sorted(paths) for table, paths in files.items()},
        {} if tail is None else _not_exported(tail, listing.through),
        erased,
        _exported_until(listing) if tail is None else min(tail.known_ms.values(), default=None),
        listing.cut_before_ms(),
        rows,
    )


def _not_exported(tail: Tail, through: Mapping[int, int]) -> dict[KeptTable, list[Row]]:
    """The rows above what is exported; the last values of a row are shard, record and number."""
    return {
        table: [row for row in rows if _place(row)[1] > through.get(_place(row)[0], 0)]
        for table, rows in tail.rows.items()
    }


def _place(row: Row) -> tuple[int, int]:
    shard, record = row[-3], row[-2]
    assert isinstance(shard, int) and isinstance(record, int), "the last columns of each table"
    return shard, record


def _exported_until(listing: Listing) -> int | None:
    """Of each shard the time of the newest row, of these the earliest."""
    newest: dict[int, int] = {}
    for each in listing.ranges:
        if each.shard not in (CAMPAIGNS_SHARD, PEOPLE_SHARD):
            newest[each.shard] = max(newest.get(each.shard, 0), each.latest_ms or 0)
    return min(newest.values(), default=0) or None
