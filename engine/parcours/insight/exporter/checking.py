"""Is what a shard has exported as the documents of the done list say, and is all of it there?

Files are looked into where Arrow is installed; else it is only said whether they are there, and how large they are.
Nothing changes. Records that no document has are no fault by themselves: ranges without facts go with the upkeep, what
was kept for long enough does, and nothing is exported while an engine runs without the extra. They are one where the
journal still tells something of them, or where their files lie about without their document.

Inputs have a folder and documents of their own, and most ranges have none: there only files that lie about tell that a
document is missing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Final, TypeAlias

from parcours.errors import StoreBroken
from parcours.insight.exporter.done import Compacted, Document, Done, DoneFile, facts_folder, inputs_folder
from parcours.insight.exporter.listing import Listing, document_paths, listing_of, read_any
from parcours.shard.export_state import ExportEntry
from parcours.store.exports import DONE

ARROW: Final = "pyarrow"

BACKUP: Final = "put it back from a backup"

_RANGE: Final = re.compile(r"(\d+)-(\d+)-(\d+)\.parquet")
"""The name of a file of a range: shard, first record, last record."""

_OWNER: Final = re.compile(r"(\d+)[-.]")

Tells: TypeAlias = Callable[[int, int], bool]
"""Whether the journal tells anything of these records, by their numbers there."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What the shard's own store says of its export."""

    entry: ExportEntry
    tells: Tells


@dataclass(slots=True)
class ExportsFound:
    """What a check has found of a shard's exported files.

    files, size_bytes  those that count
    through            the newest record that is exported, by the documents
    wrong              what is wrong, and what to do about it, a sentence each
    remarks            what is no fault
    """

    files: int = 0
    size_bytes: int = 0
    through: int = 0
    wrong: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


def can_look_inside() -> bool:
    """Whether the library is installed that reads the files."""
    return find_spec(ARROW) is not None


def exported_shards(folder: Path) -> set[int]:
    """The shards of which there are documents in a store's folder, also those of a store that was shared out anew."""
    folders = (facts_folder(folder), inputs_folder(folder))
    names = [_OWNER.match(path.name) for each in folders for path in (each / DONE).glob("*.json")]
    return {int(each[1]) for each in names if each is not None}


def check_exports(folder: Path, shard: int, standing: Standing | None) -> ExportsFound:
    """Look at all facts that are exported of a shard, in the folder of its store.

    standing  what the shard says of it; None where it cannot be asked, or is no shard of the store
    """
    facts, found = facts_folder(folder), ExportsFound()
    listing, strays = _look(facts, shard, found)
    if standing is not None:
        found.wrong += _unlike(facts, found.through, standing.entry)
    _judge_gaps(listing, standing, strays, found)
    return found


def check_inputs(folder: Path, shard: int, standing: Standing | None) -> ExportsFound:
    """The same for all inputs of a shard that are exported."""
    inputs, found = inputs_folder(folder), ExportsFound()
    listing, strays = _look(inputs, shard, found)
    if standing is not None:
        found.wrong += _beyond(inputs, found.through, standing.entry)
    through = found.through if standing is None else standing.entry.through
    ranges = {(done.first, done.last) for done in listing.ranges}
    for first, last in sorted(set(filter(None, map(_range_of, strays))) - ranges):
        if last <= through:
            found.wrong.append(_lost(first, last))
    return found


def _look(folder: Path, shard: int, found: ExportsFound) -> tuple[Listing, list[Path]]:
    """Look at the documents of a shard in a folder, and at the files that they name; returns those that none names."""
    listing = listing_of(list(_documents(folder, shard, found.wrong)))
    strays = _unnamed(folder, shard, listing)
    found.through = listing.through.get(shard, 0)
    found.wrong += _overlaps(folder, listing.ranges)
    for document, file in listing.files(shard):
        found.files += 1
        found.size_bytes += file.bytes
        if (fault := _fault(folder, document, file)) is not None:
            found.wrong.append(f"{folder / file.name} {fault}: {BACKUP}")
    if strays:
        files = "1 file is" if len(strays) == 1 else f"{len(strays):,} files are"
        found.remarks.append(
            f"{files} named by no document and count nowhere: the exporter sweeps up what a crash left"
        )
    return listing, strays


def _documents(facts: Path, shard: int, wrong: list[str]) -> Iterator[Document]:
    """Those that can be read, and are what their names say."""
    for path in sorted(document_paths(facts, shard)):
        try:
            document = read_any(path)
        except (StoreBroken, OSError) as error:
            wrong.append(f"{error}: {BACKUP}, for nobody can read what is exported until then")
            continue
        if path.stem != document.name:
            wrong.append(f"{path} holds the document {document.name}: give it its name back, or {BACKUP}")
        else:
            yield document


