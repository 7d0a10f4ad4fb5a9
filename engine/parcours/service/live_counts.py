"""What do shards count right now? Followed by asking each for what has changed, for those who look on for a while.

Whoever looks again is told only counters that have changed, each as it is by then, so nothing is added up here that
could be added twice. A shard that has been opened anew tells all of its counters once more.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from parcours.config import Settings
from parcours.core.counted import Delivery
from parcours.core.recent import Recent
from parcours.core.totals import FactCounter, Step, Totals, Way
from parcours.errors import ShardUnavailable
from parcours.insight.campaign_counts import CampaignTally
from parcours.insight.health import Counters
from parcours.routing.ports import ShardPort
from parcours.service.figures import WITHIN_S
from parcours.service.live_report import LiveReport
from parcours.service.published import Published
from parcours.shard.requests import GetChangedCounters
from parcours.shard.step_requests import CountersChanged

NONE_YET = -1
"""An epoch that no shard has."""


@dataclass(slots=True)
class _OfJourney:
    """Counters of one journey in one shard."""

    steps: dict[Step, tuple[int, int, int]] = field(default_factory=dict)
    ways: dict[Way, int] = field(default_factory=dict)
    deliveries: dict[Delivery, int] = field(default_factory=dict)

    def totals(self) -> Totals:
        return Totals(steps=[*self.steps.items()], ways=[*self.ways.items()], deliveries=[*self.deliveries.items()])


class _OfShard:
    """Counters of one shard, by journey."""

    def __init__(self) -> None:
        self.epoch = NONE_YET
        self.number = 0
        self.journeys: defaultdict[str, _OfJourney] = defaultdict(_OfJourney)

    def take(self, told: CountersChanged) -> set[str]:
        """These are so by now; returns the journeys of which they are."""
        changed = set[str]()
        if told.whole:
            changed |= self.journeys.keys()
            self.journeys.clear()
        self.epoch, self.number = told.epoch, told.number
        for step, counts in told.totals.steps:
            self.journeys[step[0]].steps[step] = counts
            changed.add(step[0])
        for way, number in told.totals.ways:
            self.journeys[way[0]].ways[way] = number
            changed.add(way[0])
        for delivery, number in told.totals.deliveries:
            self.journeys[delivery[0]].deliveries[delivery] = number
            changed.add(delivery[0])
        return changed


class LiveCounts:
    """The counters of an engine as of the newest look. To be used on the loop of its service."""

    def __init__(self, ports: Callable[[], Sequence[ShardPort]], published: Published, settings: Settings) -> None:
        self._ports = ports
        self._published = published
        self._settings = settings
        self._shards: defaultdict[int, _OfShard] = defaultdict(_OfShard)

    async def look(self) -> set[str]:
        """Ask all shards at once; returns the journeys, and campaigns, whose counters have changed.

        Raises ShardUnavailable where one does not answer now; the next look tells what this one would have told.
        """
        try:
            async with asyncio.timeout(WITHIN_S):
                told = await asyncio.gather(*(self._ask(*each) for each in enumerate(self._ports())))
        except TimeoutError:
            raise ShardUnavailable("a shard does not answer") from None
        return set[str]().union(*(self._shards[number].take(each) for number, each in enumerate(told)))

    async def _ask(self, number: int, port: ShardPort) -> CountersChanged:
        known = self._shards[number]
        return await port.ask(GetChangedCounters(known.epoch, known.number))

    def report(self, journey: str, now_ms: int) -> LiveReport:
        """The report of one journey's steps, ways and deliveries, over all shards; signs are not among it."""
        counter = FactCounter(self._settings.totals_max, self._settings.reasons_max)
        for shard in self._shards.values():
            if journey in shard.journeys:
                counter.include(shard.journeys[journey].totals())
        totals, published = counter.totals(), self._published
        return LiveReport(
            ledger=published.publications.ledger,
            versions=tuple(each for each in published.current.versions() if each.name == journey),
            totals=totals,
            clock_ms=None,
            campaigns=CampaignTally([]),
            counters=Counters(totals, Recent(), {}, now_ms),
            figures=self._settings.figures,
        )
