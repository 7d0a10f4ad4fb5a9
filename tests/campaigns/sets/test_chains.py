"""Sets that are made of sets that are made of sets: random chains of operators against the model, step by step."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.campaigns.sets import plain_sets
from tests.campaigns.sets.both_engines import BothSets
from tests.campaigns.sets.engines import set_engine
from tests.campaigns.sets.plain_sets import (
    Ask,
    PlainSet,
    PlainSubset,
    PlainTable,
    Row,
    aggregated,
    asked_of,
    by_filled,
    by_lot,
    by_preference,
    by_value,
    equals,
    read_set,
    taken,
)

from parcours.campaigns.sets.engine import (
    Aggregated,
    AtRandom,
    ByValue,
    Counts,
    Criterion,
    Enrichment,
    Filled,
    OrderKey,
    Preferred,
    SetEngine,
    Subset,
    TableColumn,
    Taken,
    Values,
)
from parcours.campaigns.sets.lots import seed_of
from parcours.campaigns.sets.values import value_column

PEOPLE = 300

CHAINS, CHAINS_A_TEST, STEPS_MAX = 200, 10, 8

COMPARED = range(0, CHAINS, 1 if "PARCOURS_CAMPAIGNS_FULL" in os.environ else 7)
"""Chains that Daft makes as well, whose rows have to be those of DuckDB."""

NAMES = ["anna", "Anna", "é", "z", "\uffee", "\U0001f600", "o'brien", 'a"b', "ß", "@anonymous/7f"]

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)

VALUES: list[list[object]] = [
    ["a@x.example", "b@x.example", "é", "É", "", None],
    [1, 1.0, Decimal("1.00"), 2**70, float(2**70), Decimal("0.1"), 0.1, -0.0, 0, "text", None],
    [NOON, NOON.replace(microsecond=1), True, None],
    [f"{number}@x.example" for number in range(100)],
]

HOLDS: list[object] = [True, True, False, None]

TYPES = {"name": pa.string(), "total": pa.decimal128(38, 2), "score": pa.float64()}


@dataclass
class Made:
    """A set that a step has made, as a file and as the model has it."""

    file: Path
    plain: PlainSet


@dataclass
class Order:
    """Keys as the engine and as the model takes them."""

    keys: tuple[OrderKey, ...]
    plain: list[Callable[[Row, Row], int]]


class Chain:
    """One chain: its sets so far, and how many values are of another kind than most of theirs, in the last step."""

    def __init__(self, folder: Path, seed: int, engine: SetEngine) -> None:
        self.folder, self.chance, self.engine = folder, random.Random(seed), engine
        self.seed = seed_of("autumn", seed, "step")
        self.people = [f"{self.chance.choice(NAMES)}{number}" for number in range(PEOPLE)]
        self.table = self._table()
        self.snapshot, self.links = self.table.write(folder)
        self.sets = [
            self._begun("city", 1, [""]),
            self._begun("phone", 2, [""]),
            self._begun("city", 3, ["", "k", "é"]),
        ]
        self.steps = self.files = self.others = 0

    def _table(self) -> PlainTable:
        draws: dict[str, list[Any]] = {
            "name": ["bike", "é", None],
            "total": [Decimal("0.10"), Decimal("-9.99"), None],
            "score": [0.1, 0.2, 1e16, -1e16, None],
        }
        cells = [{name: self.chance.choice(values) for name, values in draws.items()} for _ in range(400)]
        links = {(self.chance.choice(self.people), self.chance.randint(1, 400)) for _ in range(500)}
        return PlainTable(cells, TYPES, [*links])

    def _begun(self, column: str, every: int, keys: Sequence[str]) -> Made:
        cities = ["Bern", "Nîmes", "", None]
        rows: dict[Row, dict[str, Any]] = {
            (person, key): {column: self.chance.choice(cities)} for person in self.people[::every] for key in keys
        }
        plain = PlainSet(rows, {column: pa.string()})
        return Made(plain.write(self.folder / f"every{every}.parquet"), plain)

    def asked(self, made: Made, draws: list[object]) -> tuple[Values, Mapping[Row, Any]]:
        """What an expression gave for each row, or each person; some have nothing."""
        by_row, rows = self.chance.random() < 0.5, [*made.plain.rows]
        whose = rows if by_row else [*dict.fromkeys((person, "") for person, _ in rows)]
        self.chance.shuffle(whose)
        given = {row: self.chance.choice(draws) for row in whose if self.chance.random() < 0.95}
        self.files += 1
        file = self.folder / f"values{self.files}.parquet"
        column = pa.array(given.values(), pa.bool_()) if draws is HOLDS else value_column(given.values())
        keys = [pa.array([row[place] for row in given], pa.string()) for place in (0, 1)]
        pq.write_table(pa.table([*keys, column], names=["person", "row_key", f"v{self.files}"]), file)
        values = {row: given.get(row if by_row else (row[0], "")) for row in rows}
        return Values(file, f"v{self.files}", by_row), values

    def order(self, made: Made, most: int = 2) -> Order:
        keys = [self._key(made) for _ in range(self.chance.randint(0, most))]
        return Order(tuple(key for key, _ in keys), [plain for _, plain in keys])

    def _key(self, made: Made) -> tuple[OrderKey, Callable[[Row, Row], int]]:
        kind = self.chance.randrange(4)
        if kind == 3:
            return AtRandom(self.seed), by_lot(self.seed)
        told, values = self.asked(made, self.chance.choice(VALUES))
        if kind == 2:
            choices = (0.0, "é", True, "", 1)
            return Preferred(told, choices), by_preference(values, choices)
        alike, others = asked_of([*values], values.__getitem__)
        self.others += others
        highest = self.chance.random() < 0.5
        return (Filled(told), by_filled(alike)) if kind else (ByValue(told, highest), by_value(alike, highest=highest))

    def by(self, sets: Sequence[Made]) -> tuple[list[list[Criterion]], list[list[Ask | None]]]:
        """What rows of these sets are compared by."""
        told: list[list[Criterion]] = [[] for _ in sets]
        asks: list[list[Ask | None]] = [[] for _ in sets]
        for _ in range(self.chance.choice([1, 1, 2])):
            draws = None if self.chance.random() < 0.5 else self.chance.choice(VALUES)
            for place, made in enumerate(sets):
                values, given = (None, None) if draws is None else self.asked(made, draws)
                told[place].append(values or "person")
                asks[place].append(None if given is None else given.__getitem__)
        self.others += equals([made.plain for made in sets], asks).noted
        return told, asks

    def step(self, kind: int | None = None) -> None:
        """One operator on sets that there are, drawn by lot without its number."""
        self.steps += 1
        self.others = 0
        one = self.chance.choice(self.sets)
        some = [self.chance.choice(self.sets) for _ in range(self.chance.randint(2, 3))]
        folder = self.folder / f"step{self.steps}"
        match self.chance.randrange(7) if kind is None else kind:
            case 0:
                self.filter(one, folder)
            case 1:
                self.dedupe(one, folder)
            case 2:
                self.split(one, folder)
            case 3:
                self.share(one, folder)
            case 4:
                self.union(some, folder)
            case 5:
                self.divide(some, folder)
            case _:
                self.enrich(one, folder)

    def check(
        self, counts: Counts, folder: Path, inflow: int, outputs: Mapping[str, PlainSet], double: int = 0
    ) -> None:
        """The step has made what the model has, and adds up; what it has made may be taken by others."""
        for name, plain in outputs.items():
            file = folder / f"{name}.parquet"
            assert read_set(file) == plain.rows, file
            self.sets.append(Made(file, plain))
        assert counts.outputs == {name: len(plain.rows) for name, plain in outputs.items()}
        assert counts.inflow == inflow
        assert counts.dropped == ({"double": double} if double or counts.dropped else {})
        assert sum(counts.noted.values()) == self.others

    def check_rows(self, counts: Counts, folder: Path, one: Made, outputs: Mapping[str, Sequence[Row]]) -> None:
        self.check(counts, folder, len(one.plain.rows), {name: one.plain.only(rows) for name, rows in outputs.items()})
        assert counts.inflow == sum(counts.outputs.values())

    def filter(self, one: Made, folder: Path) -> None:
        told, holds = self.asked(one, HOLDS)
        counts = self.engine.filter(one.file, told, folder)
        main = [row for row in one.plain.rows if holds[row] is True]
        self.check_rows(counts, folder, one, {"main": main, "rest": [*{*one.plain.rows} - {*main}]})

    def dedupe(self, one: Made, folder: Path) -> None:
        (by,), (asks,) = self.by([one])
        order, keep = self.order(one), self.chance.randint(1, 2)
        counts = self.engine.dedupe(one.file, by, keep, order.keys, folder)
        main = plain_sets.dedupe(one.plain, asks, keep, order.plain)
        self.check_rows(counts, folder, one, {"main": main, "rest": [*{*one.plain.rows} - {*main}]})

    def split(self, one: Made, folder: Path) -> None:
        subsets, plain = [], []
        for number in range(3):
            told, holds = self.asked(one, HOLDS) if self.chance.random() < 0.7 else (None, None)
            limit, share = self.chance.choice([(20, None), (None, Decimal("12.5")), (None, None)])
            order = self.order(one, 2 if limit or share else 0)
            subsets.append(Subset(f"part{number}", told, order.keys, limit, share))
            plain.append(PlainSubset(None if holds is None else holds.__getitem__, order.plain, limit, share))
        counts = self.engine.split(one.file, subsets, folder, overlap=False)
        parts = plain_sets.split(one.plain, plain, overlap=False)
        names = [*(each.name for each in subsets), "rest"]
        self.check_rows(counts, folder, one, dict(zip(names, parts, strict=True)))

    def share(self, one: Made, folder: Path) -> None:
        shares: list[Decimal | None] = self.chance.choice(
            [[None, None, None], [Decimal("33.3"), Decimal("33.3"), Decimal("33.4")]]
        )
        exact = [Fraction(1, 3) if each is None else Fraction(each) / 100 for each in shares]
        names = ["a", "b", "control"]
        counts = self.engine.share(one.file, [*zip(names, shares, strict=True)], self.seed, folder)
        parts = plain_sets.share(one.plain, exact, self.seed)
        self.check_rows(counts, folder, one, dict(zip(names, parts, strict=True)))

    def union(self, some: Sequence[Made], folder: Path) -> None:
        by, asks = self.by(some)
        counts = self.engine.union([each.file for each in some], by, folder)
        main, double, _ = plain_sets.union([each.plain for each in some], asks)
        inflow = sum(len(each.plain.rows) for each in some)
        self.check(counts, folder, inflow, {"main": PlainSet(main, self._types(some))}, double)
        assert counts.inflow == len(main) + double

    def divide(self, some: Sequence[Made], folder: Path) -> None:
        """An intersection or a difference."""
        by, asks = self.by(some)
        both = self.chance.random() < 0.5
        divide = self.engine.intersect if both else self.engine.exclude
        counts = divide([each.file for each in some], by, folder)
        parts = (plain_sets.intersect if both else plain_sets.exclude)([each.plain for each in some], asks)
        types = self._types(some if both else some[:1])
        main, rest = (PlainSet(rows, types) for rows in parts)
        self.check(counts, folder, len(some[0].plain.rows), {"main": main, "rest": rest})
        assert counts.inflow == sum(counts.outputs.values())

    def _types(self, some: Sequence[Made]) -> dict[str, Any]:
        return {name: kind for each in some for name, kind in each.plain.types.items()}

    def enrich(self, one: Made, folder: Path) -> None:
        people = {person for person, _ in one.plain.rows}
        rows = self.table.of(people, lambda _: True)
        cells = self.table.cells
        totals = {person: [cells[number - 1]["total"] for number in numbers] for person, numbers in rows.items()}
        scores = {
            (person, number): cells[number - 1]["score"] for person, numbers in rows.items() for number in numbers
        }
        best = taken(self.table, rows, [by_value(scores, highest=True)], ["name", "total"])
        gives: dict[str, tuple[Taken | Aggregated, Callable[[str], Any]]] = {
            "best": (
                Taken(2, False, (ByValue(TableColumn("score"), highest=True),), ("name", "total")),
                lambda person: best.get(person, [])[:2],
            ),
            "spent": (
                Aggregated("sum", TableColumn("total")),
                lambda person: aggregated("sum", totals.get(person, [])),
            ),
            "rows": (Aggregated("count", None), lambda person: len(rows.get(person, []))),
        }
        names = [name for name in gives if name not in one.plain.types and self.chance.random() < 0.6]
        required = {name for name in names if self.chance.random() < 0.2}
        told = [Enrichment(name, self.snapshot, self.links, gives[name][0], None, name in required) for name in names]
        counts = self.engine.enrich(one.file, told, folder)
        parts: dict[str, dict[Row, dict[str, Any]]] = {"main": {}, "rest": {}}
        for row, values in one.plain.rows.items():
            part = parts["rest" if required and row[0] not in rows else "main"]
            part[row] = {**values, **{name: gives[name][1](row[0]) for name in names}}
        types = {**one.plain.types, **dict.fromkeys(names)}
        outputs = {name: PlainSet(part, types) for name, part in parts.items()}
        self.check(counts, folder, len(one.plain.rows), outputs)
        assert counts.inflow == sum(counts.outputs.values())


@pytest.mark.parametrize("first", range(0, CHAINS, CHAINS_A_TEST))
def test_chains_of_operators_make_what_the_model_makes_and_each_step_adds_up(tmp_path: Path, first: int) -> None:
    for seed in range(first, first + CHAINS_A_TEST):
        folder = tmp_path / str(seed)
        folder.mkdir()
        both = BothSets(folder, 1 + seed % 4) if seed in COMPARED else None
        chain = Chain(folder, seed, both or set_engine("duckdb", folder, 1 + seed % 4))
        for _ in range(1 + seed % STEPS_MAX):
            chain.step()
        assert len(chain.sets) > 3
        assert both is None or both.files >= len(chain.sets) - 3
