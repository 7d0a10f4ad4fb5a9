"""The row of a set as expressions and messages see it: plain data, as JSON holds it.

Times and dates are texts, as in events, and decimals are numbers with a point: so `row.total` means the same wherever
it is asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TypeAlias

from parcours.expression.dotted import split_path

Ways: TypeAlias = Mapping[str, "Ways | None"]
"""Paths as a tree: below each name the names that are wanted there, or None for all of it."""


def row_value(value: object) -> object:
    """A value of a set's column, or of a table's. What is missing within an object is left out."""
    match value:
        case None | bool() | int() | float() | str():
            return value
        case Decimal():
            return float(value)
        case datetime():
            return _time(value)
        case date():
            return value.isoformat()
        case list():
            return [row_value(each) for each in value]
        case dict():
            return {name: row_value(each) for name, each in value.items() if each is not None}
        case _:
            raise AssertionError(f"no column holds a {type(value).__name__}")


def _time(moment: datetime) -> str:
    """ISO 8601 in UTC, to the millisecond where that is exact."""
    told = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    precision = "microseconds" if told.microsecond % 1_000 else "milliseconds"
    return told.isoformat(timespec=precision).removesuffix("+00:00") + "Z"


def ways_of(paths: Iterable[str]) -> Ways:
    """The paths as a tree; one that leads to all of something includes those that lead into it."""
    ways: dict[str, Ways | None] = {}
    for keys in sorted(map(split_path, paths), key=len):
        _add(ways, keys)
    return ways


def _add(ways: dict[str, Ways | None], keys: Sequence[str]) -> None:
    name, *rest = keys
    below = ways.setdefault(name, {} if rest else None)
    if rest and isinstance(below, dict):
        _add(below, rest)


def picked(row: Mapping[str, object], ways: Ways) -> dict[str, object]:
    """A copy of the row with what the paths lead to, in objects and in each object of a list."""
    found: dict[str, object] = {}
    for name, below in ways.items():
        value = row.get(name)
        if value is not None and below is not None:
            value = _picked_below(value, below)
        if value is not None:
            found[name] = value
    return found


def _picked_below(value: object, ways: Ways) -> object:
    if isinstance(value, list):
        return [picked(each, ways) for each in value if isinstance(each, dict)]
    return (picked(value, ways) or None) if isinstance(value, dict) else None
