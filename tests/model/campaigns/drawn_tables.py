"""Which tables does a case have? Columns of every type, rows of people, of nobody, and of several, and their files."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from tests.model.campaigns import terms
from tests.model.campaigns.chance import CITIES, CODES, Chance, Column
from tests.model.campaigns.tables import Table, TableRow
from tests.model.campaigns.terms import Term
from tests.model.reference.expression import Instant
from tests.model.reference.times import parse_instant, to_text

Cells = dict[str, Any]
ROWS_WITH_BAD_CELLS = 130  # one bad cell among more than a hundred is less than a hundredth
KINDS = {"string": "string", "integer": "number", "number": "number", "boolean": "boolean", "timestamp": "timestamp"}
BAD = {"integer": "many", "number": "1,5", "boolean": "maybe", "timestamp": "soon", "date": "2026-13-45"}


def kind_of_type(declared: str) -> str:
    """The kind of a column in expressions."""
    return "number" if declared.startswith("decimal") else KINDS.get(declared, "string")


def columns_of(table: Table) -> dict[str, Column]:
    return {name: Column(kind_of_type(declared)) for name, declared in table.columns.items()}


def counted(table: Table) -> tuple[Table, dict[str, Any]]:
    """A table by a query: how many rows each owner has in another one, as written there."""
    owner = f"{table.name}_owner"
    of_owners = Counter(row.cells[owner] for row in table.rows if row.cells[owner] is not None)
    rows = [TableRow(("s", number), {"s_owner": name, "s_n": n}) for number, (name, n) in enumerate(of_owners.items())]
    columns = {"s_owner": "string", "s_n": "integer"}
    query = f"select {owner} as s_owner, count(*) as s_n from {table.name} where {owner} is not null group by 1"
    document = {"sql": query, "columns": columns, "person": "row.s_owner", "match": table.match}
    return Table("s", columns, rows, terms.column("s_owner", "string"), table.match), document


class TableDrawing:
    """Draws one table; `number` makes its columns' names differ from those of others."""

    def __init__(self, chance: Chance, number: int, names: Sequence[str], emails: Sequence[str]) -> None:
        self.chance, self.name, self.names, self.emails = chance, f"t{number}", names, emails
        self.owner, self.key = f"{self.name}_owner", f"{self.name}_key"
        self.columns = {self.owner: "string", self.key: chance.pick(("string", "integer"))}
        types = ("string", "integer", "number", "decimal(2)", "boolean", "timestamp", "date", "decimal(0)")
        for place, declared in enumerate(chance.some(types, 3, 6)):
            self.columns[f"{self.name}_c{place}"] = declared
        self.link = chance.either("table", "user", "user", "email", "code", "join")
        self.many = chance.maybe(0.7)
        self.fold = self.link in ("email", "code") and chance.maybe(0.5)
        self.has_key = self.many and chance.maybe(0.5)
        self.format = chance.either("table", "csv", "ndjson")
        self.files = 2 if chance.maybe(0.3) else 1
        self.packed = chance.maybe(0.15)

    def drawn(self) -> tuple[Table, dict[str, Any], dict[str, bytes]]:
        """The table, its document, and its files."""
        chance = self.chance
        for name, holds in (("many", self.many), ("single", not self.many), ("fold", self.fold), ("key", self.has_key)):
            if holds:
                chance.kind(f"table.{name}")
        rows = [self._cells(number, owner) for number, owner in enumerate(self._owners())]
        bad = self._bad(rows)
        placed, files = self._written(rows, bad)
        city = f"{self.name}_owner"
        join = terms.compared(terms.column(city, "string"), "==", terms.trait("city", "string"))
        owner = None if self.link == "join" else terms.column(self.owner, "string")
        match = {"user": "userId"}.get(self.link, self.link)
        key = (terms.column(self.key, kind_of_type(self.columns[self.key])),) if self.has_key else ()
        table = Table(
            self.name, self.columns, placed, owner, match, self.fold, join if owner is None else None, self.many, key
        )
        return table, self._document(table, list(files)), files

    def _document(self, table: Table, files: list[str]) -> dict[str, Any]:
        document: dict[str, Any] = {"file": files[0], "columns": self.columns}
        if len(files) > 1:
            self.chance.kind("table.glob")
            document["file"] = files[0].replace("-0", "-*")
        if table.join is not None:
            document["join"] = table.join
        else:
            bare = Term(self.owner, table.owner.of, "string") if table.owner and self.chance.maybe(0.5) else table.owner
            document |= {"person": bare, "match": table.match}
        for name, value in (("many", self.many), ("fold", self.fold), ("key", list(table.key))):
            if value:
                document[name] = value
        return document

    def _owners(self) -> list[str | None]:
        chance = self.chance
        if self.link == "join":
            among: list[str] = list(CITIES)
        elif self.link == "user":
            among = [*self.names, "ghost", "Gespenst ß"]
        else:
            among = list(CODES) if self.link == "code" else sorted({*self.emails, "nobody@mail.example"})
        if not self.many:
            return [self._shown(each) for each in chance.some(among)]
        size = chance.pick((0, 10, len(self.names), 2 * len(self.names), ROWS_WITH_BAD_CELLS + 20))
        if self.link == "join":
            size = min(size, 25)
        owners: list[str | None] = [self._shown(chance.pick(among)) for _ in range(size)]
        return [None if chance.maybe(0.02) else owner for owner in owners]

    def _shown(self, owner: str) -> str:
        if not self.fold:
            return owner
        return self.chance.pick((owner, owner.upper(), owner.lower(), f" {owner} "))

    def _cells(self, number: int, owner: str | None) -> Cells:
        cells: Cells = {self.owner: owner}
        cells[self.key] = f"k{number}" if self.columns[self.key] == "string" else number
        for name, declared in self.columns.items():
            if name not in cells:
                cells[name] = None if self.chance.maybe(0.12) else self._cell(declared)
        return cells

    def _cell(self, declared: str) -> Any:
        chance = self.chance
        match declared:
            case "string":
                return chance.pick((*CITIES, "gold", "a, b", 'say "ü"', "x"))
            case "integer":
                return chance.number(-2, 12)
            case "number":
                return chance.pick((0.1, 0.2, 0.3, 1.5, 2.0, 1e17, -4.75, 3.3))
            case "decimal(2)":
                return Decimal(chance.number(-500, 9_999)) / 100
            case "decimal(0)":
                return Decimal(chance.number(0, 30))
            case "boolean":
                return chance.maybe(0.5)
            case "date":
                return f"2026-0{chance.number(1, 9)}-1{chance.number(0, 9)}"
            case _:
                return Instant(parse_instant(chance.timestamp()))

    def _bad(self, rows: list[Cells]) -> dict[tuple[int, str], str]:
        """The cells that do not fit, with what is written there."""
        found: dict[tuple[int, str], str] = {}
        for name, declared in self.columns.items():
            filled = [place for place, row in enumerate(rows) if row[name] is not None]
            if name in (self.owner, self.key) or len(filled) <= 110 or declared not in BAD or self.chance.maybe(0.5):
                continue
            place = self.chance.pick(filled)
            found[place, name], rows[place][name] = BAD[declared], None
            self.chance.kind("table.bad_cell")
        return found

    def _written(self, rows: list[Cells], bad: dict[tuple[int, str], str]) -> tuple[list[TableRow], dict[str, bytes]]:
        placed: list[TableRow] = []
        files: dict[str, bytes] = {}
        half = len(rows) // 2 if self.files == 2 else len(rows)
        for part, numbers in enumerate((range(half), range(half, len(rows)))[: self.files]):
            name = f"data/{self.name}-{part}.{self.format}" + (".gz" if self.packed else "")
            shown = [
                {key: self._text(number, key, rows[number][key], bad) for key in self.columns} for number in numbers
            ]
            content, first_line = (_csv(self.columns, shown), 2) if self.format == "csv" else (_ndjson(shown), 1)
            files[name] = gzip.compress(content, mtime=0) if self.packed else content
            placed += [TableRow((name, first_line + line), rows[number]) for line, number in enumerate(numbers)]
        return placed, files

    def _text(self, number: int, name: str, value: Any, bad: dict[tuple[int, str], str]) -> Any:
        """A cell as its file has it."""
        if (number, name) in bad:
            return bad[number, name]
        if isinstance(value, Instant):
            return to_text(value.ms)
        if isinstance(value, Decimal):
            return str(value) if self.format == "csv" or number % 2 else float(value)
        if self.format == "csv":
            return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
        return value


def _csv(columns: dict[str, str], rows: list[dict[str, Any]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(columns))
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def _ndjson(rows: list[dict[str, Any]]) -> bytes:
    # What is missing is left out or null; some row has every column, for a table has all that it declares.
    shown = [
        {name: value for name, value in row.items() if value is not None or number % 3 == 0}
        for number, row in enumerate(rows)
    ]
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in shown).encode()
