"""Unions, intersections and differences of sets against a model of them in plain Python."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.campaigns.sets import plain_sets
from tests.campaigns.sets.engines import ENGINES, set_engine
from tests.campaigns.sets.plain_sets import Ask, PlainSet, Row, read_set

from parcours import SetsRefused
from parcours.campaigns.sets.engine import Criterion, SetEngine, Values
from parcours.campaigns.sets.values import value_column

NAMES = ["anna", "Anna", "é", "\uffee", "\U0001f600", "o'brien", 'a"b', "ß"]

BIG = 2**63 + 1

VALUES = [1, 1.0, Decimal("1.00"), BIG, Decimal(BIG), float(BIG), Decimal("0.1"), 0.1, "1", "é", "", None, True]

COLUMNS: dict[str, tuple[Any, Callable[[random.Random], object]]] = {
    "city": (pa.string(), lambda chance: chance.choice(["Nîmes", "Bern", "", None])),
    "total": (pa.decimal128(38, 2), lambda chance: chance.choice([Decimal("1.10"), Decimal("-3.00"), None])),
    "seen": (pa.timestamp("us", tz="UTC"), lambda chance: chance.choice([datetime(2026, 1, 1, tzinfo=UTC), None])),
    'Wish "1"': (
        pa.list_(pa.struct([("a", pa.int64())])),
        lambda chance: chance.choice([[], [{"a": 1}, {"a": None}], None]),
    ),
    "file_row_number": (pa.bool_(), lambda chance: chance.choice([True, False, None])),
}


class Tables:
    """Three random sets, and what is asked of them, as files and in Python."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder, self.chance = folder, random.Random(seed)
        self.sets = [self._set(by_row=seed % 3 == place) for place in range(3)]
        self.files = [each.write(folder / f"set{place}.parquet") for place, each in enumerate(self.sets)]
        self._files = 0

    def _set(self, *, by_row: bool) -> PlainSet:
        people = [f"{name}{number}" for name in NAMES for number in range(6)]
        keys = ["", "k1", "k2"] if by_row else [""]
        types = {name: kind for name, (kind, _) in COLUMNS.items() if self.chance.random() < 0.6}
        rows = {
            (person, key): {name: COLUMNS[name][1](self.chance) for name in types}
            for person in people
            for key in keys
            if self.chance.random() < 0.5
        }
        return PlainSet(rows, types)

    def asked(self, place: int) -> tuple[Values, Ask]:
        """A value of each row of a set; some rows have none."""
        given = {row: self.chance.choice(VALUES) for row in self.sets[place].rows if self.chance.random() < 0.9}
        self._files += 1
        file = self.folder / f"values{self._files}.parquet"
        columns = {"person": [row[0] for row in given], "row_key": [row[1] for row in given]}
        pq.write_table(pa.table({**columns, "v": value_column(given.values())}), file)
        return Values(file, "v", by_row=True), given.get

    def by(self, criteria: Sequence[str]) -> tuple[list[list[Criterion]], list[list[Ask | None]]]:
        """What rows are compared by, for the engine and for the model."""
        told: list[list[Criterion]] = []
        asked: list[list[Ask | None]] = []
        for place in range(len(self.sets)):
            pairs = [("person", None) if each == "person" else self.asked(place) for each in criteria]
            told.append([each for each, _ in pairs])  # type: ignore[misc]  # a pair has a criterion first
            asked.append([ask for _, ask in pairs])
        return told, asked


@pytest.fixture(params=range(9))
def tables(request: pytest.FixtureRequest, tmp_path: Path) -> Tables:
    return Tables(tmp_path, request.param)


@pytest.fixture(params=ENGINES)
def sets(request: pytest.FixtureRequest, tmp_path: Path) -> SetEngine:
    return set_engine(request.param, tmp_path)


BY = pytest.mark.parametrize("criteria", [["person"], ["value"], ["person", "value"], ["value", "value"]], ids=str)


