"""The file of an export step: columns of a set, and what expressions give for its rows.

A column of the set is written as it is, so that decimals are exact and lists stay lists. What expressions gave is of
the type of its values where all are of one kind that has one; otherwise each is written as what it is (export.py).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from parcours.campaigns.sets.database import Database, copy_rows, identifier, opened_database
from parcours.campaigns.sets.evaluated import path_of
from parcours.campaigns.sets.export import exported_set
from parcours.campaigns.sets.given import beside
from parcours.campaigns.sets.native import native_column
from parcours.campaigns.sets.set_file import SetFile, number_of
from parcours.campaigns.sets.set_values import Evaluation, values_of_set
from parcours.journey.campaign_steps import Export
from parcours.journey.set_expressions import PERSON, Criterion, SetExpression


def export_set(step: Export, source: Path, path: Path, evaluation: Evaluation) -> int:
    """Write the file of a set, whole or not at all; returns how many rows it has. Raises StoreBroken, OSError."""
    columns = evaluation.folder / "columns.parquet"
    with opened_database(evaluation.workspace) as database:
        of_set = SetFile(database, source)
        asked = [each for _, each in step.values if each != PERSON and _of_set(of_set, each) is None]
        values = values_of_set(source, "values", [], asked, evaluation)
        given = {each.text: values.value(each) for each in asked}
        places, joins = beside([*given.values()], {name: of_set.column_of("s", name) for name in ("person", "row_key")})
        joined = f"{of_set.rows_as('s')}{joins}"
        told = {text: _typed(database, joined, place) for text, place in zip(given, places, strict=True)}
        named = ", ".join(f"{_column(of_set, each, told)} AS x{place}" for place, (_, each) in enumerate(step.values))
        copy_rows(database, f"SELECT {named} FROM {joined} ORDER BY {number_of('s')}", columns, lasting=False)
    headers = [(header, f"x{place}") for place, (header, _) in enumerate(step.values)]
    return exported_set(columns, path, step.format, headers)


def _column(of_set: SetFile, criterion: Criterion, told: dict[str, str]) -> str:
    if criterion == PERSON:
        return of_set.column_of("s", "person")
    found = _of_set(of_set, criterion)
    return told[criterion.text] if found is None else found


def _of_set(of_set: SetFile, expression: SetExpression) -> str | None:
    """The column of the set, or what is in an object there, if the expression is nothing else; None otherwise."""
    path = path_of(expression)
    if path is None or path[0] not in of_set.columns:
        return None
    column, kind = of_set.column_of("s", path[0]), of_set.type_of(path[0])
    for name in path[1:]:
        fields: dict[str, Any] = dict(kind.children) if kind.id == "struct" else {}
        if name not in fields:
            return None
        column, kind = f"{column}.{identifier(name)}", fields[name]
    return column


def _typed(database: Database, rows: str, column: str) -> str:
    """The column in the type of its values, if it has one; else as it is."""
    native = native_column(database, rows, column)
    return native.column if native.is_exact and not native.others else column
