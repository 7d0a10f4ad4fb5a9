"""The values that a profile can store: what JSON can say, with whole numbers of 64 bits and a bounded depth.

A value that could be read but never be written would stop its shard, so it is refused where it enters: in the
properties and traits of a call, and in the result of an `update`.
"""

from __future__ import annotations

import msgspec

NESTING_MAX = 64
"""Levels of objects and lists. Expressions look no deeper, and this many cannot exhaust the stack."""

_encoder = msgspec.msgpack.Encoder()


def objection(value: object, brackets: int | None = None) -> str | None:
    """Why the value cannot be stored, None if it can.

    brackets  how many `{` and `[` its JSON holds, where that is known: few cannot be nested deeply
    """
    if (brackets is None or brackets > NESTING_MAX) and _deeper_than(value, NESTING_MAX):
        return f"nested more than {NESTING_MAX} levels deep"
    try:
        _encoder.encode(value)
    except OverflowError:
        return "a whole number of more than 64 bits"
    return None


def _deeper_than(value: object, levels: int) -> bool:
    layer = [value]
    for _ in range(levels + 1):
        layer = [inner for outer in layer for inner in _parts(outer)]
        if not layer:
            return False
    return True


def _parts(value: object) -> list[object]:
    if isinstance(value, dict):
        return list(value.values()) or [None]
    return (value or [None]) if isinstance(value, list) else []
