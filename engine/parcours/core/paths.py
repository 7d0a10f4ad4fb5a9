"""How are dotted paths read from, and cut out of, nested objects?"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

PATHS_REMEMBERED = 4_096
"""Sets of paths whose ways are worked out once: journeys and messages have one or two each."""


def pick(source: Mapping[str, object], path: str) -> object:
    """The value at a dotted path, None where there is none."""
    return _follow(source, path.split("."))


def keep(source: Mapping[str, object], paths: frozenset[str]) -> dict[str, object]:
    """A copy of `source` with nothing in it but these paths, absent and null ones left out.

    Paths are visited in sorted order, so that equal input gives equal bytes.
    """
    kept: dict[str, object] = {}
    for way in _ways(paths):
        value = _follow(source, way)
        if value is not None:
            _put(kept, way, value)
    return kept


@lru_cache(maxsize=PATHS_REMEMBERED)
def _ways(paths: frozenset[str]) -> tuple[list[str], ...]:
    """The names along each path, in the order of the paths."""
    return tuple(path.split(".") for path in sorted(paths))


def _follow(source: Mapping[str, object], way: list[str]) -> object:
    value: object = source
    for name in way:
        if not isinstance(value, dict) or name not in value:
            return None
        value = value[name]
    return value


def replaced(source: object, path: str, value: object) -> dict[str, object]:
    """A copy of `source` with this value at a dotted path, or without the path where the value is None.

    What is not on the way is shared with `source`, and nothing of `source` is changed: others may hold it.
    """
    copy = dict(source) if isinstance(source, dict) else {}
    name, _, rest = path.partition(".")
    inner = replaced(copy.get(name), rest, value) or None if rest else value
    if inner is None:
        copy.pop(name, None)
    else:
        copy[name] = inner
    return copy


def _put(target: dict[str, object], way: list[str], value: object) -> None:
    """Set the value at the end of the way, making the objects along it."""
    for name in way[:-1]:
        inner = target.setdefault(name, {})
        if not isinstance(inner, dict):
            return  # a shorter path has already kept the whole object
        target = inner
    target[way[-1]] = value
