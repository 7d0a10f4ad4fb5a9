"""Each operator against a model of it in plain Python: lists, `sorted`, and no line of the engine's."""

from __future__ import annotations

import pickle
import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cmp_to_key
from hashlib import blake2b
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.campaigns.sets.engines import ENGINES, set_engine

from parcours.campaigns.sets.engine import GAVE_WAY, AtRandom, ByValue, Filled, Preferred, SetEngine, Subset, Values
from parcours.campaigns.sets.lots import seed_of
from parcours.campaigns.sets.part_sizes import part_sizes
from parcours.campaigns.sets.values import value_column

Row = tuple[str, str]

BIG = 9_007_199_254_740_993

NAMES = ["anna", "Anna", "é", "z", "\uffee", "\U0001f600", "o'brien", 'a"b', "@anonymous/7f", "ß"]
"""In UTF-8 the one before the last comes behind all others, in UTF-16 it would not."""

SEED = seed_of("autumn", 3, "half")


class Table:
    """A set and the values of its rows, as a file and as Python has it."""

    def __init__(self, folder: Path, seed: int, *, by_row: bool) -> None:
        self.folder, self.by_row = folder, by_row
        chance = random.Random(seed)
        people = [f"{chance.choice(NAMES)}{number}" for number in range(40)]
        keys = [f"{number:03}" for number in range(3)] if by_row else [""]
        rows = {(person, key) for person in people for key in keys if not key or chance.random() < 0.6}
        self.rows: list[Row] = sorted(rows, key=lambda row: (row[0].encode(), row[1].encode()))
        self.source = folder / "source.parquet"
        pq.write_table(
            pa.table({"person": [row[0] for row in self.rows], "row_key": [row[1] for row in self.rows],
                      "wish": [{"name": f"w{place}"} for place in range(len(self.rows))]}),
            self.source,
        )  # fmt: skip
        self.chance = chance
        self._files = 0

    def values(self, draw: Callable[[random.Random], object]) -> tuple[Values, dict[Row, object]]:
        """Values of each row, or of each person; some lack any."""
        whose = self.rows if self.by_row else sorted({(row[0], "") for row in self.rows})
        given = {row: draw(self.chance) for row in whose if self.chance.random() < 0.95}
        rows = list(given)
        self.chance.shuffle(rows)
        self._files += 1
        file = self.folder / f"values{self._files}.parquet"
        drawn = [given[row] for row in rows]
        column = (
            pa.array(drawn, pa.bool_()) if all(each in (True, False, None) for each in drawn) else value_column(drawn)
        )
        table = {"person": [row[0] for row in rows], "row_key": [row[1] for row in rows], 'v"1': column}
        pq.write_table(pa.table(table), file)
        return Values(file, 'v"1', self.by_row), {
            row: given.get(row if self.by_row else (row[0], "")) for row in self.rows
        }

    def read(self, folder: Path, output: str) -> list[Row]:
        table = pq.read_table(folder / f"{output}.parquet")
        rows = list(zip(table["person"].to_pylist(), table["row_key"].to_pylist(), strict=True))
        places = {row: place for place, row in enumerate(self.rows)}
        assert [each["name"] for each in table["wish"].to_pylist()] == [f"w{places[row]}" for row in rows]
        assert rows == sorted(rows, key=lambda row: (row[0].encode(), row[1].encode()))
        return rows


@pytest.fixture(params=range(6))
def table(request: pytest.FixtureRequest, tmp_path: Path) -> Table:
    return Table(tmp_path, request.param, by_row=request.param % 2 == 1)


@pytest.fixture(params=ENGINES)
def sets(request: pytest.FixtureRequest, tmp_path: Path) -> SetEngine:
    return set_engine(request.param, tmp_path)


def mixed(chance: random.Random) -> object:
    """Mostly numbers, with ties, and some that are none."""
    return chance.choice([1, 2, 2.0, 3, BIG, float(BIG - 1), -0.0, 0, None, float("nan"), "", "text", True])


