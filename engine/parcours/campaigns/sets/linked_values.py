"""What expressions of an enrichment give for the rows of its table: those that are linked to anybody in the set.

What is a column and nothing else is asked of nobody. What reads the row alone is evaluated once for each row, and what
reads the person as well once for each row of each person.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

import pyarrow as pa

from parcours.campaigns.sets.database import Database, copy_rows, identifier, opened_database, rows_in
from parcours.campaigns.sets.engine import AskedOfRows, RowValues, TableColumn
from parcours.campaigns.sets.evaluated import Rows, cells_of, condition_of, path_of, value_of, write_given
from parcours.campaigns.sets.native import native_column
from parcours.campaigns.sets.set_values import Evaluation
from parcours.journey.set_expressions import SetExpression

Form: TypeAlias = Literal["condition", "compared", "chosen", "extreme", "added", "counted"]
"""What an expression is asked for: whether it holds, to order by it, to look for it among given values, to take the
least or the greatest, to add it up, or to count where it has a value.
"""

_NUMBERED: Final[Mapping[str, Any]] = {"row_number": pa.int64()}
_PAIRED: Final[Mapping[str, Any]] = {"person": pa.string(), "row_number": pa.int64()}


@dataclass(frozen=True, slots=True)
class LinkedRows:
    """The rows of a table that are linked to anybody in a set.

    source, links, table  the files of the set, of the links, and of the snapshot
    """

    source: Path
    links: Path
    table: Path

    @property
    def pairs(self) -> str:
        """Those links, as a table in SQL."""
        links, taken = f"{rows_in(self.links)} AS links", f"{rows_in(self.source)} AS taken"
        return f"(SELECT person, row_number FROM {links} SEMI JOIN {taken} USING (person))"


@dataclass(frozen=True, slots=True)
class LinkedValues:
    """What was asked, by form and text. `noted`: what is missing for being of another kind, by text."""

    found: dict[tuple[Form, str], AskedOfRows] = field(default_factory=dict)
    noted: dict[str, int] = field(default_factory=dict)

    def of(self, form: Form, expression: SetExpression) -> AskedOfRows:
        return self.found[form, expression.text]

    def texts(self) -> dict[str, str]:
        """The texts of what was evaluated, by the columns that have it."""
        return {given.column: text for (_, text), given in self.found.items() if isinstance(given, RowValues)}


_Asked: TypeAlias = tuple[Form, SetExpression]


def linked_values(linked: LinkedRows, name: str, asked: Sequence[_Asked], evaluation: Evaluation) -> LinkedValues:
    """Evaluate what an enrichment asks; `name` is that of its files in the evaluation's folder.

    Raises StoreBroken, and OSError.
    """
    values, left = LinkedValues(), list[_Asked]()
    for form, expression in dict.fromkeys(asked):
        named = path_of(expression)
        if named is not None and len(named) == 1 and form != "chosen":
            values.found[form, expression.text] = TableColumn(named[0])
        else:
            left.append((form, expression))
    told = [each for each in left if each[1].basis == "profile"]
    of_pairs = [each for each in left if each[1].basis == "both" or each[1].reads_run]
    of_rows = [each for each in left if each not in told and each not in of_pairs]
    with opened_database(evaluation.workspace) as database:
        for part, kind in ((told, "told"), (of_pairs, "pairs"), (of_rows, "rows")):
            if part:
                path = evaluation.folder / f"{name}.{kind}.parquet"
                names = [f"{name}_{kind}{number}" for number in range(len(part))]
                _write(database, linked, dict(zip(names, part, strict=True)), path, evaluation, kind)
                for column, (form, expression) in zip(names, part, strict=True):
                    given = RowValues(path, column, by_person=kind != "rows")
                    values.found[form, expression.text] = _in_form(database, given, form, expression, values.noted)
    return values


def _write(
    database: Database,
    linked: LinkedRows,
    asked: Mapping[str, _Asked],
    path: Path,
    evaluation: Evaluation,
    kind: str,
) -> None:
    """Write the columns of `asked`, by name."""
    if kind == "told":
        copy_rows(database, _told(linked, asked, evaluation), path, lasting=False)
        return
    given = [
        condition_of(name, expression) if form == "condition" else value_of(name, expression)
        for name, (form, expression) in asked.items()
    ]
    expressions = [expression for _, expression in asked.values()]
    rows = _rows(linked, expressions) if kind == "rows" else _pairs(linked, expressions, evaluation)
    write_given(database, rows, given, evaluation.scopes, path)


def _told(linked: LinkedRows, asked: Mapping[str, _Asked], evaluation: Evaluation) -> str:
    """What shards gave for the people of the pairs."""
    people = evaluation.told_people()
    columns = "".join(
        f", people.{(people.condition(each) if form == 'condition' else people.value(each)).column} AS {name}"
        for name, (form, each) in asked.items()
    )
    return f"SELECT person, row_number{columns} FROM {linked.pairs} JOIN {people.rows} AS people USING (person)"


def _rows(linked: LinkedRows, expressions: Sequence[SetExpression]) -> Rows:
    cells = {name for each in expressions for name in each.row}
    selected = f", {cells_of(cells, 'copied.cells')} AS cells" if cells else ""
    linked_ones = f"{rows_in(linked.table)} AS copied SEMI JOIN {linked.pairs} USING (row_number)"
    return Rows(f"SELECT row_number{selected} FROM {linked_ones}", _NUMBERED, cells=bool(cells), tells=False)


def _pairs(linked: LinkedRows, expressions: Sequence[SetExpression], evaluation: Evaluation) -> Rows:
    cells = {name for each in expressions for name in each.row}
    tells = any(each.basis == "both" for each in expressions)
    selected = ["pairs.person", "pairs.row_number"]
    selected += ["people.told"] if tells else []
    selected += [f"{cells_of(cells, 'copied.cells')} AS cells"] if cells else []
    query = (
        f"SELECT {', '.join(selected)} FROM {linked.pairs} AS pairs JOIN {rows_in(linked.table)} AS copied"
        " USING (row_number)"
    )
    if tells:
        query += f" LEFT JOIN {evaluation.told_people().rows} AS people ON people.person = pairs.person"
    return Rows(query, _PAIRED, cells=bool(cells), tells=tells)


def _in_form(
    database: Database,
    given: RowValues,
    form: Form,
    expression: SetExpression,
    noted: dict[str, int],
) -> RowValues:
    """The column as the engine wants it: what is aggregated is of a type of its own."""
    if form not in ("extreme", "added", "counted"):
        return given
    column = f"given.{identifier(given.column)}"
    rows = f"{rows_in(given.file)} AS given"
    if form == "counted":
        told = f"CASE WHEN {column} IS NOT NULL THEN true END"
    else:
        native = native_column(database, rows, column, "number" if form == "added" else None)
        told = native.column
        if native.others:
            noted[expression.text] = native.others
    keys = "person, row_number" if given.by_person else "row_number"
    path = given.file.with_name(f"{given.column}.parquet")
    copy_rows(database, f"SELECT {keys}, {told} AS {identifier(given.column)} FROM {rows}", path, lasting=False)
    return RowValues(path, given.column, given.by_person)
