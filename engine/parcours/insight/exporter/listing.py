"""Which files belong to the export now, what was cut off, and through which record does it go?

Documents are read while others are written and deleted. It does not matter in which order they are seen: what replaces
files is written before they go, and they stay for a while; who meets one that has gone reads the list again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeAlias

from parcours.insight.exporter.done import Compacted, Cut, Document, Done, DoneFile, read_document
from parcours.insight.exporter.tables import begins_ms
from parcours.journey.model.insight import KeptTable
from parcours.store.exports import DONE

Named: TypeAlias = tuple[Done | Compacted, DoneFile]
"""A file and the document that names it."""


@dataclass(frozen=True)
class Listing:
    """The documents of the done list, or those of one shard; ranges by shard and in the order of their records."""

    ranges: list[Done]
    compacted: list[Compacted]
    cuts: dict[int, Cut]

    @cached_property
    def through(self) -> dict[int, int]:
        """Through which record the export of each shard goes."""
        return {done.shard: done.last for done in self.ranges}

    @cached_property
    def replaced(self) -> frozenset[str]:
        """The names of files that count no more because others have their rows."""
        return frozenset(name for each in self.compacted for name in each.replaces)

    def cut_before_ms(self) -> dict[KeptTable, int]:
        """By table, before which instant rows are missing because they were kept for long enough."""
        before: dict[KeptTable, int] = {}
        for cut in self.cuts.values():
            for table, day in cut.before.items():
                before[table] = max(before.get(table, 0), begins_ms(day))
        return before

    def is_cut(self, shard: int, file: DoneFile) -> bool:
        """Whether the rows of a file were kept for long enough."""
        cut = self.cuts.get(shard)
        return cut is not None and file.day < cut.before.get(file.table, file.day)

    def counts(self, shard: int, file: DoneFile) -> bool:
        """Whether a file's rows belong to the export."""
        return file.name not in self.replaced and not self.is_cut(shard, file)

    def documents(self, shard: int | None = None) -> list[Done | Compacted]:
        """What names files, of one shard if it is given."""
        documents: list[Done | Compacted] = [*self.ranges, *self.compacted]
        return [each for each in documents if shard is None or each.shard == shard]

    def files(self, shard: int | None = None) -> Iterator[Named]:
        """The files that count, each with the document that names it; those of one shard if it is given."""
        for document in self.documents(shard):
            for file in document.files:
                if self.counts(document.shard, file):
                    yield document, file


def read_listing(facts: Path, shard: int | None = None) -> Listing:
    """The done list, of one shard if it is named; empty where nothing is exported.

    Raises FileNotFoundError if a document goes meanwhile (then it is read again), StoreBroken.
    """
    return listing_of(map(read_any, document_paths(facts, shard)))


def document_paths(facts: Path, shard: int | None = None) -> Iterator[Path]:
    """Where the documents lie, of one shard if it is named."""
    return (facts / DONE).glob(f"{'*' if shard is None else shard}[-.]*.json")


def read_any(path: Path) -> Document:
    """The document of the kind that its name says. Raises FileNotFoundError, StoreBroken."""
    if path.name.endswith(".cut.json"):
        return read_document(path, Cut)
    if "." in path.stem:
        return read_document(path, Compacted)
    return read_document(path, Done)


def listing_of(documents: Iterable[Document]) -> Listing:
    """The list that these documents are."""
    ranges: list[Done] = []
    compacted: list[Compacted] = []
    cuts: dict[int, Cut] = {}
    for document in documents:
        match document:
            case Done():
                ranges.append(document)
            case Compacted():
                compacted.append(document)
            case Cut():
                cuts[document.shard] = document
    return Listing(
        sorted(ranges, key=lambda done: (done.shard, done.first)),
        sorted(compacted, key=lambda each: (each.shard, each.day, each.last)),
        cuts,
    )
