"""What do the operators on sets give? Lists of rows in, lists of rows out, as plainly as can be.

A set is in the order of the person's name, as bytes, then of the row's key. No operator changes a row that it took.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction
from hashlib import blake2b
from typing import Any

from tests.model.campaigns.terms import Scope, Term, Value
from tests.model.reference.expression import kind_of

PERSON = "person"


@dataclass(frozen=True)
class SetRow:
    """`key` tells the rows of one person apart, and is empty where she has one."""

    person: str
    key: bytes = b""
    columns: dict[str, Value] = field(default_factory=dict)

    @property
    def place(self) -> tuple[bytes, bytes]:
        return (self.person.encode(), self.key)


@dataclass(frozen=True)
class PeopleSet:
    rows: list[SetRow]
    columns: tuple[str, ...] = ()

    def of(self, rows: Sequence[SetRow]) -> PeopleSet:
        """Some of its rows."""
        return replace(self, rows=list(rows))

    def without(self, rows: Sequence[SetRow]) -> list[SetRow]:
        taken = {id(row) for row in rows}
        return [row for row in self.rows if id(row) not in taken]


@dataclass(frozen=True)
class Lot:
    """By what chance goes at a step: people in the order of their hashes."""

    campaign: str
    run: int
    step: str

    def drawn(self, person: str) -> bytes:
        text = "\0".join((self.campaign, str(self.run), self.step, person))
        return blake2b(text.encode(), digest_size=64).digest()[:8]


Scoped = Callable[[SetRow], Scope]
"""What an expression sees of a row, at the step's instant."""


def in_order(rows: Sequence[SetRow]) -> list[SetRow]:
    return sorted(rows, key=lambda row: row.place)


def of_one_kind(values: Sequence[Value]) -> list[Value]:
    """The values of a column; one of another kind than most of them is missing."""
    kinds = Counter(kind_of(value) for value in values if value is not None)
    if not kinds:
        return list(values)
    most = max(kinds, key=lambda kind: (kinds[kind], -KINDS_OF_VALUES.index(kind)))
    return [value if kind_of(value) == most else None for value in values]


KINDS_OF_VALUES = ("number", "text", "instant", "boolean", "span", "list", "other")
"""Where two kinds are as many, the one that is named first is the column's."""


def is_empty(value: Value) -> bool:
    return value is None or value == ""


def ordered(rows: Sequence[SetRow], order: Sequence[dict[str, Any]], scoped: Scoped, lot: Lot | None) -> list[SetRow]:
    """Rows by the keys of an order; what they leave equal stays as it was."""
    found = list(rows)
    for key in reversed(order):
        found = _by_key(found, key, scoped, lot)
    return found


def _by_key(rows: list[SetRow], key: dict[str, Any], scoped: Scoped, lot: Lot | None) -> list[SetRow]:
    if "random" in key:
        assert lot is not None, "chance does not choose among the rows of one person"
        return sorted(rows, key=lambda row: lot.drawn(row.person))
    if "filled" in key:
        told = of_one_kind([key["filled"].of(scoped(row)) for row in rows])
        return [row for _, row in sorted(zip(map(is_empty, told), rows, strict=True), key=lambda pair: pair[0])]
    if "prefer" in key:
        return sorted(rows, key=lambda row: _place_among(key["prefer"], key["of"].of(scoped(row))))
    values = of_one_kind([key["by"].of(scoped(row)) for row in rows])
    there = [(value, row) for value, row in zip(values, rows, strict=True) if value is not None]
    missing = [row for value, row in zip(values, rows, strict=True) if value is None]
    falling = "highest" in key or "latest" in key
    return [row for _, row in sorted(there, key=lambda pair: pair[0], reverse=falling)] + missing


def _place_among(preferred: Sequence[Value], value: Value) -> int:
    equal = [kind_of(each) == kind_of(value) and each == value for each in preferred]
    return equal.index(True) if True in equal else len(equal)


def identities(rows: Sequence[SetRow], by: Sequence[Term | str], scoped: Scoped) -> list[Any]:
    """What makes rows equal; a row of which something is missing or empty is equal to no other."""
    columns: list[list[Value]] = []
    for each in by:
        if isinstance(each, Term):
            columns.append(of_one_kind([each.of(scoped(row)) for row in rows]))
        else:
            columns.append([row.person for row in rows])
    found: list[Any] = []
    for values in zip(*columns, strict=True):
        if any(is_empty(value) for value in values):
            found.append(("alone", object()))
        else:
            found.append(tuple((kind_of(value), value) for value in values))
    return found


def dedupe(
    taken: PeopleSet, by: Sequence[Term | str], keep: int, order: Sequence[dict[str, Any]], scoped: Scoped, lot: Lot
) -> tuple[list[SetRow], list[SetRow]]:
    same = dict(zip(map(id, taken.rows), identities(taken.rows, by, scoped), strict=True))
    seen: Counter[Any] = Counter()
    kept = []
    for row in ordered(taken.rows, order, scoped, lot):
        seen[same[id(row)]] += 1
        if seen[same[id(row)]] <= keep:
            kept.append(row)
    return in_order(kept), taken.without(kept)


