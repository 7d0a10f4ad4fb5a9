"""What has a running engine come to? Its ledger, and the totals of its shards; nobody is looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from parcours.config import Settings
from parcours.core.totals import FactCounter, Totals
from parcours.errors import ShardUnavailable
from parcours.insight.store_report import StoreReport, report_of
from parcours.insight.summary import JourneyCount, by_journey, journey_counts
from parcours.journey.program import Journey, Program
from parcours.journey.publish.ledger import Ledger
from parcours.routing.ports import ShardPort
from parcours.service.figures import ask_all


@dataclass(frozen=True, slots=True)
class LiveReport:
    """
    ledger    of what is published
    versions  the journeys' versions that somebody may go by
    totals    of all shards
    clock_ms  the newest effective time, None where nothing has happened
    """

    ledger: Ledger
    versions: tuple[Journey, ...]
    totals: Totals
    clock_ms: int | None

    @property
    def counts(self) -> dict[str, list[JourneyCount]]:
        """The counts of each journey's versions, the newest first."""
        return by_journey(journey_counts(self.totals, self.versions))

    @property
    def report(self) -> StoreReport:
        """The whole report."""
        return report_of(self.totals, self.versions, self.clock_ms)


async def live_report(ports: Sequence[ShardPort], ledger: Ledger, program: Program, settings: Settings) -> LiveReport:
    """The report of now. Raises ShardUnavailable where a shard does not answer."""
    counter, clock_ms = FactCounter(settings.totals_max, settings.reasons_max), 0
    for number, answer in enumerate(await ask_all(ports)):
        figures = answer.figures
        if figures is None:
            raise ShardUnavailable(f"shard {number} does not answer")
        counter.include(figures.totals)
        clock_ms = max(clock_ms, figures.status.stamp_ms)
    return LiveReport(ledger, tuple(program.versions()), counter.totals(), clock_ms or None)
