"""Definition keys: the name of an audience or event type together with the number of its definition.

An audience or a rule-based event type may be redefined while runs of older versions still use the old definition.
Memberships and histories are stored by key: the bare name for the first definition, the name and a number for each
later one. So both are kept side by side, and a project without redefinitions sees plain names only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

MARK: Final = "\0"
"""Separates a name from its definition's number; no name may contain it."""


def plain(key: str) -> str:
    """The name in a key, as the author wrote it."""
    return key.partition(MARK)[0]


def number_of(key: str) -> int:
    """The number of the definition that a key means."""
    return int(key.partition(MARK)[2] or 1)


@dataclass(frozen=True, slots=True)
class DefinitionKeys:
    """The current definition number of each redefined name; a name that is not in here has its first definition."""

    audiences: Mapping[str, int] = field(default_factory=dict)
    events: Mapping[str, int] = field(default_factory=dict)

    def audience(self, name: str) -> str:
        """The key of an audience."""
        return _key(name, self.audiences.get(name, 1))

    def event(self, name: str) -> str:
        """The key of an event type."""
        return _key(name, self.events.get(name, 1))


def _key(name: str, number: int) -> str:
    return name if number == 1 else f"{name}{MARK}{number}"
