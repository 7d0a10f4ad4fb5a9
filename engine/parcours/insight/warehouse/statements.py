"""Which SQL may be asked: one query that reads the views, and nothing else.

DuckDB itself opens no file but those of the facts. What is left are ways around the views, to rows of people who were
erased, and things that a query may do besides reading; so everything is refused that is not known to be harmless.
"""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from typing import Any, Final

import duckdb
import msgspec

from parcours.errors import CallerError
from parcours.wording import bounded

FUNCTIONS: Final = frozenset({"generate_series", "json_each", "json_tree", "range", "unnest"})
"""The functions that may stand for a table: these read no file and run no text as SQL."""

SAID_MAX: Final = 500
"""Characters of what DuckDB says that are told: it may quote all of a query."""

SCHEMAS: Final = frozenset({"main", "information_schema"})

ONE_QUERY: Final = "One query is expected that begins with select, from, with, values, show, describe or summarize"


def check_statement(connection: duckdb.DuckDBPyConnection, query: str, views: AbstractSet[str]) -> None:
    """Raises CallerError for anything but one query of the views, whose names are in lower case."""
    try:
        statements = connection.extract_statements(query)
    except duckdb.Error as error:
        raise CallerError(f"The query cannot be read: {first_line(error)}") from None
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise CallerError(f"{ONE_QUERY}.")
    ((tree,),) = connection.execute("select json_serialize_sql(?::varchar)", [query]).fetchall()
    told = msgspec.json.decode(tree)
    if told["error"]:
        raise CallerError(f"{ONE_QUERY}: {told['error_message']}")
    for node in _nodes(told):
        _check_node(node, views)


def first_line(error: Exception) -> str:
    """What DuckDB says of a query, without the place that it draws."""
    return bounded(str(error).partition("\n")[0], SAID_MAX)


def _nodes(tree: object) -> Iterator[dict[str, Any]]:
    """All objects in it, without recursion: a query may be deep."""
    waiting = [tree]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            yield each
            waiting += each.values()
        elif isinstance(each, list):
            waiting += each


def _check_node(node: dict[str, Any], views: AbstractSet[str]) -> None:
    kind = node.get("type")
    if kind == "TABLE_FUNCTION":
        name = node["function"]["function_name"]
        if name not in FUNCTIONS:
            raise CallerError(f"{name} may not stand for a table here: ask the views.")
    elif kind in ("BASE_TABLE", "SHOW_REF"):
        path = node["qualified_name"]["path"] or ["main"]
        is_elsewhere = len(path) > 2 or (len(path) == 2 and path[0].lower() not in SCHEMAS)
        may_be_file = any(character in path[-1] for character in "./\\") and path[-1].lower() not in views
        if is_elsewhere or may_be_file:
            raise CallerError(f"{'.'.join(path)} is none of the views.")
