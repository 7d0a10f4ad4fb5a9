"""The newest facts of each step and of each channel, in rings that settings bound: they lie in memory alone."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import TypeAlias

from parcours.core.counted import INTERNAL_OUTCOMES
from parcours.core.fact import DeliveryReached, Fact, Moved
from parcours.figures_settings import FiguresSettings

Place: TypeAlias = tuple[str, str]
"""(journey, step); of a channel ("", channel)."""


class NewestRings:
    """Of one shard."""

    def __init__(self, settings: FiguresSettings) -> None:
        self._settings = settings
        self._rings: dict[Place, deque[Fact]] = {}

    def add(self, facts: Iterable[Fact]) -> None:
        """Keep the facts of a commit, of each place the newest ones; states on the way to a channel are left out."""
        rings = self._rings
        for fact in facts:
            if type(fact) is Moved:
                if (step := fact.step) is None:
                    continue
            elif type(fact) is DeliveryReached and fact.outcome not in INTERNAL_OUTCOMES:
                step = fact.step
                of_channel = "", fact.channel
                (rings.get(of_channel) or self._ring(of_channel)).append(fact)
            else:
                continue
            of_step = fact.journey, step
            (rings.get(of_step) or self._ring(of_step)).append(fact)

    def clear(self) -> None:
        """Forget all of them."""
        self._rings.clear()

    def of_step(self, journey: str, step: str) -> list[Fact]:
        """The newest facts of a step, in the order of happening for each person."""
        return list(self._rings.get((journey, step), ()))

    def of_channel(self, channel: str) -> list[Fact]:
        """The same of a channel's deliveries."""
        return list(self._rings.get(("", channel), ()))

    def __len__(self) -> int:
        return len(self._rings)

    def _ring(self, place: Place) -> deque[Fact]:
        ring = self._rings.get(place)
        if ring is None:
            if len(self._rings) >= self._settings.fact_rings_max:
                del self._rings[min(self._rings, key=lambda each: self._rings[each][-1].at)]
            most = self._settings.step_facts_max if place[0] else self._settings.channel_facts_max
            ring = self._rings[place] = deque(maxlen=most)
        return ring
