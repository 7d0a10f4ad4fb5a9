"""Which type has a column that several sets have? The one that holds the values of all of them as they are.

Of equal types it is that one. Whole numbers and decimals become decimals with the most places, whole numbers and
doubles become doubles; an object has the fields of all, and a list what its elements become together. Nothing else can
be held by one column, and no value is rounded: what would be is refused.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce
from typing import Any, Final

import duckdb

from parcours.campaigns.sets.cells import DECIMAL_DIGITS_MAX
from parcours.campaigns.sets.database import identifier, literal
from parcours.errors import SetsRefused
from parcours.wording import quoted

WHOLE_MAX: Final = 2**53
"""Doubles hold each whole number up to it."""

_WORDS: Final = {
    "bigint": "integer",
    "double": "number",
    "varchar": "string",
    "boolean": "boolean",
    "timestamp with time zone": "timestamp",
    "date": "date",
    "struct": "object",
    "list": "list",
}


def united_names(names: Iterable[str]) -> tuple[str, ...]:
    """Each name once. Raises SetsRefused for two that only upper and lower case tell apart, which no file has."""
    found: dict[str, str] = {}
    for name in names:
        if (known := found.setdefault(name.casefold(), name)) != name:
            raise SetsRefused(
                f"upper and lower case do not tell columns apart, and the sets have {quoted(known)} and {quoted(name)}"
            )
    return tuple(found.values())


def united_type(name: str, types: Iterable[Any]) -> Any:
    """The type, in DuckDB, of a column with that name. Raises SetsRefused if none holds all values."""
    return reduce(lambda one, other: _united(name, one, other), types)


def _united(name: str, one: Any, other: Any) -> Any:
    if str(one) == str(other):  # as types they are equal also if case tells their fields apart
        return one
    match one.id, other.id:
        case "struct", "struct":
            return _united_struct(name, dict(one.children), dict(other.children))
        case "list", "list":
            return duckdb.list_type(_united(name, _element(one), _element(other)))
        case ("bigint" | "decimal", "bigint" | "decimal"):
            return duckdb.decimal_type(DECIMAL_DIGITS_MAX, max(_places(one), _places(other)))
        case ("bigint", "double") | ("double", "bigint"):
            return duckdb.type("DOUBLE")
        case _:
            raise SetsRefused(
                f"the sets have the column {quoted(name)} as {_word(one)} and as {_word(other)}, and no column holds "
                "both as they are: give both the same type in tables.yaml, or one of them another name"
            )


def _united_struct(name: str, one: dict[str, Any], other: dict[str, Any]) -> Any:
    fields = {}
    for field in united_names((*one, *other)):
        types = [each[field] for each in (one, other) if field in each]
        fields[field] = united_type(f"{name}.{field}", types)
    return duckdb.struct_type(fields)


def converted(name: str, column: str, source: Any, target: Any, depth: int = 0) -> str:
    """The values of a column, as SQL, in the type that it has together with others.

    A value that this type cannot hold as it is ends the query with `duckdb.InvalidInputException`.
    """
    if str(source) == str(target):
        return column
    if target.id == "struct":
        given = dict(source.children)
        fields = ", ".join(
            f"{identifier(field)} := "
            + converted(f"{name}.{field}", f"{column}.{identifier(field)}", given[field], kind, depth)
            if field in given
            else f"{identifier(field)} := {missing(kind)}"
            for field, kind in target.children
        )
        return f"CASE WHEN {column} IS NOT NULL THEN struct_pack({fields}) END"
    if target.id == "list":
        element = f"element{depth}"
        inner = converted(name, element, _element(source), _element(target), depth + 1)
        return f"list_transform({column}, lambda {element}: {inner})"
    unfit = (
        f"{column} NOT BETWEEN {-WHOLE_MAX} AND {WHOLE_MAX}"
        if target.id == "double"
        else f"{column} IS NOT NULL AND TRY_CAST({column} AS {target}) IS NULL"
    )
    refusal = (
        f"the column {quoted(name)} has a value that is too large for {_word(target)}, which another set has there: "
    )
    return f"CASE WHEN {unfit} THEN error({literal(refusal)} || {column}) ELSE TRY_CAST({column} AS {target}) END"


def missing(kind: Any) -> str:
    """No value of a type."""
    return f"CAST(NULL AS {kind})"


def _element(kind: Any) -> Any:
    (child,) = dict(kind.children).values()
    return child


def _places(kind: Any) -> int:
    return 0 if kind.id == "bigint" else int(dict(kind.children)["scale"])


def _word(kind: Any) -> str:
    """What an author calls a type."""
    return f"decimal({_places(kind)})" if kind.id == "decimal" else _WORDS.get(kind.id, str(kind))
