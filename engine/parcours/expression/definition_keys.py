"""What is a name called once it means something else? Older versions of journeys keep to what it meant to them.

An audience or a rule-based event type may be changed while runs of older versions still go by it. People's
memberships and histories are kept by key: the name itself for its first meaning, the name and a number for
each later one. So the old and the new meaning live side by side, and nobody notices as long as nothing changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

MARK: Final = "\0"
"""Between a name and the number of its definition; no name has it."""


def plain(key: str) -> str:
    """The name that the author wrote."""
    return key.partition(MARK)[0]


@dataclass(frozen=True, slots=True)
class DefinitionKeys:
    """The number of each name that has been given a new meaning; what is not named here is in its first one."""

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
