"""What has a running engine come to? Its ledger, the counters of its shards, and what runs of campaigns have told.

Nobody is looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from parcours.config import Settings
from parcours.core.recent import Recent, together
from parcours.core.totals import FactCounter, Totals
from parcours.errors import ShardUnavailable
from parcours.figures_settings import FiguresSettings
from parcours.insight.campaign_counts import CampaignTally
from parcours.insight.health import Counters, Sign, signs_of
from parcours.insight.store_report import StoreReport, report_of
from parcours.insight.summary import CampaignCount, JourneyCount, by_journey, journey_counts
from parcours.journey.program import Journey, Program
from parcours.journey.publish.ledger import Ledger
from parcours.routing.ports import ShardPort
from parcours.service.figures import ask_all

if TYPE_CHECKING:
    from parcours.campaigns.run_place import RunPlace


@dataclass(frozen=True, slots=True)
class LiveReport:
    """
    ledger     of what is published
    versions   the versions of journeys and campaigns that somebody may go by
    totals     of all shards
    clock_ms   the newest effective time, None where nothing has happened
    campaigns  what the runs of each have told
    counters   those of all shards by which it is told how journeys are
    figures    what counts as a sign
    """

    ledger: Ledger
    versions: tuple[Journey, ...]
    totals: Totals
    clock_ms: int | None
    campaigns: CampaignTally
    counters: Counters
    figures: FiguresSettings

    def signs(self, name: str) -> list[Sign]:
        """The signs that something is wrong with a journey of the ledger, worst first; none if it is fine."""
        entry = self.ledger.journeys[name]
        newest = next(
            (each for each in self.versions if (each.name, each.version) == (name, entry.newest.number)), None
        )
        return signs_of(name, entry, None if newest is None else newest.goal, self.counters, self.figures)

    def entered_lately(self, name: str) -> int:
        """How many runs of a journey have entered in the last `recent_hours`."""
        counts = self.counters.recent.hours
        return sum(number for (kind, of, _, _), number in counts if (kind, of) == ("entered", name))

    @property
    def counts(self) -> dict[str, list[JourneyCount]]:
        """The counts of the versions of each journey, and of each campaign's people, the newest first."""
        return by_journey(journey_counts(self.totals, self.versions))

    @property
    def report(self) -> StoreReport:
        """The whole report."""
        return report_of(self.totals, self.versions, self.clock_ms, campaigns=self.campaigns)

    @property
    def campaign_counts(self) -> Mapping[str, CampaignCount]:
        """The counts of each campaign, by name."""
        return self.report.summary.campaigns or {}


async def live_report(
    ports: Sequence[ShardPort],
    ledger: Ledger,
    program: Program,
    settings: Settings,
    runs: Mapping[str, Iterable[RunPlace]],
    now_ms: int,
) -> LiveReport:
    """The report of now. Raises ShardUnavailable where a shard does not answer.

    runs    of each campaign, how far those are of which something is kept
    now_ms  as of when it is, by the clock
    """
    recent, late = list[Recent](), dict[str, int]()
    counter, clock_ms = FactCounter(settings.totals_max, settings.reasons_max), 0
    for number, answer in enumerate(await ask_all(ports)):
        figures = answer.figures
        if figures is None:
            raise ShardUnavailable(f"shard {number} does not answer")
        counter.include(figures.totals)
        recent.append(figures.recent)
        late |= {name: max(late.get(name, 0), late_ms) for name, late_ms in figures.late.items()}
        clock_ms = max(clock_ms, figures.status.stamp_ms)
    tally = campaign_tally(program, runs)
    totals, versions = counter.totals(), tuple(program.versions())
    counters = Counters(totals, together(recent), late, now_ms)
    return LiveReport(ledger, versions, totals, clock_ms or None, tally, counters, settings.figures)


def campaign_tally(program: Program, runs: Mapping[str, Iterable[RunPlace]]) -> CampaignTally:
    """What these runs have told, of the campaigns that are published or have been."""
    names = program.conducted_names()
    conducted = (*program.campaigns, *program.draining_campaigns, *program.keeping)
    known = [each for each in conducted if each.name in names]
    tally = CampaignTally(sorted(known, key=lambda each: (each.name, -each.version)))
    for name in sorted(names):
        for place in runs.get(name, ()):
            tally.begin(name, place.number)
            for line in place.lines:
                tally.add(line)
    return tally