def compared(one: Any, other: Any) -> int:
    """As numbers are in order; whole ones exactly."""
    return int(one > other) - int(one < other)


def is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value == value


def lot(person: str) -> bytes:
    return blake2b(b"autumn\x003\x00half\x00" + person.encode()).digest()[:8]


def in_order(rows: Sequence[Row], values: dict[Row, object], *, highest: bool) -> list[Row]:
    """Numbers first, whichever way; all else and ties as in the set."""

    def which(one: Row, other: Row) -> int:
        a, b = values[one], values[other]
        if not is_number(a) or not is_number(b):
            return is_number(b) - is_number(a)
        return compared(b, a) if highest else compared(a, b)

    return sorted(rows, key=cmp_to_key(which))


def test_a_filter_divides_a_set_by_a_condition(table: Table, sets: SetEngine, tmp_path: Path) -> None:
    condition, holds = table.values(lambda chance: chance.choice([True, False, None]))

    counts = sets.filter(table.source, condition, tmp_path / "out")

    main = [row for row in table.rows if holds[row] is True]
    assert table.read(tmp_path / "out", "main") == main
    assert table.read(tmp_path / "out", "rest") == [row for row in table.rows if holds[row] is not True]
    assert (counts.inflow, counts.outputs["main"]) == (len(table.rows), len(main))
    assert sum(counts.outputs.values()) == counts.inflow


def test_counts_can_be_sent_to_another_process(table: Table, sets: SetEngine, tmp_path: Path) -> None:
    ranked, _ = table.values(mixed)

    counts = sets.dedupe(table.source, [ranked], 1, [ByValue(ranked, highest=True)], tmp_path / "out")

    assert pickle.loads(pickle.dumps(counts)) == counts
    assert {type(each) for each in (counts.outputs, counts.dropped, counts.noted)} == {dict}
    assert {type(each) for each in (counts.inflow, *counts.outputs.values(), *counts.noted.values())} == {int}


@pytest.mark.parametrize("keep", [1, 2])
@pytest.mark.parametrize("highest", [True, False])
def test_of_equals_the_first_in_an_order_stay(
    table: Table, sets: SetEngine, tmp_path: Path, keep: int, highest: bool
) -> None:
    by, alike = table.values(lambda chance: chance.choice(["a@x.example", "b@x.example", "é", "", None]))
    ranked, rank = table.values(mixed)

    counts = sets.dedupe(table.source, [by], keep, [ByValue(ranked, highest)], tmp_path / "out")

    main: list[Row] = []
    for value in ["a@x.example", "b@x.example", "é"]:
        main += in_order([row for row in table.rows if alike[row] == value], rank, highest=highest)[:keep]
    main += [row for row in table.rows if alike[row] in ("", None)]
    assert set(table.read(tmp_path / "out", "main")) == set(main)
    assert set(table.read(tmp_path / "out", "rest")) == set(table.rows) - set(main)
    assert sum(counts.outputs.values()) == counts.inflow
    others = [value for value in rank.values() if value is not None and value == value and not is_number(value)]
    assert counts.noted.get(ranked.column, 0) == len(others)


def test_numbers_are_equal_as_numbers_and_not_as_doubles(tmp_path: Path, sets: SetEngine) -> None:
    numbers: list[object] = [3, 3.0, BIG, float(BIG - 1), BIG - 1, 0.0, -0.0, True, "3"]
    people = [f"p{place}" for place in range(len(numbers))]
    source, file = tmp_path / "source.parquet", tmp_path / "values.parquet"
    pq.write_table(pa.table({"person": people, "row_key": [""] * len(people)}), source)
    pq.write_table(pa.table({"person": people, "v": value_column(numbers)}), file)

    counts = sets.dedupe(source, [Values(file, "v", by_row=False)], 1, [], tmp_path / "out")

    kept = pq.read_table(tmp_path / "out" / "main.parquet")["person"].to_pylist()
    assert kept == ["p0", "p2", "p3", "p5", "p7", "p8"], "the last two are of another kind: missing, and nobody's equal"
    assert counts.noted == {"v": 2}


