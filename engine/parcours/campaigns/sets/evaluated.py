"""Expressions over the rows of sets and tables: read batch by batch, with what shards told of whose rows they are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

import pyarrow as pa

from parcours.campaigns.row_values import row_value
from parcours.campaigns.sets.database import Database, identifier
from parcours.campaigns.sets.row_groups import opened_row_groups
from parcours.campaigns.sets.valued import condition_column, valued_column
from parcours.campaigns.sets.values import VALUE
from parcours.campaigns.sets.whole_file import whole_file
from parcours.campaigns.told_scope import ToldScopes
from parcours.core.columns import read_columns
from parcours.expression.expression import ExpressionError, Scope
from parcours.expression.nodes import ROW
from parcours.expression.nodes import Path as NamedPath
from parcours.expression.roots import ROW_ALONE, with_roots
from parcours.expression.trees import Trees
from parcours.journey.set_expressions import SetExpression

Reads: TypeAlias = Literal["run", "row", "name"]
"""What an expression depends on: the run alone, so that it is asked once; the row; or the person's name as well."""

BATCH_ROWS: Final = 10_000
"""Rows that lie in memory at once, as Python has them: each may have lists of some kilobytes."""


@dataclass(frozen=True, slots=True)
class Given:
    """A column of what is given for each row.

    value   asked of the scope of the row
    column  makes Arrow's array of a batch's values
    reads   what the value depends on
    """

    name: str
    kind: Any
    value: Callable[[Scope], object]
    column: Callable[[Sequence[object]], Any]
    reads: Reads = "row"


def condition_of(name: str, expression: SetExpression) -> Given:
    """Whether a condition holds."""
    return Given(name, pa.bool_(), expression.expression.value, condition_column, _reads(expression))


def value_of(name: str, expression: SetExpression) -> Given:
    return Given(name, VALUE, expression.expression.value, valued_column, _reads(expression))


def text_of(name: str, text: Callable[[Scope], str | None]) -> Given:
    return Given(name, pa.string(), text, lambda texts: pa.array(texts, pa.string()))


def _reads(expression: SetExpression) -> Reads:
    if "run.id" in expression.expression.paths:
        return "name"  # that of the run has hers in it
    return "run" if expression.basis == "run" else "row"


def path_of(expression: SetExpression) -> tuple[str, ...] | None:
    """The column of the row, and what is named below it, where the expression is nothing else; None otherwise."""
    try:
        tree = with_roots(Trees().of(expression.text), ROW_ALONE)
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


def write_given(database: Database, rows: Rows, given: Sequence[Given], scopes: ToldScopes, path: Path) -> None:
    """Write what expressions give for rows to the file `path`, with the rows' keys, whole or not at all.

    It is not made durable: nobody needs it once the step is made.
    """
    schema = pa.schema([*(pa.field(*each) for each in rows.keys.items()), *(pa.field(g.name, g.kind) for g in given)])
    known = {each.name: each.value(scopes.of_run()) for each in given if each.reads == "run"}
    asked = [each for each in given if each.name not in known]
    reader: Any = database.sql(rows.query).to_arrow_reader(BATCH_ROWS)
    with whole_file(path, durable=False) as unfinished, opened_row_groups(unfinished, schema, lasting=False) as groups:
        for batch in reader:
            found = {name: [value] * batch.num_rows for name, value in known.items()}
            found |= {each.name: [] for each in asked}
            for scope in _scopes(batch, rows, scopes, any(each.reads == "name" for each in asked)) if asked else ():
                for each in asked:
                    found[each.name].append(each.value(scope))
            keys = [batch.column(name).cast(kind) for name, kind in rows.keys.items()]
            columns = [each.column(found[each.name]) for each in given]
            groups.add(pa.table([*keys, *columns], schema=schema))


def _scopes(batch: Any, rows: Rows, scopes: ToldScopes, names: bool) -> Iterator[Scope]:
    """The scope of each row; if nothing but the row is read, it is the same one with another row."""
    cells = plain_rows(batch.column("cells")) if rows.cells else [{}] * batch.num_rows
    if not rows.tells and not names:
        scope = scopes.of_row({}, None, None)
        for scope.row in cells:
            yield scope
        return
    nobody: list[Any] = [None] * batch.num_rows
    people = batch.column("person").to_pylist() if "person" in rows.keys else nobody
    told = batch.column("told").to_pylist() if rows.tells else nobody
    for person, columns, row in zip(people, told, cells, strict=True):
        yield scopes.of_row(row, person, None if columns is None else read_columns(columns))


def plain_rows(cells: Any) -> list[dict[str, object]]:
    """The rows in an array of structs, as expressions see them."""
    names = [field.name for field in cells.type]
    columns = [_plain_column(column) for column in cells.flatten()]
    return [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]


def _plain_column(column: Any) -> list[object]:
    values: list[object] = column.to_pylist()
    return values if _is_plain(column.type) else [row_value(value) for value in values]


def _is_plain(kind: Any) -> bool:
    """Whether Python has such values as JSON has them."""
    is_number = pa.types.is_integer(kind) or pa.types.is_floating(kind)
    return bool(is_number or pa.types.is_string(kind) or pa.types.is_boolean(kind))


def cells_of(names: Iterable[str], table: str) -> str:
    """A struct in SQL of these columns of a table, in the order of their names."""
    fields = ", ".join(f"{identifier(name)} := {table}.{identifier(name)}" for name in sorted(names))
    return f"struct_pack({fields})"