@BY
def test_a_union_has_each_row_once_with_what_the_sets_know_of_it(
    tables: Tables, sets: SetEngine, tmp_path: Path, criteria: list[str]
) -> None:
    by, asked = tables.by(criteria)

    counts = sets.union(tables.files, by, tmp_path / "out")

    main, double, noted = plain_sets.union(tables.sets, asked)
    assert read_set(tmp_path / "out" / "main.parquet") == main
    assert (counts.outputs, counts.dropped) == ({"main": len(main)}, {"double": double})
    assert counts.inflow == len(main) + double
    assert sum(counts.noted.values()) == noted
    assert criteria != ["person"] or len({person for person, _ in main}) == len(main)


@BY
def test_an_intersection_has_the_rows_of_the_first_set_that_equal_one_of_each_other(
    tables: Tables, sets: SetEngine, tmp_path: Path, criteria: list[str]
) -> None:
    by, asked = tables.by(criteria)

    counts = sets.intersect(tables.files, by, tmp_path / "out")

    main, rest = plain_sets.intersect(tables.sets, asked)
    assert read_set(tmp_path / "out" / "main.parquet") == main
    assert read_set(tmp_path / "out" / "rest.parquet") == rest
    assert counts.outputs == {"main": len(main), "rest": len(rest)}
    assert counts.inflow == len(tables.sets[0].rows) == len(main) + len(rest)


@BY
def test_a_difference_has_the_rows_of_the_first_set_that_equal_none_of_the_others(
    tables: Tables, sets: SetEngine, tmp_path: Path, criteria: list[str]
) -> None:
    by, asked = tables.by(criteria)

    counts = sets.exclude(tables.files, by, tmp_path / "out")

    main, rest = plain_sets.exclude(tables.sets, asked)
    assert read_set(tmp_path / "out" / "main.parquet") == main
    assert read_set(tmp_path / "out" / "rest.parquet") == rest
    assert counts.outputs == {"main": len(main), "rest": len(rest)}
    assert counts.inflow == len(tables.sets[0].rows)


def plain(rows: dict[Row, dict[str, Any]] | list[str], **types: Any) -> PlainSet:
    """A set of these rows, or of people without columns."""
    return PlainSet(rows if isinstance(rows, dict) else {(person, ""): {} for person in rows}, types)


def written(folder: Path, *sets: PlainSet) -> list[Path]:
    return [each.write(folder / f"plain{place}.parquet") for place, each in enumerate(sets)]


PEOPLE: list[Criterion] = ["person"]


@pytest.mark.parametrize(
    "people, others, union, intersection, difference",
    [
        ([], [], 0, 0, 0),
        (["a"], [], 1, 0, 1),
        ([], ["a"], 1, 0, 0),
        (["a", "b"], ["c"], 3, 0, 2),  # nobody is equal
        (["a", "b"], ["a", "b"], 2, 2, 0),  # all are
    ],
)
def test_sets_may_be_empty_apart_or_the_same(
    sets: SetEngine,
    tmp_path: Path,
    people: list[str],
    others: list[str],
    union: int,
    intersection: int,
    difference: int,
) -> None:
    files = written(tmp_path, plain(people), plain(others))

    united = sets.union(files, [PEOPLE] * 2, tmp_path / "union")
    both = sets.intersect(files, [PEOPLE] * 2, tmp_path / "both")
    without = sets.exclude(files, [PEOPLE] * 2, tmp_path / "without")

    assert (united.outputs, united.dropped) == ({"main": union}, {"double": len(people) + len(others) - union})
    assert both.outputs == {"main": intersection, "rest": len(people) - intersection}
    assert without.outputs == {"main": difference, "rest": len(people) - difference}


A, B = ("a", ""), ("b", "")

INTEGER, NUMBER, MONEY = pa.int64(), pa.float64(), pa.decimal128(38, 2)


