"""Projection of nested objects: reading dotted paths, keeping only some of them, and replacing one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import TypeAlias

from parcours.expression.dotted import split_path

PATHS_REMEMBERED = 4_096
"""Sets of paths whose tree is cached: journeys and messages have one or two each."""

Ways: TypeAlias = Mapping[str, "Ways | None"]
"""The paths as a tree: below each name the names to keep there, or None for all of it."""


def pick(source: Mapping[str, object], path: str) -> object:
    """The value at a dotted path, None where there is none."""
    return pick_at(source, split_path(path))


def pick_at(source: Mapping[str, object], keys: Iterable[str]) -> object:
    """The value below these names, one after the other, None where there is none."""
    value: object = source
    for name in keys:
        if not isinstance(value, dict) or name not in value:
            return None
        value = value[name]
    return value


def keep(source: Mapping[str, object], paths: frozenset[str]) -> dict[str, object]:
    """A copy of `source` with these paths only; absent and null ones are left out.

    Paths are visited in sorted order, so that equal input gives equal bytes.
    """
    return _kept(source, _ways(paths))


def _kept(source: Mapping[str, object], ways: Ways) -> dict[str, object]:
    kept: dict[str, object] = {}
    for name, below in ways.items():
        value = source.get(name)
        if below is not None:
            value = (_kept(value, below) or None) if isinstance(value, dict) else None
        if value is not None:
            kept[name] = value
    return kept


@lru_cache(maxsize=PATHS_REMEMBERED)
def roots_of(paths: frozenset[str]) -> frozenset[str]:
    """The first names of the paths."""
    return frozenset(_ways(paths))


@lru_cache(maxsize=PATHS_REMEMBERED)
def _ways(paths: frozenset[str]) -> Ways:
    """The paths as a tree, in their order."""
    ways: dict[str, Ways | None] = {}
    for path in sorted(paths):  # sorted, `cart` comes before `cart.total`, which it includes
        _add(ways, split_path(path))
    return ways


def _add(ways: dict[str, Ways | None], keys: Sequence[str]) -> None:
    name, *rest = keys
    if not rest:
        ways[name] = None
        return
    below = ways.setdefault(name, {})
    if isinstance(below, dict):
        _add(below, rest)


def replaced(source: object, path: str, value: object) -> dict[str, object]:
    """A copy of `source` with this value at a dotted path, or without the path where the value is None.

    The copy shares all other parts with `source`, which is not changed: others may hold it.
    """
    return _replaced(source, split_path(path), value)


def _replaced(source: object, keys: Sequence[str], value: object) -> dict[str, object]:
    copy = dict(source) if isinstance(source, dict) else {}
    name, *rest = keys
    inner = _replaced(copy.get(name), rest, value) or None if rest else value
    if inner is None:
        copy.pop(name, None)
    else:
        copy[name] = inner
    return copy
