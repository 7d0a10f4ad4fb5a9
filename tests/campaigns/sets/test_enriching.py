"""Columns from linked tables against a model of them in plain Python."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.campaigns.sets.engines import ENGINES, set_engine
from tests.campaigns.sets.plain_sets import (
    Pair,
    PlainSet,
    PlainTable,
    aggregated,
    by_value,
    kind_of,
    of_one_kind,
    read_set,
    taken,
)

from parcours import TableRefused
from parcours.campaigns.sets.engine import (
    Aggregated,
    AskedOfRows,
    ByValue,
    Counts,
    Enrichment,
    Filled,
    Preferred,
    RowValues,
    SetEngine,
    TableColumn,
    Taken,
)
from parcours.campaigns.sets.values import value_column

NAMES = ["anna", "Anna", "é", "\uffee", "\U0001f600", 'a"b']

TYPES = {
    "name": pa.string(),
    "n": pa.int64(),
    "price": pa.float64(),
    "Total (€)": pa.decimal128(38, 2),
    "added": pa.timestamp("us", tz="UTC"),
    "day": pa.date32(),
    "paid": pa.bool_(),
}

CELLS: dict[str, list[Any]] = {
    "name": ["bike", "Bike", "é", None],
    "n": [1, 3 - 2**58, 2**58, None],
    "price": [0.1, 0.2, -0.0, 0.0, 1e16, -1e16, None],
    "Total (€)": [Decimal("0.10"), Decimal("99999999999999999999.99"), Decimal("-3.00"), None],
    "added": [datetime(2026, 1, day, tzinfo=UTC) for day in (1, 2, 3)],
    "day": [date(2026, 1, 1), date(1969, 12, 31), None],
    "paid": [True, False, None],
}


class World:
    """A random set and table, and what is asked of the table's rows, as files and in Python."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder, self.chance = folder, random.Random(seed)
        people = [f"{name}{number}" for name in NAMES for number in range(5)]
        keys = ["k1", "k2"] if seed % 2 else [""]
        rows = {(person, key): {"city": "Bern"} for person in people for key in keys if self.chance.random() < 0.7}
        self.set = PlainSet(rows, {"city": pa.string()})
        self.people = {person for person, _ in rows}
        cells = [{name: self.chance.choice(values) for name, values in CELLS.items()} for _ in range(120)]
        links = {(self.chance.choice(people), self.chance.randint(1, 120)) for _ in range(100)}
        self.table = PlainTable(cells, TYPES, [*links, ("somebody else", 1)])
        self.source = self.set.write(folder / "set.parquet")
        self.snapshot, self.links = self.table.write(folder)
        self._files = 0

    def asked(self, values: Sequence[object], kind: Any = None) -> tuple[RowValues, Callable[[Pair], Any]]:
        """A value for each pair, or for each row whoever's it is; some have none."""
        by_person = self.chance.random() < 0.5
        pairs = sorted(self.table.links)
        keys: list[Any] = pairs if by_person else [*range(1, len(self.table.cells) + 1)]
        given = {key: self.chance.choice(values) for key in keys if self.chance.random() < 0.9}
        self._files += 1
        file = self.folder / f"values{self._files}.parquet"
        told = [*given.values()]
        column = value_column(told) if kind is None else pa.array(told, kind)
        named = {"row_number": pa.array([key[1] if by_person else key for key in given], pa.int64()), 'v"': column}
        if by_person:
            named["person"] = pa.array([key[0] for key in given], pa.string())
        pq.write_table(pa.table(named), file)
        return RowValues(file, 'v"', by_person), lambda pair: given.get(pair if by_person else pair[1])

    def column(self, name: str) -> tuple[TableColumn, Callable[[Pair], Any]]:
        return TableColumn(name), lambda pair: self.table.cells[pair[1] - 1][name]

    def rows(self, where: Callable[[Pair], Any] | None = None) -> dict[str, list[int]]:
        return self.table.of(self.people, lambda pair: where is None or where(pair) is True)

    def enrichment(
        self, name: str, gives: Taken | Aggregated, where: AskedOfRows | None = None, *, required: bool = False
    ) -> Enrichment:
        return Enrichment(name, self.snapshot, self.links, gives, where, required)

    def check(self, folder: Path, counts: Counts, columns: dict[str, dict[str, Any]], dropped: Iterable[str]) -> None:
        """The files have the set's rows with these columns of each person, those of whoever is dropped apart."""
        rest = {person for person, _ in self.set.rows} & {*dropped}
        for output, people in (("main", self.people - rest), ("rest", rest)):
            expected = {
                row: {**values, **{name: told[row[0]] for name, told in columns.items()}}
                for row, values in self.set.rows.items()
                if row[0] in people
            }
            assert read_set(folder / f"{output}.parquet") == expected, output
            assert counts.outputs[output] == len(expected)
        assert counts.inflow == len(self.set.rows) and not counts.dropped


