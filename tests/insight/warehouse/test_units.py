"""Does every unit get its events in the order of happening, in whatever batches rows come, and with whatever ties?"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from tests.insight.warehouse.rows import Journal

from parcours.errors import CallerError, StoreBroken
from parcours.insight.analyses.happenings import Events, Happening
from parcours.insight.warehouse.questions import Questions
from parcours.insight.warehouse.units import units_of

SCHEMA = pa.schema(
    {
        "key": pa.uint64(),
        "person": pa.string(),
        "unit": pa.int32(),
        "time": pa.int64(),
        "event": pa.string(),
        "properties": pa.string(),
        "record": pa.int64(),
        "shard": pa.int16(),
        "n": pa.int32(),
    }
)

Row = dict[str, Any]


def made_up(drawn: random.Random, key: Callable[[str], int]) -> list[Row]:
    """Rows of some people, of which many happened at one instant, in the order of happening."""
    rows = [
        {
            "key": key(person),
            "person": person,
            "unit": drawn.randrange(2),
            "time": drawn.randrange(instants),
            "event": drawn.choice("abc"),
            "properties": drawn.choice(("{}", None)),
            "record": drawn.randrange(4),
            "shard": drawn.randrange(2),
            "n": number,
        }
        for person, instants in (("anna", 3), ("zoë", 1_000), ("joe", 1), ("sarah", 10))
        for number in range(drawn.randrange(30))
    ]
    return sorted(rows, key=itemgetter("person", "unit", "time", "record", "shard", "n"))


def arriving(drawn: random.Random, rows: list[Row]) -> Iterator[pa.RecordBatch]:
    """As DuckDB hands rows over that are sorted by key, unit and time."""
    mixed = sorted(drawn.sample(rows, len(rows)), key=itemgetter("key", "unit", "time"))
    while mixed:
        size = drawn.randrange(1, 20)
        yield pa.RecordBatch.from_pylist(mixed[:size], SCHEMA)
        mixed = mixed[size:]


def in_order(rows: list[Row]) -> Iterator[Events]:
    for (person, unit), of in groupby(rows, itemgetter("person", "unit")):
        yield Events(person, unit, [Happening(row["time"], row["event"], row["properties"]) for row in of])


def near(rows: list[Row], name: str) -> list[Row]:
    before: list[Row | None] = [None, *rows]
    return [
        row
        for row, last in zip(rows, before, strict=False)
        if row["event"] == name
        or (last is not None and last["event"] == name and all(row[each] == last[each] for each in ("person", "unit")))
    ]


@pytest.mark.parametrize(
    "key",
    [
        lambda person: sum(person.encode()),
        lambda person: len(person) % 2,  # of three people a hash is the same
        lambda person: 7,
    ],
)
@pytest.mark.parametrize("seed", range(100))
def test_units_are_whole_and_in_order(seed: int, key: Callable[[str], int]) -> None:
    drawn = random.Random(seed)
    rows = made_up(drawn, key)

    assert sorted(units_of(arriving(drawn, rows))) == [*in_order(rows)]
    assert sorted(units_of(arriving(drawn, rows), "b")) == [*in_order(near(rows, "b"))]


def test_what_happened_at_one_instant_keeps_its_order_in_facts_whatever_order_people_come_in(tmp_path: Path) -> None:
    journal = Journal()
    for number in range(300):
        journal.event(number // 50, f"u{number % 7}", f"e{number}")

    with journal.warehouse(tmp_path) as warehouse:
        asked = Questions(warehouse)
        found = sorted(asked.happenings(in_any_order=True))
        assert found == [*asked.happenings()]

    names = {unit.person: [int(each.event[1:]) for each in unit.happenings] for unit in found}
    assert names == {f"u{person}": [*range(person, 300, 7)] for person in range(7)}


def test_a_query_that_fails_between_batches_says_so(tmp_path: Path) -> None:
    with Journal().warehouse(tmp_path) as warehouse:
        asked = "select error(case when range = 900000 then 'no more' end) from range(1000000)"
        with pytest.raises(StoreBroken, match="no more"):
            list(warehouse.batches(asked))


def test_a_query_that_is_interrupted_between_batches_is_no_broken_store(tmp_path: Path) -> None:
    with Journal().warehouse(tmp_path) as warehouse:
        some = warehouse.batches("select 1 from range(100000), range(100000)")
        next(some)
        warehouse.interrupt()
        with pytest.raises(CallerError, match="interrupted"):
            list(some)
