"""Compaction: the many files of a day that is over become one of each table and shard, sorted by person and time.

A person's rows are then found by the statistics of a few row groups. The day is written anew beside the files that
there are, and one document (done.py) puts the new ones in their place; before it is there, nothing has happened. Rows
that come late for a day that was compacted lie in a range's file like all others, until the day is compacted again.
While a day is not over, its newest files are put together whenever there are many: to look into each for one person
takes a millisecond, and a day has one a minute of each table.

A shard's newest range is left out. Only of the ranges before it is it certain that the shard knows of them: what it
does not know it exports again, and that has to find its files as they were.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from operator import itemgetter
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from parcours.config import Settings
from parcours.insight.exporter.disk import Disk
from parcours.insight.exporter.done import Compacted, Done, DoneFile, compacted_name, file_name, write_document
from parcours.insight.exporter.listing import Listing, Named
from parcours.insight.exporter.parquet_file import RowGroups, in_words
from parcours.insight.exporter.reading import read_files, schema_of
from parcours.insight.exporter.tables import begins_ms
from parcours.journey.model.insight import DAY_MS, KeptTable

SORTED_BYTES: Final = 128 * 1024 * 1024
"""Bytes of rows that are sorted at once, before they are compressed: so many people as have about that much."""

SAMPLES: Final = 10_000
"""People by whom those who are sorted at once are told from the next: spread over all rows."""


@dataclass(frozen=True, slots=True)
class Merge:
    """Files of one day of a shard that become one of each table, each with the document that names it."""

    shard: int
    day: date
    files: list[Named]


def next_merge(listing: Listing, shard: int, now_ms: int, settings: Settings) -> Merge | None:
    """What to compact next of a shard: the first day with anything to do, None if there is none."""
    days: dict[date, list[Named]] = defaultdict(list)
    for document, file in listing.files(shard):
        if isinstance(document, Compacted) or document.last != listing.through[shard]:
            days[file.day].append((document, file))
    for day, files in sorted(days.items(), key=itemgetter(0)):
        is_over = begins_ms(day) + DAY_MS + settings.compact_after_ms <= now_ms
        chosen = _apart(files) if is_over else _if_many(files, settings.compact_files)
        if chosen:
            return Merge(shard, day, chosen)
    return None


def _apart(files: Sequence[Named]) -> list[Named]:
    """The files of those tables that are not one sorted file."""
    ranges = {file.table for document, file in files if isinstance(document, Done)}
    several = {table for table, count in Counter(file.table for _, file in files).items() if count > 1}
    return [(document, file) for document, file in files if file.table in ranges | several]


def _if_many(files: Sequence[Named], most: int) -> list[Named]:
    """The files of ranges, if a table has more than so many. What was compacted waits for the day to be over."""
    ranges: list[Named] = [(document, file) for document, file in files if isinstance(document, Done)]
    counts = Counter(file.table for _, file in ranges)
    return ranges if max(counts.values(), default=0) > most else []


def compact(facts: Path, merge: Merge, now_ms: int, disk: Disk) -> None:
    """Put one file of each table in place of these. Raises StoreBroken, FileNotFoundError."""
    documents = [document for document, _ in merge.files]
    first, last = min(each.first for each in documents), max(each.last for each in documents)
    name = compacted_name(merge.shard, first, last, merge.day)
    tables: dict[KeptTable, list[DoneFile]] = defaultdict(list)
    for _, file in merge.files:
        tables[file.table].append(file)
    with in_words(facts):
        files = [
            _write_all(facts, file_name(table, merge.day, name), old, disk) for table, old in sorted(tables.items())
        ]
        for file in files:
            disk.sync((facts / file.name).parent)
        replaced = replaced_by(merge.files)
        write_document(facts, Compacted(merge.shard, first, last, merge.day, files, replaced, now_ms), disk)


def replaced_by(files: Sequence[Named]) -> list[str]:
    """What counts no more once these files are replaced: they, and what they have replaced, as their document may go
    while the one of the newest range stays.
    """
    documents = [document for document, _ in files]
    older = {name for each in documents if isinstance(each, Compacted) for name in each.replaces}
    return sorted(older.union(file.name for _, file in files))


def _write_all(facts: Path, name: str, files: Sequence[DoneFile], disk: Disk) -> DoneFile:
    written = write_sorted(facts, name, files, disk, lambda _, rows: rows)
    assert written is not None, "each of them has a row"
    return written


def write_sorted(
    facts: Path, name: str, files: Sequence[DoneFile], disk: Disk, kept: Callable[[str, Any], Any]
) -> DoneFile | None:
    """One file with the rows of these that are kept, None if none is. People are sorted in turns, so that memory holds
    the rows of one turn.
    """
    table, names = files[0].table, [file.name for file in files]
    schema = schema_of(facts, table, names)
    order = [(column, "ascending") for column in ("person", schema.names[0], "record", "n")]
    groups = RowGroups(facts / name, schema, disk)
    try:
        for people in _turns(facts, names):
            groups.add(kept(table, read_files(facts, table, names, people)).sort_by(order))
        return None if groups.is_empty else groups.finish(name, table, files[0].day)
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
