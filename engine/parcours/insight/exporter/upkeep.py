"""Upkeep of the exported files: days are compacted, what was kept for long enough is cut off, and what counts no more
goes after a while.

Whatever is interrupted changes nothing for readers, and is done again the next time. Nobody else may write files of the
same shards meanwhile, but for the exporter itself: a range that is under way is left alone.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from datetime import date
from pathlib import Path

from parcours.config import Settings
from parcours.insight.exporter.compaction import compact, next_merge
from parcours.insight.exporter.disk import Disk
from parcours.insight.exporter.done import (
    RECORD_DIGITS,
    Compacted,
    Cut,
    Done,
    facts_folder,
    inputs_folder,
    path_of,
    write_document,
)
from parcours.insight.exporter.forgetting import Forgetting
from parcours.insight.exporter.listing import Listing, read_listing
from parcours.insight.exporter.parquet_file import in_words
from parcours.insight.exporter.tables import INPUT_TABLES, TABLES, begins_ms, day_of
from parcours.journey.model.insight import InsightDocument, KeptTable
from parcours.shard.erasures import Erased
from parcours.store.exports import DONE, UNFINISHED


class Upkeep:
    """Looks after the files of some shards, of all that there are if none are named. Used by one thread at a time."""

    def __init__(
        self,
        store: Path,
        settings: Settings,
        shards: Iterable[int] | None = None,
        disk: Disk | None = None,
        *,
        of: Callable[[Path], Path] = facts_folder,
        tables: Collection[KeptTable] = TABLES,
    ) -> None:
        """
        store   the folder of the store
        of      the folder that is looked after, from that of the store
        tables  those that lie there
        """
        self._facts = of(store)
        self._tables = tables
        self._settings = settings
        self._shards = None if shards is None else frozenset(shards)
        self._disk = disk or Disk()

    def step(self, insight: InsightDocument, now_ms: int) -> bool:
        """Do a part of what there is to do: compact a day of a shard, or sweep up if there is none.

        Returns whether there is more. Raises StoreBroken; then nothing has changed for readers.
        """
        with in_words(self._facts):
            listing = read_listing(self._facts)
            shards = [shard for shard in sorted(listing.through) if self._shards is None or shard in self._shards]
            for shard in shards:
                self._cut(insight, listing, shard, now_ms)
            listing = read_listing(self._facts)
            for shard in shards:
                merge = next_merge(listing, shard, now_ms, self._settings)
                if merge is not None:
                    compact(self._facts, merge, now_ms, self._disk)
                    return True
            for shard in shards:
                self._sweep(listing, shard, now_ms)
            return False

    def _cut(self, insight: InsightDocument, listing: Listing, shard: int, now_ms: int) -> None:
        """Say from which day on tables are kept now; what is gone stays so."""
        before = listing.cuts[shard].before if shard in listing.cuts else {}
        after: dict[KeptTable, date] = dict(before)
        for table in self._tables:
            kept_for_ms = insight.kept_for(table)
            if kept_for_ms is not None:
                day = day_of(now_ms - kept_for_ms)
                after[table] = max(day, before.get(table, day))
        if after != before:
            write_document(self._facts, Cut(shard, after, now_ms), self._disk)

    def _sweep(self, listing: Listing, shard: int, now_ms: int) -> None:
        """Delete files that have not counted for a while, and those that a crash left; then documents of such alone."""
        documents = listing.documents(shard)
        named = {file.name for document in documents for file in document.files}
        gone = self._gone(listing, shard, now_ms)
        through = listing.through[shard]
        for path in self._facts.glob(f"*/day=*/{shard}-*"):
            name = path.relative_to(self._facts).as_posix()
            if name in gone or (name not in named and _last(path) <= through):
                self._disk.remove(path)
        for path in (self._facts / DONE).glob(f"{shard}[-.]*{UNFINISHED}"):
            if ".cut." in path.name or _last(path) <= through:
                self._disk.remove(path)
        for document in documents:
            is_newest = isinstance(document, Done) and document.last == through  # it says how far the export goes
            if not is_newest and not _leaves_out(document, named) and all(file.name in gone for file in document.files):
                self._disk.remove(path_of(self._facts, document))
        for folder in self._facts.glob("*/day=*"):
            if not any(folder.iterdir()) and self._is_past(folder, now_ms):
                self._disk.remove_folder(folder)

    def _gone(self, listing: Listing, shard: int, now_ms: int) -> set[str]:
        """The files that have not counted for so long that no reader has them in hand."""
        since_ms = now_ms - self._settings.compact_grace_ms
        compacted = [each for each in listing.compacted if each.shard == shard]
        gone = {name for each in compacted if each.made_ms <= since_ms for name in each.replaces}
        if shard in listing.cuts and listing.cuts[shard].made_ms <= since_ms:
            gone |= {
                file.name for each in listing.documents(shard) for file in each.files if listing.is_cut(shard, file)
            }
        return gone

    def _is_past(self, folder: Path, now_ms: int) -> bool:
        """Whether nobody is about to write the first file of a day."""
        day = date.fromisoformat(folder.name.partition("=")[2])
        return begins_ms(day) < now_ms - self._settings.compact_after_ms


class StoreUpkeep:
    """Looks after the facts and the inputs of a store, as `Upkeep` does."""

    def __init__(self, store: Path, settings: Settings, shards: Iterable[int] | None = None) -> None:
        shards = None if shards is None else frozenset(shards)
        self._forgetting = Forgetting(store)
        self._parts = (
            Upkeep(store, settings, shards),
            Upkeep(store, settings, shards, of=inputs_folder, tables=INPUT_TABLES),
        )

    def forget(self, shard: int, erased: Erased, now_ms: int) -> list[str]:
        """Write files anew without the erased of a shard; those of whom nothing is left. Raises StoreBroken."""
        return self._forgetting.step(shard, erased, now_ms)

    def step(self, insight: InsightDocument, now_ms: int) -> bool:
        """Do a part of what there is to do; returns whether there is more. Raises StoreBroken."""
        return any(part.step(insight, now_ms) for part in self._parts)


def _leaves_out(document: Done | Compacted, named: Collection[str]) -> bool:
    """Whether it has put nothing in the place of files that others still name: without it those would count again."""
    return isinstance(document, Compacted) and not document.files and any(name in named for name in document.replaces)


def _last(path: Path) -> int:
    """The last record of a file's range, by its name."""
    return int(path.name.split("-")[2][:RECORD_DIGITS])
