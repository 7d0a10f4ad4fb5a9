"""The columns of sets and tables as names of expressions and messages, and what is named wrongly within them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from parcours.expression.dotted import joined_path
from parcours.expression.expression import ExpressionError
from parcours.expression.names import ANYTHING
from parcours.expression.roots import ROW_ALONE, indexed_in_rows, with_roots
from parcours.expression.trees import Trees
from parcours.journey.campaign_steps import Column
from parcours.journey.model.forms import COLUMN_PATTERN
from parcours.wording import nearest

UNKNOWN_COLUMNS: Final[Mapping[str, Column]] = {"*": Column("any")}
"""Stands in for the columns of a step that could not be read."""

OF_EVERY_SET: Final = frozenset({"person", "row_key"})
"""The columns that each set has by itself."""


def kind_of_column(declared: str) -> str:
    """The kind of a table's column in expressions, where a decimal is a number."""
    return "number" if declared.startswith("decimal") else declared


def table_columns(declared: Mapping[str, str]) -> dict[str, Column]:
    """The columns of a table."""
    return {name: Column(kind_of_column(kind)) for name, kind in declared.items()}


def set_columns(columns: Mapping[str, Column]) -> dict[str, Column]:
    """The columns of a table that its rows keep as those of a set."""
    return {name: column for name, column in columns.items() if name.casefold() not in OF_EVERY_SET}


def taken_name(name: str, names: Iterable[str]) -> str | None:
    """The name among these, or of each set, that is the same but for upper and lower case; None if there is none."""
    return next((each for each in (*names, *sorted(OF_EVERY_SET)) if each.casefold() == name.casefold()), None)


def row_names(columns: Mapping[str, Column]) -> dict[str, str]:
    """The paths below `row`, with their kinds."""
    if "*" in columns:
        return dict(ANYTHING)
    names: dict[str, str] = {}
    for name, column in columns.items():
        if column.kind == "object" and column.fields:
            names |= {joined_path((name, field)): kind for field, kind in column.fields.items()}
        else:
            names[joined_path((name,))] = column.kind
    return names


def list_names(columns: Mapping[str, Column]) -> dict[str, Mapping[str, str]]:
    """Of each path below `row` with a list of objects, the kinds of their keys."""
    return {joined_path((name,)): each.fields for name, each in columns.items() if each.kind == "list" and each.fields}


def united_columns(sets: Iterable[Mapping[str, Column]]) -> dict[str, Column]:
    """The columns of several sets together; one that they have of different kinds is of any."""
    united: dict[str, Column] = {}
    for columns in sets:
        for name, column in columns.items():
            united[name] = column if united.get(name, column) == column else Column("any")
    return united


def unknown_in_lists(text: str, columns: Mapping[str, Column], trees: Trees) -> str | None:
    """The complaint about `row.LIST[0].KEY` of an expression whose list has no such key; None if there is none."""
    try:
        tree = with_roots(trees.of(text), ROW_ALONE)
    except ExpressionError:
        return None
    for name, key, column in indexed_in_rows(tree):
        if (complaint := unknown_field(name, key, columns)) is not None:
            return f"{complaint} (column {column})"
    return None


def unknown_field(name: str, key: str, columns: Mapping[str, Column]) -> str | None:
    """The complaint about a key of the objects in a list, None where it is known, or nothing is known of the list."""
    fields = columns[name].fields if name in columns and columns[name].kind == "list" else {}
    if not fields or key in fields:
        return None
    return f"the rows in row.{name} have no {key!r}{nearest(key, fields)}"


def as_expression(text: str, columns: Mapping[str, Column]) -> str:
    """The expression that a criterion stands for: `city` alone is the column of that name."""
    if re.fullmatch(COLUMN_PATTERN, text) and (text in columns or "*" in columns):
        return f"row.{text}"
    return f'row["{text}"]' if text in columns else text