def test_values_of_each_kind_are_equal_and_in_order_as_they_are(tmp_path: Path, sets: SetEngine) -> None:
    noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
    paris = noon.astimezone(UTC).replace(microsecond=1)
    kinds: list[list[object]] = [
        ["", "a", "z", "é", "\uffee", "\U0001f600"],
        [noon - timedelta(days=40_000), noon, paris],
        [False, True],
        [timedelta(days=-1), timedelta(0), timedelta(microseconds=1)],
        [-float("inf"), -BIG, -1.5, 0, 1, BIG - 1, BIG, float("inf")],
    ]
    for number, rising in enumerate(kinds):
        people = [f"p{place}" for place in range(len(rising))]
        source, file, out = (tmp_path / f"{name}{number}" for name in ("source", "values", "out"))
        pq.write_table(pa.table({"person": people, "row_key": [""] * len(people)}), source)
        pq.write_table(pa.table({"person": people, "v": value_column(rising)}), file)
        for place in range(len(rising)):
            order = [ByValue(Values(file, "v", by_row=False), highest=True)]
            top = Subset("top", None, tuple(order), limit=place + 1)
            sets.split(source, [top], out, overlap=False)
            taken = pq.read_table(out / "top.parquet")["person"].to_pylist()
            assert taken == people[len(people) - place - 1 :], (rising, place)


def test_lists_and_objects_are_equal_if_what_is_in_them_is(tmp_path: Path, sets: SetEngine) -> None:
    values: list[object] = [[1, {"a": 2.0, "b": "x"}], [1.0, {"b": "x", "a": 2}], [1, {"a": 3}], []]
    people = [f"p{place}" for place in range(len(values))]
    source, file = tmp_path / "source.parquet", tmp_path / "values.parquet"
    pq.write_table(pa.table({"person": people, "row_key": [""] * len(people)}), source)
    pq.write_table(pa.table({"person": people, "v": value_column(values)}), file)

    sets.dedupe(source, [Values(file, "v", by_row=False)], 1, [], tmp_path / "out")

    assert pq.read_table(tmp_path / "out" / "main.parquet")["person"].to_pylist() == ["p0", "p2", "p3"]


