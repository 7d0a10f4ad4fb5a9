"""Somebody was erased: files that have rows of hers are written anew without them, as days are compacted.

Her name is not known here, but a hash: the names in the files are tried. In the table of looks her hash takes the place
of her name. What has been replaced goes after a while, as after compaction; only then an erasure is done.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any, Final

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
from parcours.insight.exporter.erased import ErasedRows
from parcours.insight.exporter.listing import Named, read_listing
from parcours.insight.exporter.parquet_file import in_words
from parcours.insight.exporter.without import COLUMNS, Without
from parcours.shard.erasures import Erased, Erasure
from parcours.store.exports import UNFINISHED

TIME: Final = {"people": "taken"}
"""What the time is called in a table, where that is anything else."""


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
            if self._has_any(folder, file.name, shard, erased, ready):
                days[document.shard, file.day].append((document, file))
        for (of, day), files in sorted(days.items()):
            self._write_day(folder, of, day, files, Without(_rows(shard, erased, ready)), now_ms)

    def _write_day(
        self, folder: Path, of: int, day: date, files: Sequence[Named], without: Without, now_ms: int
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
        if any(folder.glob(f"people/day=*/*{UNFINISHED}")):  # she may be in it, whoever has been written there
            left |= {each.id for each in ready}
        for path in folder.glob(f"*/day=*/{shard}-*{UNFINISHED}"):
            left |= {each.id for each in ready if first_of(path) <= each.record + erased.offset}
        for path in sorted(folder.glob("*/day=*/*.parquet")):
            name = path.relative_to(folder).as_posix()
            for each in ready:
                if self._has_any(folder, name, shard, erased, [each]):
                    left.add(each.id)
        return left

    def _has_any(self, folder: Path, name: str, shard: int, erased: Erased, ready: Sequence[Erasure]) -> bool:
        """Whether a file has rows of these erasures; a file that has none is not looked into again."""
        unknown = [each for each in ready if (f"{folder}/{name}", each.id) not in self._clean]
        if not unknown:
            return False
        try:
            time = TIME.get(name.partition("/")[0], "time")
            rows = pq.read_table(folder / name, columns=[time, *COLUMNS], use_threads=False)
        except FileNotFoundError:
            return False
        without = Without(_rows(shard, erased, unknown))
        if without.finds_any(rows):
            return True
        self._clean |= {(f"{folder}/{name}", each.id) for each in unknown}
        return False


def _rows(shard: int, erased: Erased, ready: Sequence[Erasure]) -> list[ErasedRows]:
    return [ErasedRows.of(shard, erased, each) for each in ready]
