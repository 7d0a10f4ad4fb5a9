"""The generator of properties and traits: values near those that the project compares with, or any others.

A *willing* person mostly has the values with which conditions hold: a condition of five parts would else hardly ever be
met.
"""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any, Final

from parcours.config import DAY_MS
from parcours.core.time_text import time_text
from parcours.expression.dotted import split_path
from parcours.testing.explore.parts import Parts

ZONES: Final = ("Europe/Paris", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "nowhere")
TEXTS: Final = ("a", "b", "c")

WILLINGNESS: Final = 0.8
"""How often a willing person has a value that a condition asks for."""

GIVEN: Final = 0.9
"""How often a value is present at all, for a person who is not willing."""


class Values:
    """Generates objects for declared paths. `around_ms` is where timestamps lie."""

    def __init__(self, parts: Parts, zone_paths: frozenset[str], around_ms: int) -> None:
        self._parts = parts
        self._zone_paths = zone_paths
        self._around_ms = around_ms

    def of(self, chance: Random, person: str, root: str, kinds: Mapping[str, str], *, willing: bool) -> dict[str, Any]:
        """An object with a value for most of the paths."""
        whole: dict[str, Any] = {}
        for path, kind in sorted(kinds.items()):
            value = self._value(chance, person, f"{root}.{path}", kind, willing=willing)
            if chance.random() < GIVEN or willing:
                _put(whole, split_path(path), value)
        return whole

    def _value(self, chance: Random, person: str, path: str, kind: str, *, willing: bool) -> Any:
        if path in self._zone_paths:
            return chance.choice(ZONES)
        if path in self._parts.addresses:
            return _address(chance, person, self._parts.addresses[path])
        if willing and path in self._parts.meeting and chance.random() < WILLINGNESS:
            return chance.choice(self._parts.meeting[path])
        constants = self._parts.constants.get(path, ())
        match kind:
            case "number" | "integer":
                numbers = [each for each in constants if isinstance(each, int | float) and not isinstance(each, bool)]
                return chance.choice([*(each + step for each in numbers for step in (-1, 0, 1)), 0, 1, 100])
            case "boolean":
                return chance.random() < 0.5
            case "timestamp":
                return time_text(self._around_ms + chance.choice((-30, -1, 0, 1, 30)) * DAY_MS)
            case "date":
                return time_text(self._around_ms + chance.choice((-400, -30, -1, 0, 1, 30)) * DAY_MS)[:10]
            case "object":
                return {}
            case "list":
                return [each for each in (*constants, *TEXTS) if chance.random() < 0.3]
            case _:
                texts = [each for each in constants if isinstance(each, str)]
                return chance.choice([*texts, *texts, *TEXTS])


def _address(chance: Random, person: str, channel: str) -> str:
    if chance.random() < 0.05:
        return "no address"
    return {"email": f"{person}@example.com", "sms": f"+336{person[1:]:0>8}"}.get(channel, f"token-{person}")


def _put(whole: dict[str, Any], keys: list[str], value: object) -> None:
    """Set a path, unless a part of it is a value that is no object."""
    for key in keys[:-1]:
        below = whole.setdefault(key, {})
        if not isinstance(below, dict):
            return
        whole = below
    whole[keys[-1]] = value
