"""Since when is something not in order? As far as this door has noticed, which looks when somebody asks it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

NUMBER: Final = re.compile(r"[0-9][0-9.,]*")


class Noticed(NamedTuple):
    """A trouble, and when it was noticed first, in ms."""

    trouble: str
    since_ms: int


class TroubleTimes:
    """Remembers those that there are. One whose numbers alone change is still the same."""

    def __init__(self) -> None:
        self._since_ms: dict[str, int] = {}

    def noticed(self, troubles: Iterable[str], now_ms: int) -> list[Noticed]:
        """These are all that there are now; the newest first."""
        known = {NUMBER.sub("#", each): each for each in troubles}
        self._since_ms = {name: self._since_ms.get(name, now_ms) for name in known}
        found = [Noticed(trouble, self._since_ms[name]) for name, trouble in known.items()]
        return sorted(found, key=lambda each: -each.since_ms)
