"""What does each step give that makes a set of others? One function for each kind, at the step's instant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

from tests.model.campaigns import sets
from tests.model.campaigns.crowd import Crowd
from tests.model.campaigns.people import Document, Person
from tests.model.campaigns.sets import PERSON, Lot, PeopleSet, SetRow
from tests.model.campaigns.tables import Table, TableRow
from tests.model.campaigns.terms import Scope, Term, Value

AGGREGATES = ("count", "sum", "avg", "min", "max")


@dataclass(frozen=True)
class Asked:
    """A step, and all that it may look at."""

    step: Document
    now_ms: int
    began_ms: int
    lot: Lot
    crowd: Crowd
    tables: dict[str, Table]

    def scope(self, person: Person | None, row: dict[str, Value] | None = None) -> Scope:
        return Scope(self.now_ms, self.lot.run, self.began_ms, person, row)

    def scoped(self, row: SetRow) -> Scope:
        return self.scope(self.crowd.people[row.person], row.columns)


@dataclass(frozen=True)
class Found:
    """`created` are people whom a read makes known."""

    outputs: dict[str, PeopleSet]
    inflow: int
    dropped: dict[str, int] = field(default_factory=dict)
    created: list[str] = field(default_factory=list)


KINDS = (
    "read", "filter", "dedupe", "split", "union", "intersect", "exclude", "enrich", "save", "update", "export", "wait",
    "test", "reacted", "send",
)  # fmt: skip


def kind_of_step(step: Document) -> str:
    return next(kind for kind in KINDS if kind in step)


def outputs_of(step: Document) -> list[str]:
    """The outputs of any step, in the order of their lines."""
    if "split" in step:
        split = step["split"]
        if isinstance(split, list):
            return [*(each["name"] for each in split), "rest"]
        return list(split["even"] if "even" in split else split["parts"])
    if "test" in step:
        return [arm["otherwise"] if "otherwise" in arm else arm["name"] for arm in step["test"]]
    if "send" in step:
        return ["main", "refused"]
    if step.keys() & {"filter", "dedupe", "intersect", "exclude", "enrich", "reacted"}:
        return ["main", "rest"]
    return ["main"]


def make(asked: Asked, taken: Sequence[PeopleSet]) -> Found:
    step = asked.step
    if "read" in step:
        return _read(asked)
    inflow = sum(len(each.rows) for each in taken) if "union" in step else len(taken[0].rows)
    if "union" in step:
        united, double = sets.union(taken, _by(step), asked.scoped)
        return Found({"main": united}, inflow, {"double": double})
    if "intersect" in step:
        both, rest = sets.intersect(taken, _by(step), asked.scoped)
        return Found({"main": both, "rest": taken[0].of(rest)}, inflow)
    if "enrich" in step:
        return _enrich(asked, taken[0])
    if "split" in step:
        found = _split(asked, taken[0])
        return Found({name: taken[0].of(rows) for name, rows in found.items()}, inflow)
    first = taken[0]
    if "filter" in step:
        kept = [row for row in first.rows if step["filter"].holds(asked.scoped(row))]
        rest = first.without(kept)
    elif "dedupe" in step:
        dedupe = step["dedupe"]
        order = dedupe.get("order", [])
        kept, rest = sets.dedupe(first, dedupe["by"], dedupe.get("keep", 1), order, asked.scoped, asked.lot)
        if dedupe["by"] == [PERSON] and dedupe.get("keep", 1) == 1:
            kept = [replace(row, key=b"") for row in kept]
    else:
        kept, rest = sets.exclude(first, taken[1:], _by(step), asked.scoped)
    return Found({"main": first.of(kept), "rest": first.of(rest)}, inflow)


def _by(step: Document) -> list[Any]:
    by = step.get("by", PERSON)
    return [PERSON] if by == PERSON else by


def _split(asked: Asked, taken: PeopleSet) -> dict[str, list[SetRow]]:
    split = asked.step["split"]
    if isinstance(split, list):
        return sets.subsets(taken, split, asked.step.get("overlap", False), asked.scoped, asked.lot)
    if "even" in split:
        shares = {name: Fraction(1, len(split["even"])) for name in split["even"]}
    else:
        shares = {name: Fraction(share.removesuffix("%")) / 100 for name, share in split["parts"].items()}
    return sets.parts(taken, shares, asked.lot)


def _read(asked: Asked) -> Found:
    read = asked.step["read"]
    dropped: dict[str, int] = {}
    created: list[str] = []
    if isinstance(read, dict) and "table" in read:
        found, unknown, created = _read_table(asked, read)
        dropped = {"unknown_person": unknown}
    else:
        found = PeopleSet([SetRow(person.name) for person in asked.crowd.known() if _is_read(asked, read, person)])
    inflow = len(found.rows) + sum(dropped.values())
    if asked.step.get("new"):
        seen = asked.crowd.taken_before.setdefault((asked.lot.campaign, asked.step["id"]), set())
        fresh = [row for row in found.rows if (row.person, row.key) not in seen]
        seen.update((row.person, row.key) for row in fresh)
        inflow -= len(found.rows) - len(fresh)
        found = found.of(fresh)
    return Found({"main": found}, inflow, dropped, created)


def _is_read(asked: Asked, read: Any, person: Person) -> bool:
    if isinstance(read, dict):
        return bool(read["where"].holds(asked.scope(person)))
    return person.is_in(read, asked.now_ms)


def _read_table(asked: Asked, read: Document) -> tuple[PeopleSet, int, list[str]]:
    """The rows of a table with the people whom they are linked to, how many are nobody's, and who is made known."""
    table, people = asked.tables[read["table"]], asked.crowd.known()
    rows, unknown = [], 0
    created: list[str] = []
    for each in table.rows:
        owners: list[Person | None] = [person for person in people if table.is_of(each, person.name, person)]
        for owner in owners or [None]:
            if "where" in read and not read["where"].holds(asked.scope(owner, each.cells)):
                continue
            name = owner.name if owner is not None else _created(table, each, read)
            if name is None:
                unknown += 1
                continue
            if owner is None:
                created.append(name)
            rows.append(SetRow(name, table.key_of(each), dict(each.cells)))
    return PeopleSet(sets.in_order(rows), tuple(table.columns)), unknown, created


