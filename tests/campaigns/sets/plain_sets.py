"""What operators on sets mean, in plain Python: lists of rows, `sorted`, and no line of the engine's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal, localcontext
from fractions import Fraction
from functools import cmp_to_key
from hashlib import blake2b
from pathlib import Path
from typing import Any, TypeAlias

import pyarrow as pa
import pyarrow.parquet as pq

KINDS = ("number", "string", "timestamp", "boolean", "duration", "list", "object")

Row: TypeAlias = tuple[str, str]
"""A person and a row key."""

Ask: TypeAlias = Callable[[Row], object]
"""What an expression gives for a row."""


@dataclass
class PlainSet:
    """Rows with the values of their columns, in order; `types` are the Arrow types of the columns."""

    rows: dict[Row, dict[str, Any]]
    types: dict[str, Any] = field(default_factory=dict)

    def write(self, path: Path) -> Path:
        schema = pa.schema([("person", pa.string()), ("row_key", pa.string()), *self.types.items()])
        rows = [{"person": person, "row_key": key, **self.rows[person, key]} for person, key in in_order(self.rows)]
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.Table.from_pylist(rows, schema), path)
        return path

    def only(self, rows: Iterable[Row]) -> PlainSet:
        return PlainSet({row: self.rows[row] for row in in_order(rows)}, self.types)


def read_set(path: Path) -> dict[Row, dict[str, Any]]:
    """The rows of a file; it is checked that they are in order."""
    found = {}
    for values in pq.read_table(path).to_pylist():
        found[values.pop("person"), values.pop("row_key")] = values
    assert list(found) == in_order(found)
    assert pq.read_metadata(path).num_rows == len(found)
    return found


def in_order(rows: Iterable[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: (row[0].encode(), row[1].encode()))


def kind_of(value: object) -> str | None:
    """The kind of a value; None of one that is missing."""
    match value:
        case None:
            return None
        case bool():
            return "boolean"
        case int() | float() | Decimal():
            return "number" if value == value else None
        case str():
            return "string"
        case datetime():
            return "timestamp"
        case _:
            raise TypeError


def of_one_kind(values: Iterable[object]) -> tuple[str | None, int]:
    """The kind that most values have, of two that as many have the one named first, and how many have another."""
    kinds = Counter(kind for kind in map(kind_of, values) if kind is not None)
    if not kinds:
        return None, 0
    kind = max(kinds, key=lambda each: (kinds[each], -KINDS.index(each)))
    return kind, kinds.total() - kinds[kind]


def asked_of(rows: Sequence[Row], ask: Ask) -> tuple[dict[Row, Any], int]:
    """The value of each row, None for one of another kind than most, and how many of these there are."""
    values = {row: ask(row) for row in rows}
    kind, others = of_one_kind(values.values())
    return {row: value if kind_of(value) == kind else None for row, value in values.items()}, others


def compared(one: Any, other: Any) -> int:
    return int(one > other) - int(one < other)


def by_value(values: Mapping[Any, Any], *, highest: bool) -> Callable[[Any, Any], int]:
    """Compares rows, or pairs, by values of one kind, missing ones last."""

    def which(one: object, other: object) -> int:
        a, b = values[one], values[other]
        if a is None or b is None:
            return int(a is None) - int(b is None)
        return compared(b, a) if highest else compared(a, b)

    return which


def ordered(rows: Iterable[Row], keys: Sequence[Callable[[Row, Row], int]]) -> list[Row]:
    """The rows by each of the keys, then in order."""
    found = in_order(rows)
    for key in reversed(keys):
        found.sort(key=cmp_to_key(key))
    return found


def lot(seed: bytes, person: str) -> bytes:
    return blake2b(seed + person.encode()).digest()[:8]


def by_filled(values: Mapping[Any, Any]) -> Callable[[Any, Any], int]:
    """Compares by whether there is a value that is no empty text."""
    return lambda one, other: (values[one] in (None, "")) - (values[other] in (None, ""))


def by_preference(values: Mapping[Any, Any], choices: Sequence[object]) -> Callable[[Any, Any], int]:
    """Compares by the place among these."""

    def place(key: object) -> int:
        value = values[key]
        alike = [kind_of(value) == kind_of(choice) and value == choice for choice in choices]
        return alike.index(True) if True in alike else len(choices)

    return lambda one, other: place(one) - place(other)


def by_lot(seed: bytes) -> Callable[[Row, Row], int]:
    return lambda one, other: compared(lot(seed, one[0]), lot(seed, other[0]))


Place: TypeAlias = tuple[int, Row]
"""A row of a set by the set's place."""


