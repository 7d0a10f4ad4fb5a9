"""What is in a table, and whose are its rows? Cells that fit their types, and links to people."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from tests.model.campaigns.terms import Known, Scope, Term, Value
from tests.model.reference.expression import kind_of


@dataclass(frozen=True)
class TableRow:
    """One row: where it stands, as (file, line), and its cells, None for what is missing or does not fit."""

    place: tuple[str, int]
    cells: dict[str, Value]


@dataclass(frozen=True)
class Table:
    """
    columns  the declared types by name
    owner    whose row it is, from the row; None where a condition links
    match    `userId`, or the name of a trait
    key      what tells the rows of a person apart; its place without it
    """

    name: str
    columns: dict[str, str]
    rows: list[TableRow]
    owner: Term | None = None
    match: str = "userId"
    fold: bool = False
    join: Term | None = None
    many: bool = False
    key: tuple[Term, ...] = ()

    def key_of(self, row: TableRow) -> bytes:
        """By what rows of one person are told apart, and in which order they are, as bytes."""
        if not self.many:
            return b""
        if not self.key:
            file, line = row.place
            return f"{file}\0{line:09}".encode()
        return json.dumps([each.of(Scope(0, row=row.cells)) for each in self.key]).encode()

    def owner_of(self, row: TableRow) -> Value:
        assert self.owner is not None, f"{self.name} is linked by a condition"
        return self.owner.of(Scope(0, row=row.cells))

    def is_of(self, row: TableRow, name: str, person: Known) -> bool:
        """Whether the row is linked to a person of this name."""
        if self.join is not None:
            return self.join.holds(Scope(0, person=person, row=row.cells))
        value = self.owner_of(row)
        known = name if self.match == "userId" else person.traits.get(self.match)
        if value is None or known is None:
            return False
        left, right = self._compared(value), self._compared(known)
        return kind_of(left) == kind_of(right) and bool(left == right)

    def _compared(self, value: Value) -> Value:
        return value.strip().casefold() if self.fold and isinstance(value, str) else value

    def rows_of(self, name: str, person: Known) -> list[TableRow]:
        """The rows of one person, in the order of their keys."""
        return self.in_order([row for row in self.rows if self.is_of(row, name, person)])

    def in_order(self, rows: Sequence[TableRow]) -> list[TableRow]:
        return sorted(rows, key=lambda row: (self.key_of(row), row.place))
