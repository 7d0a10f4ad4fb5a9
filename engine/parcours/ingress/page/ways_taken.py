"""How many have taken each way of a journey? Of all its steps at once, for whoever asks again and again."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TypeAlias

from parcours.ingress.page.standing import Standing
from parcours.ingress.page.step import Move, alike, taken
from parcours.journey.picture.diagram import ENTRY
from parcours.journey.program import Journey
from parcours.service.live_report import LiveReport

Taken: TypeAlias = dict[str, int]
"""By way, as `STEP.NUMBER`; that of the entry is `.0`."""


class WaysTaken:
    """Remembers in which versions each step has the ways of the one that is drawn."""

    def __init__(self) -> None:
        self._versions: tuple[Journey, ...] = ()
        self._alike: dict[str, frozenset[int]] = {}

    def taken(self, report: LiveReport, of: Standing) -> Taken:
        """All that are counted."""
        if report.versions != self._versions:
            self._versions, self._alike = report.versions, {}
        if of.journey is None:
            return {}
        moves: defaultdict[tuple[str, int], Counter[Move]] = defaultdict(Counter)
        for (_, version, at, what, why), times in report.totals.ways:
            moves[at, version][what, why] += times
        found = {f"{ENTRY}.0": of.count.entered}
        for name, step in of.journey.steps.items():
            if name not in self._alike:
                self._alike[name] = alike(report, of, name, step)
            counted = Counter[Move]()
            for version in self._alike[name]:
                counted.update(moves[name, version])
            count = of.count.steps.get(name)
            ways = taken(step, counted, 0 if count is None else count.gone_on)
            found |= {f"{name}.{way}": number for way, number in ways.items()}
        return found