@dataclass
class Equals:
    """Which rows of several sets are equal: the group of each row, None for one that equals none."""

    groups: dict[Place, Any]
    noted: int


def equals(sets: Sequence[PlainSet], by: Sequence[Sequence[Ask | None]]) -> Equals:
    """`by` is for each set what is asked of its rows, None for the person."""
    groups: dict[Place, tuple[object, ...] | None] = {
        (place, row): () for place, each in enumerate(sets) for row in each.rows
    }
    noted = 0
    for number in range(len(by[0])):
        asked = [each[number] for each in by]
        values: dict[Place, Any] = {}
        for place, row in groups:
            ask = asked[place]
            values[place, row] = row[0] if ask is None else ask(row)
        kind, others = of_one_kind(values.values())
        noted += others
        for key, value in values.items():
            known = groups[key]
            filled = value is not None and value != "" and kind_of(value) == kind
            groups[key] = (*known, value) if known is not None and filled else None
    return Equals(groups, noted)


def dedupe(
    source: PlainSet, by: Sequence[Ask | None], keep: int, order: Sequence[Callable[[Row, Row], int]]
) -> list[Row]:
    """The rows that stay."""
    groups = equals([source], [by]).groups
    kept: dict[Any, list[Row]] = {}
    for row in ordered(source.rows, order):
        group = groups[0, row]
        kept.setdefault(row if group is None else ("group", group), []).append(row)
    return [row for rows in kept.values() for row in rows[:keep]]


@dataclass
class PlainSubset:
    when: Ask | None
    order: Sequence[Callable[[Row, Row], int]]
    limit: int | None
    share: Decimal | None


def split(source: PlainSet, subsets: Sequence[PlainSubset], *, overlap: bool) -> list[list[Row]]:
    """The rows of each subset, and those that none took."""
    taken: set[Row] = set()
    parts = []
    for each in subsets:
        is_rest = each.when is None and each.limit is None and each.share is None
        left = [row for row in source.rows if (overlap and not is_rest) or row not in taken]
        wanted = [row for row in left if each.when is None or each.when(row) is True]
        limit = each.limit if each.share is None else int(len(source.rows) * Fraction(each.share) / 100)
        parts.append(ordered(wanted, each.order)[:limit])
        taken |= {*parts[-1]}
    return [*parts, [row for row in source.rows if row not in taken]]


def share(source: PlainSet, shares: Sequence[Fraction], seed: bytes) -> list[list[Row]]:
    """The rows of each part; shares are of 1."""
    exact = [len(source.rows) * each for each in shares]
    sizes = [int(each) for each in exact]
    while sum(sizes) < len(source.rows):
        left = [whole - size for whole, size in zip(exact, sizes, strict=True)]
        sizes[left.index(max(left))] += 1
    rows = ordered(source.rows, [by_lot(seed)])
    return [rows[sum(sizes[:place]) : sum(sizes[: place + 1])] for place in range(len(sizes))]


def _filled(sets: Sequence[PlainSet], places: Sequence[Place]) -> dict[str, Any]:
    """The columns of the first of these rows, one of each set, with what it lacks from the next that has it."""
    names = dict.fromkeys(name for each in sets for name in each.types)
    return {
        name: next(
            (value for place, row in places if (value := sets[place].rows[row].get(name)) is not None),
            None,
        )
        for name in names
    }


def union(sets: Sequence[PlainSet], by: Sequence[Sequence[Ask | None]]) -> tuple[dict[Row, dict[str, Any]], int, int]:
    """The rows, how many are double, and how many values count as missing."""
    found = equals(sets, by)
    firsts: dict[Any, dict[int, Row]] = {}
    for place, each in enumerate(sets):
        for row in in_order(each.rows):
            group = found.groups[place, row]
            firsts.setdefault((place, row) if group is None else ("group", group), {}).setdefault(place, row)
    by_person = all(each is None for each in by[0])
    rows = {}
    for members in firsts.values():
        places = sorted(members.items())
        place, (person, key) = places[0]
        rows[person, key if by_person else f"{place + 1:04} {key}"] = _filled(sets, places)
    return rows, sum(len(each.rows) for each in sets) - len(rows), found.noted


