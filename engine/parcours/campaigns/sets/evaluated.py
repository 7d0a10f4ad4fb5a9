"""Expressions over the rows of sets and tables: read batch by batch, with what shards told of whose rows they are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import duckdb
import pyarrow as pa

from parcours.campaigns.row_values import row_value
from parcours.campaigns.sets.database import identifier
from parcours.campaigns.sets.row_groups import opened_row_groups
from parcours.campaigns.sets.valued import condition_column, valued_column
from parcours.campaigns.sets.values import VALUE
from parcours.campaigns.sets.whole_file import whole_file
from parcours.campaigns.told_scope import ToldScopes
from parcours.core.columns import PersonColumns, read_columns
from parcours.expression.expression import ExpressionError, Scope
from parcours.expression.nodes import ROW
from parcours.expression.nodes import Path as NamedPath
from parcours.expression.rows import with_rows
from parcours.expression.trees import Trees
from parcours.journey.set_expressions import SetExpression

BATCH_ROWS: Final = 10_000
"""Rows that lie in memory at once, as Python has them: each may have lists of some kilobytes."""


@dataclass(frozen=True, slots=True)
class Given:
    """A column of what is given for each row.

    value   asked of the scope of the row
    column  makes Arrow's array of a batch's values
    once    whether it is the same for all rows
    """

    name: str
    kind: Any
    value: Callable[[Scope], object]
    column: Callable[[Sequence[object]], Any]
    once: bool = False


def condition_of(name: str, expression: SetExpression) -> Given:
    """Whether a condition holds."""
    return Given(name, pa.bool_(), expression.expression.value, condition_column, _is_once(expression))


def value_of(name: str, expression: SetExpression) -> Given:
    return Given(name, VALUE, expression.expression.value, valued_column, _is_once(expression))


def text_of(name: str, text: Callable[[Scope], str | None]) -> Given:
    return Given(name, pa.string(), text, lambda texts: pa.array(texts, pa.string()))


def _is_once(expression: SetExpression) -> bool:
    """Whether it reads the run alone, and nothing of it that has somebody's name."""
    return expression.basis == "run" and "run.id" not in expression.expression.paths


def path_of(expression: SetExpression) -> tuple[str, ...] | None:
    """The column of the row, and what is named below it, where the expression is nothing else; None otherwise."""
    try:
        tree = with_rows(Trees().of(expression.text))
    except ExpressionError as error:
        raise AssertionError("a campaign's expressions are compiled") from error
    if isinstance(tree, NamedPath) and tree.names[0] == ROW:
        return tree.names[1:]
    return None


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows on which something is evaluated.

    query    gives the columns `keys`, `told` if `tells` is true, and those of the row as `cells`, a struct, if there
             are any
    keys     columns that are written beside what is given; `person`, if there, may be null
    cells    the columns of the row that are read
    """

    query: str
    keys: Mapping[str, Any]
    cells: bool
    tells: bool


def write_given(
    database: duckdb.DuckDBPyConnection, rows: Rows, given: Sequence[Given], scopes: ToldScopes, path: Path
) -> None:
    """Write what expressions give for rows to the file `path`, with the rows' keys, whole or not at all."""
    schema = pa.schema([*(pa.field(*each) for each in rows.keys.items()), *(pa.field(g.name, g.kind) for g in given)])
    known = {each.name: each.value(scopes.of_run()) for each in given if each.once}
    reader: Any = database.sql(rows.query).to_arrow_reader(BATCH_ROWS)
    with whole_file(path) as unfinished, opened_row_groups(unfinished, schema) as groups:
        for batch in reader:
            found: list[list[object]] = [[] for _ in given]
            for scope in _scopes(batch, rows, scopes):
                for values, each in zip(found, given, strict=True):
                    values.append(known[each.name] if each.once else each.value(scope))
            keys = [batch.column(name).cast(kind) for name, kind in rows.keys.items()]
            columns = [each.column(values) for each, values in zip(given, found, strict=True)]
            groups.add(pa.table([*keys, *columns], schema=schema))


def _scopes(batch: Any, rows: Rows, scopes: ToldScopes) -> Iterator[Scope]:
    people: Iterable[str | None] = (
        batch.column("person").to_pylist() if "person" in rows.keys else [None] * batch.num_rows
    )
    told = batch.column("told").to_pylist() if rows.tells else [None] * batch.num_rows
    cells = plain_rows(batch.column("cells")) if rows.cells else [{}] * batch.num_rows
    for person, columns, row in zip(people, told, cells, strict=True):
        yield scopes.of_row(row, person, _read(columns))


def _read(told: bytes | None) -> PersonColumns | None:
    return None if told is None else read_columns(told)


def plain_rows(cells: Any) -> list[dict[str, object]]:
    """The rows in an array of structs, as expressions see them."""
    return [{name: row_value(value) for name, value in row.items() if value is not None} for row in cells.to_pylist()]


def cells_of(names: Iterable[str], table: str) -> str:
    """A struct in SQL of these columns of a table, in the order of their names."""
    fields = ", ".join(f"{identifier(name)} := {table}.{identifier(name)}" for name in sorted(names))
    return f"struct_pack({fields})"
