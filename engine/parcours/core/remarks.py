"""The remarks of channels' checks on what leaves, counted for each step and channel.

A check words what it says as it likes, so there may be as many remarks as deliveries. Of one step on one channel the
first `remarks_max` in the order of their text are counted apart, and the rest together: sums stay exact, and memory is
bounded by the size of the project. A remark that is among the first on all deliveries is among the first on any part
of them, so no part can have dropped it: counts of parts add up to the same, however people are divided.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable
from typing import Final, TypeAlias

from parcours.surrogates import mended_text
from parcours.wording import SHOWN_MAX, bounded

OTHER_REMARKS: Final = "other remarks"
"""The remark under which everything beyond the bound is counted."""

StepRemark: TypeAlias = tuple[str, str, str, str]
"""(journey, step, channel, remark)"""

RemarkCounts: TypeAlias = list[tuple[StepRemark, int]]
"""How many deliveries have each remark; sorted."""


class RemarkCounter:
    """Counts remarks, in any order."""

    def __init__(self, remarks_max: int) -> None:
        self._remarks_max = remarks_max
        self._places: dict[tuple[str, str, str], _FirstTexts] = {}

    def add(self, journey: str, step: str, channel: str, remarks: Iterable[str]) -> None:
        """Count the remarks on one delivery, each of them once."""
        texts = {bounded(mended_text(remark), SHOWN_MAX) for remark in remarks}
        if texts:
            place = self._place(journey, step, channel)
            for text in texts:
                place.add(text, 1)

    def include(self, counts: RemarkCounts) -> None:
        """Add the counts of other deliveries."""
        for (journey, step, channel, remark), times in counts:
            self._place(journey, step, channel).add(remark, times)

    def counts(self) -> RemarkCounts:
        return sorted(
            ((*place, text), times) for place, texts in self._places.items() for text, times in texts.counts()
        )

    def _place(self, journey: str, step: str, channel: str) -> _FirstTexts:
        key = journey, step, channel
        if key not in self._places:
            self._places[key] = _FirstTexts(self._remarks_max)
        return self._places[key]


class _FirstTexts:
    """Counts of the `most` texts that come first in their order, and one of all others."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._first: list[str] = []
        self._counts: dict[str, int] = {}
        self._others = 0

    def add(self, text: str, times: int) -> None:
        if text in self._counts:
            self._counts[text] += times
        elif text == OTHER_REMARKS or (len(self._first) == self._most and text > self._first[-1]):
            self._others += times
        else:
            insort(self._first, text)
            self._counts[text] = times
            if len(self._first) > self._most:  # the last one never comes back: what is before it only grows
                self._others += self._counts.pop(self._first.pop())

    def counts(self) -> list[tuple[str, int]]:
        return [*self._counts.items(), *([(OTHER_REMARKS, self._others)] if self._others else [])]
