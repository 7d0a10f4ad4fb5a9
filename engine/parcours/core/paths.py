"""How are dotted paths read from, and cut out of, nested objects?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping


def pick(source: Mapping[str, object], path: str) -> object:
    """The value at a dotted path, None where there is none."""
    value: object = source
    for name in path.split("."):
        if not isinstance(value, Mapping) or name not in value:
            return None
        value = value[name]
    return value


def keep(source: Mapping[str, object], paths: Iterable[str]) -> dict[str, object]:
    """A copy of `source` with nothing in it but these paths, absent and null ones left out.

    Paths are visited in sorted order, so that equal input gives equal bytes.
    """
    kept: dict[str, object] = {}
    for path in sorted(paths):
        value = pick(source, path)
        if value is not None:
            put(kept, path, value)
    return kept


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


def put(target: dict[str, object], path: str, value: object) -> None:
    """Set the value at a dotted path, making the objects on the way."""
    *parents, last = path.split(".")
    for name in parents:
        inner = target.setdefault(name, {})
        if not isinstance(inner, dict):
            return  # a shorter path has already kept the whole object
        target = inner
    target[last] = value
