"""What a destination of facts is told of a record: rows of the tables as JSON, with the columns that may go there.

Names of columns, and their values, are those of exported files; times are ISO 8601. A record gives the same bytes
however often it is told, as long as the project says the same of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from hashlib import sha256
from typing import Any, Final

import msgspec

from parcours.core.known_words import known_code, known_part
from parcours.core.time_text import time_text
from parcours.destination import FactRow
from parcours.insight.exporter.rows import COPIED, MERGED, NOT_MERGED, SYNCED, Telling, rows_of
from parcours.insight.exporter.tables import COLUMNS, Column, Row
from parcours.journey.model.destinations import PERSONAL_COLUMNS
from parcours.routing.fact_destinations import FactsTo
from parcours.shard.erasures import AUDIT, Erasure
from parcours.shard.messages import ExportRecord, FactSlice

_encode = msgspec.json.Encoder().encode

PERSON: Final = 1
"""The place of the person in a row of every table that shards tell."""

RECORD: Final = -2
"""And that of the record."""

QUOTING: Final = frozenset({SYNCED, COPIED})
"""Changes whose reasons others have worded."""

LETTERS: Final = "dead_letters_max"
"""The limit that says why something had been set aside."""


class FactRows:
    """Makes the rows for one destination."""

    def __init__(self, to: FactsTo, project: str) -> None:
        self._to = to
        self._begins = f"{project}/{to.name}"
        left_out = PERSONAL_COLUMNS - to.columns - {"reason"}
        self._columns: dict[str, list[tuple[int, str, bool]]] = {
            table: [
                (place, column.name, column.kind == "time")
                for place, column in enumerate(COLUMNS[table])
                if column.name not in left_out
            ]
            for table in to.tables
        }

    def of(self, part: FactSlice, telling: Telling) -> Iterator[tuple[int, FactRow]]:
        """Each row with the number of its record. Raises StoreBroken for a record that cannot be read."""
        for record in part.records:
            for table, row in self._told(record, telling):
                if part.erased and (erased := _erased(part, row)) is not None:
                    if table != "looks":
                        continue
                    row = (row[0], f"{AUDIT}{erased.person.hex()}", *row[2:])
                yield record.sequence, self._row(table, row)

    def _told(self, record: ExportRecord, telling: Telling) -> Iterable[tuple[str, Row]]:
        return (each for each in rows_of(record, telling) if each[0] in self._to.tables)

    def _row(self, table: str, row: Row) -> FactRow:
        columns = COLUMNS[table]  # type: ignore[index]  # the tables that are told are among them
        if self._to.hashed:
            row = _without_names(columns, row)
        told: dict[str, Any] = {"table": table}
        for place, name, is_time in self._columns[table]:
            value = row[place]
            told[name] = time_text(value) if is_time and isinstance(value, int) else value
        if "reason" not in self._to.columns:
            _leave_our_words(table, told)
        number = "/".join(map(str, row[-3:]))
        person = row[PERSON]
        assert isinstance(person, str), "the second column is her name"
        return FactRow(f"{self._begins}/{number}", table, person, _encode(told))


def _leave_our_words(table: str, told: dict[str, Any]) -> None:
    """Leave of reasons what may be told to everybody: providers, and what people sent, speak in them."""
    if table == "deliveries" or (table == "changes" and told["what"] in QUOTING):
        told["reason"] = _ours(told["reason"])
    if table == "deliveries":
        told["code"] = known_code(told["code"])
    elif (table == "moves" and told["what"] == "parked") or (table == "limits" and told["setting"] == LETTERS):
        told["why"] = _ours(told["why"])


def _ours(reason: str | None) -> str | None:
    return None if reason is None else known_part(reason)


def _erased(part: FactSlice, row: Row) -> Erasure | None:
    """The erasure by which the person of this row is somebody of whom nothing is told."""
    person, record = row[PERSON], row[RECORD]
    assert isinstance(person, str) and isinstance(record, int), "as tables have them"
    return next((each for each in part.erased if record <= each.record + part.offset and each.means(person)), None)


def _without_names(columns: tuple[Column, ...], row: Row) -> Row:
    """The row with hashes for the names of people."""
    names = {"person", "anonymous_id"}
    what = next((value for column, value in zip(columns, row, strict=True) if column.name == "what"), None)
    names |= {"name"} if what == MERGED else {"value"} if what == NOT_MERGED else set()
    return tuple(
        sha256(value.encode()).hexdigest() if column.name in names and isinstance(value, str) and value else value
        for column, value in zip(columns, row, strict=True)
    )
