"""The table of people as a file: everybody as of one instant of a day, with a column for each declared trait.

No journal has these rows. Their ranges are of one record each, the number of the day since 1970, under a number that no
shard has: so there is one file a day at most. It is begun before anybody is asked, for an erasure is not done as long
as a file is being written in which that person may be (forgetting.py).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final, Protocol

import pyarrow as pa

from parcours.config import DAY_MS
from parcours.errors import StoreBroken
from parcours.expression.values import to_date, to_timestamp
from parcours.insight.exporter.disk import Disk
from parcours.insight.exporter.done import Done, facts_folder, file_name, range_name, write_document
from parcours.insight.exporter.parquet_file import RowGroups, in_words
from parcours.insight.exporter.schemas import SCHEMAS
from parcours.insight.exporter.tables import day_of
from parcours.instants import ceil_ms
from parcours.journey.model.traits import Kind
from parcours.store.exports import PEOPLE_SHARD, UNFINISHED

INT64: Final = 2**63


class PersonTold(Protocol):
    """What the table has of one person: `taken` in ms, and her traits by their declared paths."""

    @property
    def taken(self) -> int: ...
    @property
    def person(self) -> str: ...
    @property
    def traits(self) -> Mapping[str, object]: ...
    @property
    def audiences(self) -> Sequence[str]: ...
    @property
    def consents(self) -> Sequence[str]: ...
    @property
    def places(self) -> Sequence[str]: ...


class PeopleFile:
    """Takes rows in any order: `add` for each slice, then `finish`; or `abandon`. Methods raise StoreBroken.

    day     since 1970
    traits  by declared path, of what kind each is that the table tells
    """

    def __init__(self, store: Path, day: int, traits: Mapping[str, Kind], disk: Disk | None = None) -> None:
        self._facts, self._day, self._disk = facts_folder(store), day, disk or Disk()
        self._traits = traits
        self._schema = _schema_for(traits)
        self._name = file_name("people", day_of(day * DAY_MS), range_name(PEOPLE_SHARD, day, day))
        self._count = 0
        self._groups = RowGroups(self._facts / self._name, self._schema, self._disk)
        with in_words(self._facts):
            self._clear()
            self._groups.begin()

    def add(self, rows: Sequence[PersonTold]) -> None:
        """Take what is told of some people. Whoever does not have a trait, or not as it is declared, has null there."""
        if any(each.taken // DAY_MS != self._day for each in rows):
            raise StoreBroken(f"{self._facts}: the table of people was begun on one day, and is of the next")
        columns: list[Sequence[object]] = [[each.taken for each in rows], [each.person for each in rows]]
        columns += [[FITTING[kind](each.traits.get(path)) for each in rows] for path, kind in self._traits.items()]
        columns += [[[*each.audiences] for each in rows], [[*each.consents] for each in rows]]
        columns.append([[*each.places] for each in rows])
        numbers = range(self._count, self._count + len(rows))
        columns += [[PEOPLE_SHARD] * len(rows), [self._day] * len(rows), numbers]
        self._count += len(rows)
        arrays = [pa.array(column, field.type) for column, field in zip(columns, self._schema, strict=True)]
        with in_words(self._facts):
            self._groups.add(pa.Table.from_arrays(arrays, schema=self._schema))

    def finish(self) -> None:
        """Make the file durable, and say that it is whole. Of no people at all there is none."""
        with in_words(self._facts):
            files = []
            if self._count:
                files = [self._groups.finish(self._name, "people", day_of(self._day * DAY_MS))]
                self._disk.sync((self._facts / self._name).parent)
            else:
                self.abandon()
            write_document(self._facts, Done.of(PEOPLE_SHARD, self._day, self._day, files), self._disk)

    def abandon(self) -> None:
        """Leave nothing behind."""
        self._groups.abandon()
        with in_words(self._facts):
            self._clear()

    def _clear(self) -> None:
        for path in self._facts.glob(f"people/day=*/*{UNFINISHED}"):
            self._disk.remove(path)


def _schema_for(traits: Mapping[str, Kind]) -> Any:
    """A trait that is called as another column is stands behind `traits.`."""
    usual = SCHEMAS["people"]
    first, rest = [*usual][:2], [*usual][2:]
    names = {name.lower() for name in usual.names}
    fields = [
        pa.field(f"traits.{path}" if path.lower() in names else path, TYPES[kind]) for path, kind in traits.items()
    ]
    return pa.schema([*first, *fields, *rest])


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _integer(value: object) -> int | None:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) < INT64 else None


def _boolean(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


def _instant(value: object) -> int | None:
    moment = to_timestamp(value)
    return ceil_ms(moment) if isinstance(moment, datetime) else None


def _date(value: object) -> date | None:
    day = to_date(value)
    return date.fromisoformat(day) if isinstance(day, str) else None


def _json(value: object) -> str | None:
    return None if value is None else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


FITTING: Final[Mapping[Kind, Callable[[object], object]]] = {
    "string": _text,
    "number": _number,
    "integer": _integer,
    "boolean": _boolean,
    "timestamp": _instant,
    "date": _date,
    "object": _json,
    "list": _json,
}

TYPES: Final[Mapping[Kind, Any]] = {
    "string": pa.string(),
    "number": pa.float64(),
    "integer": pa.int64(),
    "boolean": pa.bool_(),
    "timestamp": pa.timestamp("ms", tz="UTC"),
    "date": pa.date32(),
    "object": pa.string(),
    "list": pa.string(),
}