def _overlaps(facts: Path, ranges: Sequence[Done]) -> Iterator[str]:
    for before, after in pairwise(ranges):
        if after.first <= before.last:
            yield (
                f"{facts / DONE}: {before.name}.json and {after.name}.json both have records {after.first} to "
                f"{min(before.last, after.last)}, whose rows are there twice: delete the document that is none of this "
                "store's, as a copy of another day is"
            )


def _unlike(facts: Path, through: int, entry: ExportEntry) -> Iterator[str]:
    """Where the documents end somewhere else than the shard knows."""
    if entry.exported and through < entry.through:
        yield (
            f"{facts / DONE}: the shard has exported all through record {entry.through}, and the documents end at "
            f"{through}: put back those that are missing from a backup, with their files"
        )
    yield from _beyond(facts, through, entry)


def _beyond(folder: Path, through: int, entry: ExportEntry) -> Iterator[str]:
    """Where the documents go further than the shard has exported or begun to export."""
    ends = {entry.through} | ({entry.under_way.last + entry.offset} if entry.under_way is not None else set())
    if through > entry.through and through not in ends:
        yield (
            f"{folder / DONE}: the documents go on to record {through}, and the shard has exported all through "
            f"{entry.through}: its journal and its files are of different days; put both back from one backup"
        )


def _judge_gaps(listing: Listing, standing: Standing | None, strays: Sequence[Path], found: ExportsFound) -> None:
    """Records between ranges that no document has, and whether any of them should be there."""
    offset = 0 if standing is None else standing.entry.offset
    for first, last in _gaps(listing.ranges, listing.compacted):
        records = _records(first, last)
        if any(_lies_in(path, first, last) for path in strays):
            found.wrong.append(_lost(first, last))
        elif last <= offset:
            continue  # a store that was shared out anew goes on above the records of all shards of the one before
        elif standing is not None and standing.tells(first - offset, last - offset):
            found.wrong.append(f"{records} in no document, though they tell something: {BACKUP}, and their files")
        else:
            found.remarks.append(f"{records} in no document: nothing was told, or it was kept for long enough")


def _gaps(ranges: Sequence[Done], compacted: Sequence[Compacted]) -> Iterator[tuple[int, int]]:
    """First and last record between ranges that are in no document at all."""
    documents: list[Done | Compacted] = sorted([*ranges, *compacted], key=lambda each: each.first)
    through = documents[0].first - 1 if documents else 0
    for document in documents:
        if document.first > through + 1:
            yield through + 1, document.first - 1
        through = max(through, document.last)


def _unnamed(facts: Path, shard: int, listing: Listing) -> list[Path]:
    """The files of a shard that no document names."""
    named = {file.name for document in listing.documents(shard) for file in document.files} | listing.replaced
    files = sorted([*facts.glob(f"*/day=*/{shard}-*"), *(facts / DONE).glob(f"{shard}[-.]*.unfinished")])
    return [path for path in files if path.relative_to(facts).as_posix() not in named]


def _records(first: int, last: int) -> str:
    return f"record {first} is" if first == last else f"records {first} to {last} are"


def _lost(first: int, last: int) -> str:
    """What is said where files of these records are there, and no document of theirs."""
    return f"{_records(first, last)} in no document, though there are files of theirs: {BACKUP}, the document"


def _range_of(path: Path) -> tuple[int, int] | None:
    """First and last record of a file of a range, None if it is another one."""
    named = _RANGE.fullmatch(path.name)
    return None if named is None else (int(named[2]), int(named[3]))


def _lies_in(path: Path, first: int, last: int) -> bool:
    """Whether a file is of a range among these records."""
    found = _range_of(path)
    return found is not None and first <= found[0] and found[1] <= last


def _fault(facts: Path, document: Done | Compacted, file: DoneFile) -> str | None:
    """What is wrong with a file, None if nothing is."""
    path = facts / file.name
    try:
        size = path.stat().st_size
    except OSError as error:
        return f"is named by {document.name}.json, and cannot be read ({error.strerror})"
    if size != file.bytes:
        return f"has {size:,} bytes, and {file.bytes:,} as {document.name}.json says"
    if not can_look_inside():
        return None
    from parcours.insight.exporter import parquet_check

    return parquet_check.fault(path, document, file)
