"""The done list: the documents by which files belong to the export.

    facts/_done/SHARD-FROM-TO.json            the files of a range
    facts/_done/SHARD-FROM-TO.YYYYMMDD.json   the files of a day that was compacted, and which ones they replace
    facts/_done/SHARD.cut.json                before which day nothing counts any more, by table

A file counts once such a document is there that names it; whatever else lies in the folders was left behind by a crash,
and is nobody's. A range's document does not depend on the hour, so a range that is repeated gives the same one.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TypeVar

import msgspec

from parcours.errors import StoreBroken
from parcours.insight.exporter.disk import Disk
from parcours.journey.model.insight import KeptTable
from parcours.store.exports import DONE, FACTS, INPUTS

FORMAT = 1
"""Raised when the shape changes so that an earlier release would misread it."""

RECORD_DIGITS = 12
"""Of the numbers in the names of files, so that they sort in their order."""


class DoneFile(msgspec.Struct, frozen=True):
    """One Parquet file, by its path in the folder of facts, and the times of its first and last row."""

    name: str
    table: KeptTable
    day: date
    rows: int
    bytes: int
    earliest_ms: int
    latest_ms: int


class Done(msgspec.Struct, frozen=True, rename={"first": "from", "last": "to"}):
    """The files of one range of a shard's records. `earliest_ms` and `latest_ms` are None where it tells nothing."""

    shard: int
    first: int
    last: int
    files: list[DoneFile]
    rows: int = 0
    earliest_ms: int | None = None
    latest_ms: int | None = None
    format: int = FORMAT

    @property
    def name(self) -> str:
        return range_name(self.shard, self.first, self.last)

    @classmethod
    def of(cls, shard: int, first: int, last: int, files: list[DoneFile]) -> Done:
        return cls(
            shard,
            first,
            last,
            files,
            sum(each.rows for each in files),
            min((each.earliest_ms for each in files), default=None),
            max((each.latest_ms for each in files), default=None),
        )


class Compacted(msgspec.Struct, frozen=True, rename={"first": "from", "last": "to"}):
    """The files of one day of a shard, of those tables of which there was anything new.

    replaces  the files that count no more, also those that had been replaced by one of them
    made_ms   since when
    generation  how often files of this range and day were written anew, without somebody who was erased
    """

    shard: int
    first: int
    last: int
    day: date
    files: list[DoneFile]
    replaces: list[str]
    made_ms: int
    format: int = FORMAT
    generation: int = 0

    @property
    def name(self) -> str:
        name = compacted_name(self.shard, self.first, self.last, self.day)
        return f"{name}.{self.generation}" if self.generation else name


class Cut(msgspec.Struct, frozen=True):
    """The first day of each table of a shard that is kept, and since when (`made_ms`)."""

    shard: int
    before: dict[KeptTable, date]
    made_ms: int
    format: int = FORMAT

    @property
    def name(self) -> str:
        return f"{self.shard}.cut"


Document = Done | Compacted | Cut
T = TypeVar("T", Done, Compacted, Cut)

_encode = msgspec.json.Encoder().encode


def facts_folder(store: Path) -> Path:
    """Where the facts of the store in this folder lie."""
    return store / FACTS


def inputs_folder(store: Path) -> Path:
    """Where its inputs lie, with a done list of their own: they hold personal data, and are in nobody's way there."""
    return store / INPUTS


def range_name(shard: int, first: int, last: int) -> str:
    """How the files of a range are called."""
    return f"{shard}-{first:0{RECORD_DIGITS}}-{last:0{RECORD_DIGITS}}"


def file_name(table: KeptTable, day: date, name: str) -> str:
    """The path of a file in its folder, that of facts or that of inputs."""
    return f"{table}/day={day.isoformat()}/{name}.parquet"


def compacted_name(shard: int, first: int, last: int, day: date) -> str:
    """How the files of a day are called that were compacted, of records of this range."""
    return f"{range_name(shard, first, last)}.{day:%Y%m%d}"


def first_of(path: Path) -> int:
    """The first record of a file's range, by its name."""
    return int(path.name.split("-")[1])


def path_of(facts: Path, document: Document) -> Path:
    """Where a document lies."""
    return facts / DONE / f"{document.name}.json"


def write_document(facts: Path, document: Document, disk: Disk) -> None:
    """Say it, durably. All files that the document names have to be durable."""
    path = path_of(facts, document)
    disk.begin(path)
    disk.extend(path, _encode(document) + b"\n")
    disk.finish(path)
    disk.sync(path.parent)


def read_document(path: Path, kind: type[T]) -> T:
    """Raises StoreBroken."""
    try:
        document = msgspec.json.decode(path.read_bytes(), type=kind)
    except msgspec.MsgspecError as error:
        raise StoreBroken(f"{path} cannot be read: {error}") from error
    if document.format != FORMAT:
        raise StoreBroken(f"{path} is of format {document.format}, this release of Parcours reads format {FORMAT}")
    return document
