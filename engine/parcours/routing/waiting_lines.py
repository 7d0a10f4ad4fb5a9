"""The lines that wait for a batch to their shard, in the order in which they came, and whose they are."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from itertools import accumulate, islice, takewhile
from typing import NamedTuple, TypeAlias

from parcours.routing.taken import Taken

Owners: TypeAlias = list[tuple[Taken, list[int]]]
"""Whose lines are, in their order: (call, places in the call)."""


class Loaded(NamedTuple):
    """What goes into one batch; its fields of lines as there."""

    lines: list[bytes]
    numbers: list[int]
    times: list[int]
    skews_ms: list[int]
    owners: Owners


class WaitingLines:
    """
    lines  the oldest first
    bytes  their length in all
    """

    def __init__(self) -> None:
        self.lines: list[bytes] = []
        self.bytes = 0
        self._numbers: list[int] = []
        self._times: list[int] = []
        self._skews: list[int] = []
        """Of the lines at the front; nothing is corrected of those behind, and mostly of none."""
        self._owners: deque[tuple[Taken, list[int]]] = deque()

    def add(
        self,
        taken: Taken,
        lines: Sequence[bytes],
        skews_ms: Sequence[int],
        times: Sequence[int],
        places: list[int],
        numbers: Sequence[int],
    ) -> None:
        """Take those lines of a call that have these places; `numbers` has that of each line of the call."""
        if skews_ms:
            self._skews += [0] * (len(self.lines) - len(self._skews))
            self._skews += [skews_ms[place] for place in places]
        if len(places) == len(lines):  # all of them, in their order: there is one shard, or one line
            self._numbers += numbers
        else:
            lines = [lines[place] for place in places]
            times = [times[place] for place in places] if times else ()
            self._numbers += [numbers[place] for place in places]
        self.lines += lines
        self._times += times
        self.bytes += sum(map(len, lines))
        self._owners.append((taken, places))

    def take(self, lines_max: int, bytes_max: int) -> Loaded:
        """The oldest, so many at most, but one at least; they do not wait any more."""
        most = self._most(lines_max, bytes_max)
        lines, times, numbers = self.lines[:most], self._times[:most], self._numbers[:most]
        del self.lines[:most], self._times[:most], self._numbers[:most]
        self.bytes -= sum(map(len, lines))
        return Loaded(lines, numbers, times, self._take_skews(len(lines)), self._take_owners(len(lines)))

    def fail(self, error: Exception) -> None:
        """Tell every call, and have none wait any more."""
        for taken, _ in self._owners:
            taken.fail(error)
        self._owners.clear()
        self.lines, self._times, self._skews, self._numbers, self.bytes = [], [], [], [], 0

    def _most(self, lines_max: int, bytes_max: int) -> int:
        if self.bytes <= bytes_max:
            return lines_max
        ends = accumulate(map(len, islice(self.lines, lines_max)))
        return max(1, sum(1 for _ in takewhile(lambda end: end <= bytes_max, ends)))

    def _take_skews(self, lines: int) -> list[int]:
        """Those of so many lines; none if nothing is corrected of any."""
        if not self._skews:
            return []
        skews, self._skews = self._skews[:lines], self._skews[lines:]
        return skews + [0] * (lines - len(skews)) if any(skews) else []

    def _take_owners(self, missing: int) -> Owners:
        """Those of so many lines."""
        owners: Owners = []
        while missing:
            taken, places = self._owners.popleft()
            if len(places) > missing:
                self._owners.appendleft((taken, places[missing:]))
                places = places[:missing]
            owners.append((taken, places))
            missing -= len(places)
        return owners