def _created(table: Table, row: TableRow, read: Document) -> str | None:
    """The id under which somebody is made known of whom only this row tells."""
    if read.get("unknown") != "create":
        return None
    value = table.owner_of(row)
    return value if isinstance(value, str) and value else None


def _enrich(asked: Asked, taken: PeopleSet) -> Found:
    people = list(dict.fromkeys(row.person for row in taken.rows))
    enrichments: Document = asked.step["enrich"]
    linked = {name: _linked(asked, enrichment, people) for name, enrichment in enrichments.items()}
    columns = {name: _column(asked, enrichments[name], linked[name], people) for name in enrichments}
    rows: list[SetRow] = []
    rest: list[SetRow] = []
    for row in taken.rows:
        lacks = [
            name
            for name, enrichment in enrichments.items()
            if enrichment.get("required") and not linked[name][row.person]
        ]
        more = {name: columns[name][row.person] for name in enrichments}
        (rest if lacks else rows).append(replace(row, columns={**row.columns, **more}))
    names = (*taken.columns, *enrichments)
    return Found({"main": PeopleSet(rows, names), "rest": PeopleSet(rest, names)}, len(taken.rows))


@dataclass(frozen=True)
class Pair:
    """A row of a table, and what is seen of it and of the person to whom it is linked."""

    row: TableRow
    scope: Scope


def _linked(asked: Asked, enrichment: Document, people: Sequence[str]) -> dict[str, list[Pair]]:
    """The rows of each person that count, in the order of their keys."""
    table, where = asked.tables[enrichment["table"]], enrichment.get("where")
    found: dict[str, list[Pair]] = {}
    for name in people:
        person = asked.crowd.people[name]
        scopes = [(row, asked.scope(person, row.cells)) for row in table.rows_of(name, person)]
        found[name] = [Pair(row, scope) for row, scope in scopes if where is None or where.holds(scope)]
    return found


def _column(
    asked: Asked, enrichment: Document, linked: dict[str, list[Pair]], people: Sequence[str]
) -> dict[str, Value]:
    """What the rows of each person give."""
    table = asked.tables[enrichment["table"]]
    if "take" in enrichment:
        return _taken(table, enrichment, linked)
    kind = next(each for each in AGGREGATES if each in enrichment)
    pairs = [(name, pair) for name in people for pair in linked[name]]
    values = [_value(table, enrichment[kind], pair.row, pair.scope) for _, pair in pairs]
    if kind in ("min", "max"):
        values = sets.of_one_kind(values)
    elif kind != "count":
        values = [value if is_number(value) else None for value in values]
    of_people: dict[str, list[Value]] = {name: [] for name in people}
    for (name, _), value in zip(pairs, values, strict=True):
        if value is not None:
            of_people[name].append(value)
    return {name: _aggregated(kind, found) for name, found in of_people.items()}


def _taken(table: Table, enrichment: Document, linked: dict[str, list[Pair]]) -> dict[str, Value]:
    """The first rows of each person, as objects."""
    pairs = {
        id(as_row): (as_row, pair)
        for name, found in linked.items()
        for pair in found
        for as_row in [SetRow(name, table.key_of(pair.row), pair.row.cells)]
    }
    rows = [as_row for as_row, _ in pairs.values()]
    in_order = sets.ordered(rows, enrichment.get("order", []), lambda row: pairs[id(row)][1].scope, None)
    names = enrichment.get("columns", list(table.columns))
    objects: dict[str, list[Value]] = {name: [] for name in linked}
    for row in in_order:
        objects[row.person].append({name: row.columns[name] for name in names})
    if enrichment["take"] == "first":
        return {name: found[0] if found else None for name, found in objects.items()}
    return {name: found[: enrichment["take"]] for name, found in objects.items()}


def _aggregated(kind: str, values: list[Value]) -> Value:
    if kind == "count":
        return len(values)
    if not values:
        return None
    if kind in ("min", "max"):
        return min(values) if kind == "min" else max(values)
    total = sets.added_up(values)
    return total if kind == "sum" else float(total) / len(values)


def is_number(value: Value) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def _value(table: Table, term: Term, row: TableRow, scope: Scope) -> Value:
    """What is added up: a column of money as it is, an expression as it is seen."""
    name = term.text.removeprefix("row.")
    return row.cells[name] if name in table.columns else term.of(scope)
