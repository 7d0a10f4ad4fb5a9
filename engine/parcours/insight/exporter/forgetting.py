"""Somebody was erased: files that have rows of hers are written anew without them, as days are compacted.

Her name is not known here, but a hash: the names in the files are tried. In the table of looks her hash takes the place
of her name. What has been replaced goes after a while, as after compaction; only then an erasure is done.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from parcours.insight.exporter.compaction import replaced_by, write_sorted
from parcours.insight.exporter.disk import Disk
from parcours.insight.exporter.done import (
    Compacted,
    Done,
    DoneFile,
    compacted_name,
    facts_folder,
    file_name,
    first_of,
    inputs_folder,
    path_of,
    write_document,
)
from parcours.insight.exporter.listing import Named, read_listing
from parcours.insight.exporter.parquet_file import in_words
from parcours.shard.erasures import AUDIT, Erased, Erasure, person_hash
from parcours.store.exports import UNFINISHED

LOOKED_AT: Final = "looks"
"""The table that keeps its rows, with a hash for her name."""


class Forgetting:
    """Writes the files of a store's folder anew. Used by one thread at a time, by whoever looks after the files."""

    def __init__(self, store: Path, disk: Disk | None = None) -> None:
        self._folders = (facts_folder(store), inputs_folder(store))
        self._disk = disk or Disk()
        self._clean: set[tuple[str, str]] = set()

    def step(self, shard: int, erased: Erased, now_ms: int) -> list[str]:
        """Write anew what there is to be; the ids of erasures of which no file has anything any more.

        Raises StoreBroken; then nothing has changed for readers, and it is done again the next time.
        """
        ready = [
            each for each in erased.erasures if not each.exports and each.record + erased.offset <= erased.exported
        ]
        if not ready:
            return []
        left: set[str] = set()
        for folder in self._folders:
            with in_words(folder):
                self._write_anew(folder, shard, erased, ready, now_ms)
                left |= self._left_in(folder, shard, erased, ready)
        return [each.id for each in ready if each.id not in left]

    def _write_anew(self, folder: Path, shard: int, erased: Erased, ready: Sequence[Erasure], now_ms: int) -> None:
        listing = read_listing(folder)
        days: dict[tuple[int, date], list[Named]] = defaultdict(list)
        for document, file in listing.files():
            is_newest = isinstance(document, Done) and document.last == listing.through[document.shard]
            if is_newest and document.shard == shard and document.last > erased.exported:
                continue  # the shard does not know of it yet, and may have it written again
            if self._has_any(folder, document.shard, file.name, shard, erased, ready):
                days[document.shard, file.day].append((document, file))
        for (of, day), files in sorted(days.items()):
            self._write_day(folder, of, day, files, _Without(of == shard, erased, ready), now_ms)

    def _write_day(
        self, folder: Path, of: int, day: date, files: Sequence[Named], without: _Without, now_ms: int
    ) -> None:
        documents = [document for document, _ in files]
        first, last = min(each.first for each in documents), max(each.last for each in documents)
        generation = 1
        while path_of(folder, Compacted(of, first, last, day, [], [], 0, generation=generation)).exists():
            generation += 1
        name = f"{compacted_name(of, first, last, day)}.{generation}"
        tables: dict[Any, list[DoneFile]] = defaultdict(list)
        for _, file in files:
            tables[file.table].append(file)
        written = [
            write_sorted(folder, file_name(table, day, name), old, self._disk, without)
            for table, old in sorted(tables.items())
        ]
        kept = [each for each in written if each is not None]
        for each in kept:
            self._disk.sync((folder / each.name).parent)
        document = Compacted(of, first, last, day, kept, replaced_by(files), now_ms, generation=generation)
        write_document(folder, document, self._disk)

    def _left_in(self, folder: Path, shard: int, erased: Erased, ready: Sequence[Erasure]) -> set[str]:
        """The erasures of which any file in the folder has a row, whether it counts or waits to be deleted.

        Of what a crash has left half written nobody can say.
        """
        left: set[str] = set()
        for path in folder.glob(f"*/day=*/{shard}-*{UNFINISHED}"):
            left |= {each.id for each in ready if first_of(path) <= each.record + erased.offset}
        for path in sorted(folder.glob("*/day=*/*.parquet")):
            of, name = int(path.name.partition("-")[0]), path.relative_to(folder).as_posix()
            for each in ready:
                if self._has_any(folder, of, name, shard, erased, [each]):
                    left.add(each.id)
        return left

    def _has_any(self, folder: Path, of: int, name: str, shard: int, erased: Erased, ready: Sequence[Erasure]) -> bool:
        """Whether a file has rows of these erasures; a file that has none is not looked into again."""
        unknown = [each for each in ready if (f"{folder}/{name}", each.id) not in self._clean]
        if not unknown:
            return False
        try:
            rows = pq.read_table(folder / name, columns=["time", "person", "record"], use_threads=False)
        except FileNotFoundError:
            return False
        without = _Without(of == shard, erased, unknown)
        if without.finds_any(rows):
            return True
        self._clean |= {(f"{folder}/{name}", each.id) for each in unknown}
        return False


class _Without:
    """Rows without those of the erased.

    is_own  whether they are of the shard that knows the erasures, and so of its records; else the time counts, as for
            those of a store before it was shared out anew
    """

    def __init__(self, is_own: bool, erased: Erased, ready: Collection[Erasure]) -> None:
        self._is_own = is_own
        self._offset = erased.offset
        self._ready = ready

    def finds_any(self, rows: pa.Table) -> bool:
        """Whether there are rows of theirs."""
        return any(pc.any(mask).as_py() for mask, _ in self._masks(rows))

    def __call__(self, table: str, rows: pa.Table) -> pa.Table:
        """The rows that stay."""
        masks = list(self._masks(rows))
        for mask, erasure in masks:
            if table == LOOKED_AT:
                place = rows.schema.get_field_index("person")
                hashed = pa.scalar(f"{AUDIT}{erasure.person.hex()}", pa.string())
                rows = rows.set_column(place, rows.schema.field(place), pc.if_else(mask, hashed, rows["person"]))
        if table != LOOKED_AT and masks:
            gone = masks[0][0]
            for mask, _ in masks[1:]:
                gone = pc.or_(gone, mask)
            rows = rows.filter(pc.invert(gone))
        return rows

    def _masks(self, rows: pa.Table) -> Iterator[tuple[Any, Erasure]]:
        people = [each for each in pc.unique(rows["person"]).to_pylist() if each]
        for salt in {each.salt for each in self._ready}:
            hashes = {person_hash(salt, each): each for each in people}
            for erasure in self._ready:
                if erasure.salt == salt and (person := hashes.get(erasure.person)) is not None:
                    before = (
                        pc.less_equal(rows["record"], erasure.record + self._offset)
                        if self._is_own
                        else pc.less_equal(rows["time"].cast(pa.int64()), erasure.at)
                    )
                    yield pc.and_(pc.equal(rows["person"], person), before), erasure