@pytest.fixture(params=range(8))
def world(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    return World(tmp_path, request.param)


@pytest.fixture(params=ENGINES)
def sets(request: pytest.FixtureRequest, tmp_path: Path) -> SetEngine:
    return set_engine(request.param, tmp_path)


def test_the_first_rows_of_a_person_in_an_order_become_a_list_or_an_object(
    world: World, sets: SetEngine, tmp_path: Path
) -> None:
    where, holds = world.asked([True, True, False, None], pa.bool_())
    rank, ranks = world.asked([1, 1.0, Decimal("0.1"), 0.1, 2**70, "text", True, None])
    label, labels = world.asked(["", "x", None])
    tier, tiers = world.asked(["gold", "silver", 3, 3.0, None])
    added, at = world.column("added")
    named, names = world.column("name")
    order = (
        ByValue(rank, highest=True),
        Filled(label),
        Filled(named),
        Preferred(tier, (3, "gold")),
        ByValue(added, highest=False),
    )
    columns = ("Total (€)", "name", "day")

    counts = sets.enrich(
        world.source,
        [
            world.enrichment("wishes", Taken(2, False, order, columns), where),
            world.enrichment("first", Taken(1, True, order, columns), where),
            world.enrichment("all", Taken(100, False, (), ("n",)), required=True),
        ],
        tmp_path / "out",
    )

    rows = world.rows(holds)
    pairs = [(person, number) for person, numbers in rows.items() for number in numbers]
    kind, others = of_one_kind(ranks(pair) for pair in pairs)
    ranked = {pair: ranks(pair) if kind_of(ranks(pair)) == kind else None for pair in pairs}

    def place(pair: Pair) -> tuple[bool, bool, int, datetime]:
        value = tiers(pair)
        return labels(pair) != "x", names(pair) is None, 0 if value == 3 else 1 if value == "gold" else 2, at(pair)

    def then(one: Pair, other: Pair) -> int:
        return int(place(one) > place(other)) - int(place(one) < place(other))

    first = taken(world.table, rows, [by_value(ranked, highest=True), then], [*columns])
    everything = taken(world.table, world.rows(), [], ["n"])
    world.check(
        tmp_path / "out",
        counts,
        {
            "wishes": {person: first.get(person, [])[:2] for person in world.people},
            "first": {person: first[person][0] if person in first else None for person in world.people},
            "all": {person: everything.get(person, []) for person in world.people},
        },
        dropped=world.people - everything.keys(),
    )
    assert counts.noted.get('v"', 0) == 2 * others


FUNCTIONS: tuple[Literal["count", "sum", "avg", "min", "max"], ...] = ("count", "sum", "avg", "min", "max")


@pytest.mark.parametrize("name", TYPES)
def test_a_value_about_all_rows_of_a_person_is_exact(world: World, sets: SetEngine, tmp_path: Path, name: str) -> None:
    where, holds = world.column("paid")
    column, value = world.column(name)
    given, values = world.asked(CELLS[name], TYPES[name])
    numbers = name in ("n", "price", "Total (€)")
    functions = [each for each in FUNCTIONS if numbers or each not in ("sum", "avg")]

    counts = sets.enrich(
        world.source,
        [
            world.enrichment("rows", Aggregated("count", None), where),
            *(world.enrichment(each, Aggregated(each, column), where) for each in functions),
            *(world.enrichment(f"{each} of values", Aggregated(each, given)) for each in functions),
        ],
        tmp_path / "out",
    )

    paid, linked = world.rows(holds), world.rows()
    expected = {"rows": {person: len(paid.get(person, [])) for person in world.people}}
    for each in functions:
        expected[each] = {
            person: aggregated(each, [value((person, number)) for number in paid.get(person, [])])
            for person in world.people
        }
        expected[f"{each} of values"] = {
            person: aggregated(each, [values((person, number)) for number in linked.get(person, [])])
            for person in world.people
        }
    world.check(tmp_path / "out", counts, expected, dropped=[])


def small(folder: Path, cells: list[dict[str, Any]], types: dict[str, Any]) -> tuple[Path, Path, Path]:
    """A set of one person, whose all rows of a table are."""
    table = PlainTable(cells, types, [("a", number + 1) for number in range(len(cells))])
    return PlainSet({("a", ""): {}}).write(folder / "set.parquet"), *table.write(folder)


@pytest.mark.parametrize(
    "kind, values",
    [
        (pa.int64(), [2**63 - 1, 1]),
        (pa.decimal128(38, 2), [Decimal("9e35"), Decimal("2e35")]),
        (pa.decimal128(38, 2), [Decimal("9e35")] * 2),
    ],
)
def test_a_sum_that_its_kind_cannot_hold_is_refused(
    sets: SetEngine, tmp_path: Path, kind: Any, values: list[Any]
) -> None:
    source, table, links = small(tmp_path, [{"v": value} for value in values], {"v": kind})
    spent = Enrichment("spent", table, links, Aggregated("sum", TableColumn("v")))

    with pytest.raises(TableRefused, match="the sum for 'spent' is larger than its kind of column holds"):
        sets.enrich(source, [spent], tmp_path / "out")

    assert not [*(tmp_path / "out").glob("*")]


def test_whom_nothing_is_linked_to_has_an_empty_list_no_count_and_nothing_else(sets: SetEngine, tmp_path: Path) -> None:
    source, table, links = small(tmp_path, [], {"v": pa.int64()})
    column = TableColumn("v")
    gives: dict[str, Taken | Aggregated] = {
        "list": Taken(3, False, (), ("v",)),
        "object": Taken(1, True, (ByValue(column, highest=True),), ("v",)),
        **{function: Aggregated(function, column) for function in FUNCTIONS},
    }
    enrichments = [Enrichment(name, table, links, each) for name, each in gives.items()]

    counts = sets.enrich(source, enrichments, tmp_path / "out")
    dropped = sets.enrich(source, [Enrichment("list", table, links, gives["list"], required=True)], tmp_path / "none")

    (values,) = read_set(tmp_path / "out" / "main.parquet").values()
    assert values == {"list": [], "object": None, "count": 0, "sum": None, "avg": None, "min": None, "max": None}
    assert counts.outputs == {"main": 1, "rest": 0}
    assert dropped.outputs == {"main": 0, "rest": 1}
    schema = pq.read_schema(tmp_path / "out" / "main.parquet")
    assert str(schema.field("list").type).replace("element: ", "item: ") == "list<item: struct<v: int64>>"
    assert [str(schema.field(name).type) for name in ("object", "count", "sum", "avg", "min")] == [
        "struct<v: int64>", "int64", "int64", "double", "int64"
    ]  # fmt: skip
