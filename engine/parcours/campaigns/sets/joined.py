"""Which rows of a table does a condition on a row and a person link to whom? Each is asked of each.

People of whom the same was told have the same rows, and so it is asked once of all of them, and once of rows that are
equal in what is read. Tables that are linked so are small.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from parcours.campaigns.sets.evaluated import plain_rows
from parcours.campaigns.sets.people_file import PeopleFile
from parcours.campaigns.sets.snapshot import Snapshot
from parcours.campaigns.told_scope import ToldScopes
from parcours.core.columns import PersonColumns, read_columns
from parcours.journey.set_expressions import SetExpression

PAIRS: Final = pa.schema([("person", pa.string()), ("row_number", pa.int64())])

BATCH_ROWS: Final = 50_000

REMEMBERED_MAX: Final = 1_000_000
"""Row numbers kept for people of whom the same will be told: eight megabytes, and twice that for Python's lists."""

_encode = msgspec.msgpack.Encoder().encode


def joined_pairs(snapshot: Snapshot, join: SetExpression, people: PeopleFile, scopes: ToldScopes) -> Any:
    """The pairs as an Arrow reader of `person` and `row_number`, each once."""
    return pa.RecordBatchReader.from_batches(PAIRS, _batches(snapshot, join, people, scopes))


def _batches(snapshot: Snapshot, join: SetExpression, people: PeopleFile, scopes: ToldScopes) -> Iterator[Any]:
    names: list[str] = []
    numbers: list[int] = []
    for person, linked in _linked(snapshot, join, people, scopes):
        names += [person] * len(linked)
        numbers += linked
        if len(numbers) >= BATCH_ROWS:
            yield pa.record_batch([pa.array(names, pa.string()), pa.array(numbers, pa.int64())], schema=PAIRS)
            names, numbers = [], []
    yield pa.record_batch([pa.array(names, pa.string()), pa.array(numbers, pa.int64())], schema=PAIRS)


def _linked(
    snapshot: Snapshot, join: SetExpression, people: PeopleFile, scopes: ToldScopes
) -> Iterator[tuple[str, list[int]]]:
    """Everybody with the numbers of her rows."""
    rows, read = _different_rows(snapshot, join), _what_is_read(join, people)
    known: dict[bytes, list[int]] = {}
    remembered = 0
    with pq.ParquetFile(people.path) as parquet:
        for batch in parquet.iter_batches(batch_size=BATCH_ROWS, columns=["person", "told"]):
            for person, told in zip(batch.column(0).to_pylist(), batch.column(1).to_pylist(), strict=True):
                columns = read_columns(told)
                same = read(columns)
                linked = known.get(same)
                if linked is None:
                    linked = _rows_of(columns, person, rows, join, scopes)
                    if remembered + len(linked) + 1 > REMEMBERED_MAX:
                        known, remembered = {}, 0
                    known[same] = linked
                    remembered += len(linked) + 1
                yield person, linked


def _rows_of(
    columns: PersonColumns,
    person: str,
    rows: list[tuple[dict[str, object], list[int]]],
    join: SetExpression,
    scopes: ToldScopes,
) -> list[int]:
    scope = scopes.of_row({}, person, columns)
    linked: list[int] = []
    for row, numbers in rows:
        scope.row = row
        if join.expression.holds(scope):
            linked += numbers
    return linked


def _different_rows(snapshot: Snapshot, join: SetExpression) -> list[tuple[dict[str, object], list[int]]]:
    """The rows that differ in what is read of them, with the numbers of those that are equal."""
    found: dict[bytes, tuple[dict[str, object], list[int]]] = {}
    columns = ["row_number", *(f"cells.{name}" for name in join.row)]
    with pq.ParquetFile(snapshot.file) as parquet:
        for batch in parquet.iter_batches(batch_size=BATCH_ROWS, columns=columns):
            cells = plain_rows(batch.column("cells"))
            for number, row in zip(batch.column("row_number").to_pylist(), cells, strict=True):
                found.setdefault(_encode(row), (row, []))[1].append(number)
    return [*found.values()]


def _what_is_read(join: SetExpression, people: PeopleFile) -> Callable[[PersonColumns], bytes]:
    """What a condition reads of a person, as bytes."""
    asked = people.asked
    paths = [asked.paths.index(path) for path in join.profile]
    calls = [asked.histories.index(call) for call in join.histories]
    consents = [asked.consents.index(consent) for consent in join.consents]
    audiences = [asked.audiences.index(audience) for audience in join.audiences]

    def read(told: PersonColumns) -> bytes:
        return _encode(
            (
                [told.traits[place] for place in paths],
                [told.histories[place] for place in calls],
                [told.consents[place] for place in consents],
                [told.inside[place] for place in audiences],
            )
        )

    return read
