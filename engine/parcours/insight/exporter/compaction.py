"""Compaction: the many files of a day that is over become one of each table and shard, sorted by person and time.

A person's rows are then found by the statistics of a few row groups. The day is written anew beside the files that
there are, and one document (done.py) puts the new ones in their place; before it is there, nothing has happened. Rows
that come late for a day that was compacted lie in a range's file like all others, until the day is compacted again.

A shard's newest range is left out. Only of the ranges before it is it certain that the shard knows of them: what it
does not know it exports again, and that has to find its files as they were.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from parcours.insight.exporter.disk import Disk
from parcours.insight.exporter.done import Compacted, Done, DoneFile, compacted_name, file_name, write_document
from parcours.insight.exporter.listing import Listing
from parcours.insight.exporter.parquet_file import RowGroups, in_words
from parcours.insight.exporter.reading import read_files
from parcours.insight.exporter.schemas import SCHEMAS
from parcours.insight.exporter.tables import begins_ms
from parcours.journey.model.insight import DAY_MS, FactTable

ORDER: Final = [(name, "ascending") for name in ("person", "time", "record", "n")]

SORTED_BYTES: Final = 128 * 1024 * 1024
"""Bytes of rows that are sorted at once, before they are compressed: so many people as have about that much."""

SAMPLES: Final = 10_000
"""People by whom those who are sorted at once are told from the next: spread over all rows."""


def day_to_compact(listing: Listing, shard: int, now_ms: int, after_ms: int) -> date | None:
    """The first day of a shard with files of ranges that has been over for so long, None if there is none."""
    days = (file.day for _, file in _new(listing, shard))
    return min((day for day in days if begins_ms(day) + DAY_MS + after_ms <= now_ms), default=None)


def compact_day(facts: Path, listing: Listing, shard: int, day: date, now_ms: int, disk: Disk) -> None:
    """Compact one day of a shard. Raises StoreBroken, FileNotFoundError."""
    new = [(done, file) for done, file in _new(listing, shard) if file.day == day]
    tables: dict[FactTable, list[DoneFile]] = defaultdict(list)
    for _, file in new:
        tables[file.table].append(file)
    before = [each for each in listing.compacted if (each.shard, each.day) == (shard, day)]
    for each in before:
        for file in each.files:
            if file.table in tables and listing.counts(shard, file):
                tables[file.table].append(file)
    first = min([each.first for each in before] + [done.first for done, _ in new])
    last = max(done.last for done, _ in new)
    with in_words(facts):
        files = [
            _write_sorted(facts, file_name(table, day, compacted_name(shard, first, last, day)), old, disk)
            for table, old in sorted(tables.items())
        ]
        for file in files:
            disk.sync((facts / file.name).parent)
        replaced = {file.name for old in tables.values() for file in old}
        replaced |= {name for each in before for name in each.replaces}
        write_document(facts, Compacted(shard, first, last, day, files, sorted(replaced), now_ms), disk)


def _new(listing: Listing, shard: int) -> Iterator[tuple[Done, DoneFile]]:
    """The files of a shard's ranges that count and are not compacted, but for those of the newest range."""
    newest = listing.through.get(shard)
    for done in listing.ranges:
        if done.shard == shard and done.last != newest:
            for file in done.files:
                if listing.counts(shard, file):
                    yield done, file


def _write_sorted(facts: Path, name: str, files: Sequence[DoneFile], disk: Disk) -> DoneFile:
    """One file with the rows of these. People are sorted in turns, so that memory holds the rows of one turn."""
    table, names = files[0].table, [file.name for file in files]
    groups = RowGroups(facts / name, SCHEMAS[table], disk)
    try:
        for people in _turns(facts, names):
            groups.add(read_files(facts, table, names, people).sort_by(ORDER))
        return groups.finish(name, table, files[0].day)
    except BaseException:
        groups.abandon()
        raise


def _turns(facts: Path, names: Sequence[str]) -> list[Any]:
    """Conditions that divide the people of some files: whoever meets the first one comes first in the order."""
    metadata = [pq.read_metadata(facts / name) for name in names]
    size = sum(each.row_group(number).total_byte_size for each in metadata for number in range(each.num_row_groups))
    turns = size // SORTED_BYTES + 1
    if turns == 1:
        return [None]
    every = max(1, sum(each.num_rows for each in metadata) // SAMPLES)
    samples: list[str] = []
    for name in names:
        people = pq.read_table(facts / name, columns=["person"], use_threads=False)["person"]
        samples += people.take(pa.array(range(0, len(people), every))).to_pylist()
    samples.sort(key=str.encode)
    bounds = list(dict.fromkeys(samples[len(samples) * turn // turns] for turn in range(1, turns)))
    person = ds.field("person")
    return [
        person < bounds[0],
        *((person >= low) & (person < high) for low, high in pairwise(bounds)),
        person >= bounds[-1],
    ]