def subsets(
    taken: PeopleSet, listed: Sequence[dict[str, Any]], overlap: bool, scoped: Scoped, lot: Lot
) -> dict[str, list[SetRow]]:
    """The subsets from the top, and `rest`: who is in none of them."""
    found: dict[str, list[SetRow]] = {}
    in_none = list(taken.rows)
    for subset in listed:
        rows = list(taken.rows) if overlap and "otherwise" not in subset else list(in_none)
        if "when" in subset:
            rows = [row for row in rows if subset["when"].holds(scoped(row))]
        if "limit" in subset:
            rows = ordered(rows, subset.get("order", []), scoped, lot)[: limit_of(subset["limit"], len(taken.rows))]
        chosen = {id(row) for row in rows}
        found[subset["name"]] = in_order(rows)
        in_none = [row for row in in_none if id(row) not in chosen]
    return {**found, "rest": in_none}


def limit_of(limit: int | str, size: int) -> int:
    """How many: a number, or a percentage of what the step took, rounded down."""
    if isinstance(limit, int):
        return limit
    return int(Fraction(limit.removesuffix("%")) * size / 100)


def part_sizes(size: int, shares: Sequence[Fraction]) -> list[int]:
    """Exact sizes: each share rounded down, and what is left to the largest fractions, of equal ones to the first."""
    exact = [share * size for share in shares]
    sizes = [int(each) for each in exact]
    places = sorted(range(len(shares)), key=lambda place: sizes[place] - exact[place])
    for place in places[: size - sum(sizes)]:
        sizes[place] += 1
    return sizes


def parts(taken: PeopleSet, shares: dict[str, Fraction], lot: Lot) -> dict[str, list[SetRow]]:
    at_random = sorted(taken.rows, key=lambda row: lot.drawn(row.person))
    found, start = {}, 0
    for name, size in zip(shares, part_sizes(len(at_random), list(shares.values())), strict=True):
        found[name] = in_order(at_random[start : start + size])
        start += size
    return found


def union(taken: Sequence[PeopleSet], by: Sequence[Term | str], scoped: Scoped) -> tuple[PeopleSet, int]:
    """All of several sets, and how many rows were there twice."""
    same = _identities_of_each(taken, by, scoped)
    of_people = list(by) == [PERSON]
    kept: dict[Any, SetRow] = {}
    last_set: dict[Any, int] = {}
    for place, (each, identities_of_rows) in enumerate(zip(taken, same, strict=True)):
        for row, identity in zip(each.rows, identities_of_rows, strict=True):
            if identity not in kept:
                # By values the same row may come twice, from two sets.
                kept[identity] = replace(row, key=row.key if of_people else f"{place + 1:04} ".encode() + row.key)
            elif last_set[identity] != place:
                kept[identity] = _completed(kept[identity], row)
            last_set[identity] = place
    rows = in_order(list(kept.values()))
    return PeopleSet(rows, _columns_of(taken)), sum(len(each.rows) for each in taken) - len(rows)


def _completed(row: SetRow, other: SetRow) -> SetRow:
    """The row with what it lacks and the other one has."""
    columns = dict(row.columns)
    for name, value in other.columns.items():
        if columns.get(name) is None:
            columns[name] = value
    return replace(row, columns=columns)


def _columns_of(taken: Sequence[PeopleSet]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for each in taken for name in each.columns))


def intersect(taken: Sequence[PeopleSet], by: Sequence[Term | str], scoped: Scoped) -> tuple[PeopleSet, list[SetRow]]:
    """The rows of the first set that are in all the others as well, with the columns of those; and its others."""
    first, *others = taken
    same_first, *same_others = _identities_of_each(taken, by, scoped)
    kept, rest = [], []
    for taken_row, identity in zip(first.rows, same_first, strict=True):
        row = taken_row
        equal = [
            [other for other, same in zip(each.rows, sames, strict=True) if same == identity]
            for each, sames in zip(others, same_others, strict=True)
        ]
        if not all(equal):
            rest.append(taken_row)
            continue
        for rows in equal:
            row = _completed(row, rows[0])
        kept.append(row)
    return PeopleSet(kept, _columns_of(taken)), rest


def exclude(
    taken: PeopleSet, minus: Sequence[PeopleSet], by: Sequence[Term | str], scoped: Scoped
) -> tuple[list[SetRow], list[SetRow]]:
    same_taken, *same_minus = _identities_of_each([taken, *minus], by, scoped)
    away = {same for sames in same_minus for same in sames}
    gone = [row for row, same in zip(taken.rows, same_taken, strict=True) if same in away]
    return taken.without(gone), gone


def _identities_of_each(taken: Sequence[PeopleSet], by: Sequence[Term | str], scoped: Scoped) -> list[list[Any]]:
    """The identities of the rows of each set, over all of which a column goes."""
    same = iter(identities([row for each in taken for row in each.rows], by, scoped))
    return [[next(same) for _ in each.rows] for each in taken]


def added_up(values: Sequence[Value]) -> Value:
    """A sum in the order of the rows: exact of money and whole numbers, of others one after the other."""
    found: Any = Decimal(0) if isinstance(values[0], Decimal) else 0
    for value in values:
        found += value
    return found
