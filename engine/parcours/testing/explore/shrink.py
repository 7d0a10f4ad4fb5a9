"""Shrinking of a violation: a person's acts are left out one after another, then simplified, while it still shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from parcours.testing.explore.traffic import Act

PARTS_OF_A_CALL: Final = ("properties", "traits")

Breaks = Callable[[Sequence[Act]], bool]
"""Whether acts still reproduce the violation."""


def shrink(acts: Sequence[Act], breaks: Breaks, attempts_max: int) -> list[Act]:
    """The fewest and simplest acts that so many attempts find. `acts` themselves reproduce the violation."""
    attempt = _Attempts(breaks, attempts_max)
    plain = _plainer(_fewer(list(acts), attempt), attempt)
    return _fewer(plain, attempt)  # an act without its traits may have become needless


@dataclass(slots=True)
class _Attempts:
    breaks: Breaks
    left: int

    def __call__(self, acts: Sequence[Act]) -> bool:
        if self.left == 0 or not acts:
            return False
        self.left -= 1
        return self.breaks(acts)


def _fewer(kept: list[Act], attempt: _Attempts) -> list[Act]:
    """Leave out half of them, then quarters ... and single ones for as long as one still reproduces it.

    From the end: the last acts are more often only consequences.
    """
    size = max(1, len(kept) // 2)
    while True:
        before = len(kept)
        for end in range(before, 0, -size):
            fewer = kept[: max(0, end - size)] + kept[end:]
            if attempt(fewer):
                kept = fewer
        if size == 1 and len(kept) == before:
            return kept
        size = max(1, size // 2)


def _plainer(acts: list[Act], attempt: _Attempts) -> list[Act]:
    """Leave out the traits and properties that do not matter."""
    for place in range(len(acts)):
        for part in PARTS_OF_A_CALL:
            for name in list(acts[place].call.get(part, ())):
                plainer = [*acts[:place], _without(acts[place], part, name), *acts[place + 1 :]]
                if attempt(plainer):
                    acts = plainer
    return acts


def _without(act: Act, part: str, name: str) -> Act:
    values: Mapping[str, Any] = act.call[part]
    return replace(act, call={**act.call, part: {key: value for key, value in values.items() if key != name}})
