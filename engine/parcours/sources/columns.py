"""A row of a table as an object of its columns, where a dot in a column's name leads into an object."""

from __future__ import annotations

from collections.abc import Iterable


def row_object(cells: Iterable[tuple[str, object]]) -> dict[str, object]:
    """The object of these cells, each with its column. Raises ValueError for columns that contradict each other."""
    told: dict[str, object] = {}
    for column, cell in cells:
        if not _put(told, column, cell):
            raise ValueError(f"the column {column} and another one contradict each other")
    return told


def _put(told: dict[str, object], column: str, cell: object) -> bool:
    """Put the cell where its column leads; whether there is room for it."""
    *parents, name = column.split(".")
    inside: object = told
    for parent in parents:
        inside = inside.setdefault(parent, {}) if isinstance(inside, dict) else None
    if not isinstance(inside, dict) or name in inside:
        return False
    inside[name] = cell
    return True
