"""The done list: which files belong to the export, and through which record it goes.

    facts/_done/SHARD-FROM-TO.json

A range counts once this file is there, with all files that it names; whatever else lies in the folders was left behind
by a crash, and is nobody's. Nothing in it depends on the hour, so a range that is repeated gives it again.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec

from parcours.errors import StoreBroken
from parcours.insight.exporter.disk import Disk
from parcours.instants import to_moment
from parcours.journey.model.insight import DAY_MS, FactTable
from parcours.store.exports import DONE, FACTS

FORMAT = 1
"""Raised when the shape changes so that an earlier release would misread it."""


class DoneFile(msgspec.Struct, frozen=True):
    """One Parquet file, by its path in the folder of facts, and the times of its first and last row."""

    name: str
    table: FactTable
    day: int
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


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Done).decode


def facts_folder(store: Path) -> Path:
    """Where the facts of the store in this folder lie."""
    return store / FACTS


def range_name(shard: int, first: int, last: int) -> str:
    """How the files of a range are called."""
    return f"{shard}-{first:012}-{last:012}"


def file_name(table: FactTable, day: int, name: str) -> str:
    """The path of a file in the folder of facts."""
    return f"{table}/day={day_text(day)}/{name}.parquet"


def day_text(day: int) -> str:
    """The date of a day that is counted from 1970."""
    return to_moment(day * DAY_MS).date().isoformat()


def write_done(facts: Path, done: Done, disk: Disk) -> None:
    """Say, durably, that the range is exported. All of its files have to be durable."""
    path = facts / DONE / f"{range_name(done.shard, done.first, done.last)}.json"
    disk.begin(path)
    disk.extend(path, _encode(done) + b"\n")
    disk.finish(path)
    disk.sync(path.parent)


def read_done(facts: Path) -> list[Done]:
    """All done ranges, by shard and in the order of their records. Raises StoreBroken."""
    found = [_read(path) for path in (facts / DONE).glob("*-*-*.json")]
    return sorted(found, key=lambda done: (done.shard, done.first))


def exported_through(dones: Iterable[Done]) -> dict[int, int]:
    """Through which record the export of each shard goes."""
    through: dict[int, int] = {}
    for done in dones:
        through[done.shard] = max(done.last, through.get(done.shard, 0))
    return through


def _read(path: Path) -> Done:
    try:
        done = _decode(path.read_bytes())
    except msgspec.MsgspecError as error:
        raise StoreBroken(f"{path} cannot be read: {error}") from error
    if done.format != FORMAT:
        raise StoreBroken(f"{path} is of format {done.format}, this release of Parcours reads format {FORMAT}")
    return done