@pytest.mark.parametrize(
    "one, other, united, values",
    [
        ((INTEGER, 2**53), (NUMBER, 0.5), NUMBER, (float(2**53), 0.5)),
        ((INTEGER, -(2**63)), (MONEY, Decimal("0.10")), MONEY, (Decimal(-(2**63)), Decimal("0.10"))),
        ((MONEY, Decimal("1.25")), (pa.decimal128(38, 4), Decimal("0.0001")), pa.decimal128(38, 4),
         (Decimal("1.25"), Decimal("0.0001"))),
        ((pa.struct([("x", INTEGER)]), {"x": 1}),
         (pa.struct([("x", NUMBER), ("y z", pa.string())]), {"x": None, "y z": "é"}),
         pa.struct([("x", NUMBER), ("y z", pa.string())]), ({"x": 1.0, "y z": None}, {"x": None, "y z": "é"})),
        ((pa.list_(pa.struct([("x", pa.string())])), [{"x": "1"}, None]),
         (pa.list_(pa.struct([("l", pa.list_(INTEGER))])), []),
         pa.list_(pa.struct([("x", pa.string()), ("l", pa.list_(INTEGER))])), ([{"x": "1", "l": None}, None], [])),
    ],
)  # fmt: skip
def test_a_column_of_two_types_has_the_one_that_holds_both(
    sets: SetEngine, tmp_path: Path, one: Any, other: Any, united: Any, values: tuple[object, object]
) -> None:
    files = written(tmp_path, plain({A: {"v": one[1]}}, v=one[0]), plain({B: {"v": other[1]}}, v=other[0]))

    for sources, first, second in ((files, A, B), (files[::-1], A, B)):
        sets.union(sources, [PEOPLE] * 2, tmp_path / "out")

        found = read_set(tmp_path / "out" / "main.parquet")
        assert (found[first]["v"], found[second]["v"]) == values
        kinds = {type(found[row]["v"]) for row in (first, second)}
        assert kinds == {type(value) for value in values}

    nothing = written(tmp_path / "empty", plain({A: {"v": None}}, v=one[0]), plain([]), plain({B: {}}, v=other[0]))
    sets.union(nothing, [PEOPLE] * 3, tmp_path / "out")
    sets.intersect([nothing[0], nothing[2]], [PEOPLE] * 2, tmp_path / "both")
    for folder in ("out", "both"):
        schema = pq.read_schema(tmp_path / folder / "main.parquet")
        assert str(schema.field("v").type).replace("element: ", "item: ") == str(united)


@pytest.mark.parametrize(
    "one, other, complaint",
    [
        ((pa.string(), "1"), (INTEGER, 1), "the column 'v' as string and as integer"),
        ((MONEY, Decimal("0.10")), (NUMBER, 0.1), r"the column 'v' as decimal\(2\) and as number"),
        ((pa.struct([("x", pa.date32())]), None), (pa.struct([("x", pa.string())]), None),
         "the column 'v.x' as date and as string"),
        ((pa.struct([("x", INTEGER)]), None), (pa.struct([("X", INTEGER)]), None), "and the sets have 'x' and 'X'"),
        ((INTEGER, 2**53 + 1), (NUMBER, 0.5), "'v' has a value that is too large for number, .*: 9007199254740993"),
        ((pa.decimal128(38, 0), Decimal(10**36)), (MONEY, None), r"'v' has a value that is too large for decimal\(2\)"),
    ],
)  # fmt: skip
def test_what_no_column_holds_as_it_is_is_refused(
    sets: SetEngine, tmp_path: Path, one: Any, other: Any, complaint: str
) -> None:
    files = written(tmp_path, plain({A: {"v": one[1]}}, v=one[0]), plain({B: {"v": other[1]}}, v=other[0]))

    with pytest.raises(SetsRefused, match=complaint):
        sets.union(files, [PEOPLE] * 2, tmp_path / "out")

    assert not [*(tmp_path / "out").glob("*")]


def test_columns_that_only_case_tells_apart_are_refused(sets: SetEngine, tmp_path: Path) -> None:
    files = written(
        tmp_path, plain({A: {"City": "Bern"}}, City=pa.string()), plain({B: {"city": ""}}, city=pa.string())
    )

    with pytest.raises(SetsRefused, match="the sets have 'City' and 'city'"):
        sets.union(files, [PEOPLE] * 2, tmp_path / "out")