def intersect(
    sets: Sequence[PlainSet], by: Sequence[Sequence[Ask | None]]
) -> tuple[dict[Row, dict[str, Any]], dict[Row, dict[str, Any]]]:
    """The rows of the first set that are in all others, and its other ones."""
    groups = equals(sets, by).groups
    main, rest = {}, {}
    for row in in_order(sets[0].rows):
        group = groups[0, row]
        places = [(0, row)]
        for place in range(1, len(sets)):
            equal = [each for each in in_order(sets[place].rows) if group is not None and groups[place, each] == group]
            places += [(place, each) for each in equal[:1]]
        if len(places) == len(sets):
            main[row] = _filled(sets, places)
        else:
            rest[row] = {**dict.fromkeys(_filled(sets, [])), **sets[0].rows[row]}
    return main, rest


def exclude(
    sets: Sequence[PlainSet], by: Sequence[Sequence[Ask | None]]
) -> tuple[dict[Row, dict[str, Any]], dict[Row, dict[str, Any]]]:
    """The rows of the first set that are in none of the others, and its other ones."""
    groups = equals(sets, by).groups
    elsewhere = {group for (place, _), group in groups.items() if place > 0 and group is not None}
    rest = {row: values for row, values in sets[0].rows.items() if groups[0, row] in elsewhere}
    return {row: values for row, values in sets[0].rows.items() if row not in rest}, rest


Pair: TypeAlias = tuple[str, int]
"""A person and the number of a row of a table that is linked to her."""


@dataclass
class PlainTable:
    """The rows of a table, the first of which has number 1, and whose they are."""

    cells: list[dict[str, Any]]
    types: dict[str, Any]
    links: list[Pair]

    def write(self, folder: Path) -> tuple[Path, Path]:
        """The snapshot and the links."""
        folder.mkdir(parents=True, exist_ok=True)
        numbers = range(1, len(self.cells) + 1)
        columns = {
            "row_number": pa.array(numbers, pa.int64()),
            "file": pa.array(["t.csv"] * len(numbers), pa.string()),
            "line": pa.array([number + 1 for number in numbers], pa.int64()),
            "row_key": pa.array([f"t.csv {number + 1:012}" for number in numbers], pa.string()),
            "cells": pa.array(self.cells, pa.struct([*self.types.items()])),
        }
        pq.write_table(pa.table(columns), folder / "table.parquet")
        links = sorted(self.links, key=lambda pair: (pair[0].encode(), pair[1]))
        named = {"person": pa.array([person for person, _ in links], pa.string())}
        named["row_number"] = pa.array([number for _, number in links], pa.int64())
        pq.write_table(pa.table(named), folder / "links.parquet")
        return folder / "table.parquet", folder / "links.parquet"

    def of(self, people: Iterable[str], where: Callable[[Pair], bool]) -> dict[str, list[int]]:
        """The numbers of the rows of these people that meet a condition; no entry for whom there is none."""
        found: dict[str, list[int]] = {}
        for person, number in sorted(self.links, key=lambda pair: pair[1]):
            if person in people and where((person, number)):
                found.setdefault(person, []).append(number)
        return found


def taken(
    table: PlainTable, rows: Mapping[str, list[int]], order: Sequence[Callable[[Pair, Pair], int]], columns: list[str]
) -> dict[str, list[dict[str, Any]]]:
    """All rows of each person as objects, in an order."""
    found = {}
    for person, numbers in rows.items():
        pairs = [(person, number) for number in numbers]
        for key in reversed(order):
            pairs.sort(key=cmp_to_key(key))
        found[person] = [{name: table.cells[number - 1][name] for name in columns} for _, number in pairs]
    return found


def aggregated(function: str, values: Sequence[Any]) -> Any:
    """What a function says of the values of a person in the order of her rows, of which None is missing."""
    there = [value for value in values if value is not None and value == value]
    if function == "count":
        return len(there)
    if not there:
        return None
    if function in ("min", "max"):
        key = {"key": str.encode} if isinstance(there[0], str) else {}
        return min(there, **key) if function == "min" else max(there, **key)
    total = there[0]
    with localcontext(prec=100):
        for value in there[1:]:
            total += value
    return total if function == "sum" else float(total) / len(there)