@pytest.mark.parametrize("overlap", [False, True])
def test_subsets_take_from_what_is_left_or_from_everybody(
    table: Table, sets: SetEngine, tmp_path: Path, overlap: bool
) -> None:
    first, is_first = table.values(lambda chance: chance.choice([True, False, None]))
    second, is_second = table.values(lambda chance: chance.choice([True, True, False]))
    ranked, rank = table.values(mixed)
    phone, phones = table.values(lambda chance: chance.choice(["", "+33", None]))
    tier, tiers = table.values(lambda chance: chance.choice(["gold", "silver", "iron", 3, None]))
    by_chance = (Filled(phone), Preferred(tier, (3, "gold", "silver")), AtRandom(SEED))
    subsets = [
        Subset("low", first, (ByValue(ranked, highest=False),), limit=7),
        Subset("medium", second, by_chance, share=Decimal("12.5")),
        Subset("high", second),
        Subset("some", None, (ByValue(ranked, highest=True),), limit=5),
        Subset("others", None),
    ]

    counts = sets.split(table.source, subsets, tmp_path / "out", overlap=overlap)

    taken: set[Row] = set()

    def candidates(holds: dict[Row, object]) -> list[Row]:
        return [row for row in table.rows if holds[row] is True and (overlap or row not in taken)]

    low = in_order(candidates(is_first), rank, highest=False)[:7]
    taken |= set(low)

    def wanted(row: Row) -> tuple[object, ...]:
        places = [3, "gold", "silver"]
        place = places.index(tiers[row]) if tiers[row] in places else 3
        return phones[row] != "+33", place, lot(row[0])

    medium = sorted(candidates(is_second), key=wanted)[: len(table.rows) // 8]
    taken |= set(medium)
    high = candidates(is_second)
    taken |= set(high)
    some = in_order([row for row in table.rows if overlap or row not in taken], rank, highest=True)[:5]
    taken |= set(some)
    others = [row for row in table.rows if row not in taken]
    parts = {"low": low, "medium": medium, "high": high, "some": some, "others": others}
    for name, rows in parts.items():
        assert set(table.read(tmp_path / "out", name)) == set(rows), name
        assert counts.outputs[name] == len(rows)
    assert table.read(tmp_path / "out", "rest") == []
    assert overlap or sum(counts.outputs.values()) == counts.inflow


@pytest.mark.parametrize(
    "parts",
    [
        [("a", None), ("b", None), ("c", None)],
        [("a", Decimal(45)), ("b", Decimal(45)), ("control", Decimal(10))],
        [("a", Decimal("33.3")), ("b", Decimal("33.3")), ("c", Decimal("33.4"))],
    ],
)
def test_parts_are_of_exact_sizes_and_filled_by_lot(
    table: Table, sets: SetEngine, tmp_path: Path, parts: list[tuple[str, Decimal | None]]
) -> None:
    counts = sets.share(table.source, parts, SEED, tmp_path / "out")

    drawn = sorted(table.rows, key=lambda row: lot(row[0]))
    for name, share in parts:
        exact = len(table.rows) / len(parts) if share is None else len(table.rows) * float(share) / 100
        assert abs(counts.outputs[name] - exact) < 1
        size = counts.outputs[name]
        assert set(table.read(tmp_path / "out", name)) == set(drawn[:size]), name
        drawn = drawn[size:]
    assert drawn == []


@pytest.mark.parametrize(
    "rows, shares, sizes",
    [
        (10, [None, None, None], [4, 3, 3]),
        (11, [None, None, None], [4, 4, 3]),
        (3, ["45", "45", "10"], [2, 1, 0]),
        (7, ["50", "50"], [4, 3]),
        (1, ["10", "90"], [0, 1]),
        (0, ["10", "90"], [0, 0]),
        (1_000_000_007, ["33.3", "33.3", "33.4"], [333_000_002, 333_000_002, 334_000_003]),
    ],
)
def test_what_is_left_goes_to_the_largest_fractions_and_of_equal_ones_to_the_first(
    rows: int, shares: list[str | None], sizes: list[int]
) -> None:
    assert part_sizes(rows, [None if each is None else Decimal(each) for each in shares]) == sizes


def test_an_empty_set_goes_on_as_an_empty_set(tmp_path: Path, sets: SetEngine) -> None:
    schema = pa.schema([("person", pa.string()), ("row_key", pa.string()), ("city", pa.string())])
    source, file, out = tmp_path / "source.parquet", tmp_path / "values.parquet", tmp_path / "out"
    pq.write_table(schema.empty_table(), source)
    nothing = {"person": pa.array([], pa.string()), "v": value_column([]), "holds": pa.array([], pa.bool_())}
    pq.write_table(pa.table(nothing), file)
    value, holds = (Values(file, column, by_row=False) for column in ("v", "holds"))
    order = (ByValue(value, highest=True), Filled(value), Preferred(value, ("a", 1.5)), AtRandom(SEED))

    made = [
        sets.filter(source, holds, out / "filter"),
        sets.dedupe(source, ["person", value], 1, order, out / "dedupe"),
        sets.split(source, [Subset("top", holds, order, share=Decimal(50))], out / "split", overlap=False),
        sets.share(source, [("a", None), ("b", None)], SEED, out / "share"),
        sets.union([source, source], [[value], [value]], out / "union"),
        sets.intersect([source, source], [["person"], ["person"]], out / "intersect"),
        sets.exclude([source, source], [["person", value], ["person", value]], out / "exclude"),
        sets.enrich(source, [], out / "enrich"),
    ]

    assert {counts.inflow for counts in made} == {0}
    files = [each for each in out.glob("*/*.parquet") if each.stem != GAVE_WAY]
    assert len(files) == sum(len(counts.outputs) for counts in made) == 15
    assert {pq.read_schema(file) for file in files} == {schema}
    assert not any(pq.read_metadata(file).num_rows for file in files)
