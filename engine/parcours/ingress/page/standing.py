"""How does a journey stand? What its screens tell of it, of all its versions together or of one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from parcours.ingress.journey_figures import open_runs, together
from parcours.insight.summary import JourneyCount
from parcours.journey.picture.counts import PictureCounts, StepCounts
from parcours.journey.program import Journey
from parcours.journey.publish.ledger import LedgerEntry
from parcours.service.live_report import LiveReport


@dataclass(frozen=True, slots=True)
class Standing:
    """
    entry    of the ledger
    count    over the versions that are looked at
    versions that are looked at
    lately   how many have entered in the last `hours`, over all versions
    peopled  how many runs are in each of these versions that anybody is in, the newest first
    parked   of the runs that wait, how many are parked, by step
    journey  as it is compiled, in the newest of these versions; None where it is kept no more
    """

    name: str
    entry: LedgerEntry
    count: JourneyCount
    versions: frozenset[int]
    lately: int
    hours: int
    peopled: Mapping[int, int]
    parked: Mapping[str, int]
    journey: Journey | None

    @property
    def in_it(self) -> int:
        return open_runs(self.count)

    @property
    def target_percent(self) -> float | None:
        goal = None if self.journey is None else self.journey.goal
        return None if goal is None else goal.target_percent

    @property
    def tags(self) -> tuple[str, ...]:
        return () if self.journey is None else self.journey.tags

    def picture_counts(self) -> PictureCounts:
        """The same for the picture."""
        steps = {
            step: StepCounts(
                inflow=count.inflow,
                waiting=count.waiting,
                gone_on=count.gone_on,
                ended=count.ended,
                parked=self.parked.get(step, 0),
            )
            for step, count in self.count.steps.items()
        }
        return PictureCounts(entered=self.count.entered, steps=steps)


def standing(report: LiveReport, name: str, entry: LedgerEntry, counts: Sequence[JourneyCount]) -> Standing:
    """Of a journey, by the counts of the versions that are looked at."""
    count = together(counts, entry)
    return Standing(
        name=name,
        entry=entry,
        count=count,
        versions=frozenset(each.version for each in counts),
        lately=report.entered_lately(name),
        hours=report.figures.recent_hours,
        peopled={each.version: open_runs(each) for each in counts if open_runs(each)},
        parked=_parked(report, name, counts),
        journey=next((each for each in report.versions if (each.name, each.version) == (name, count.version)), None),
    )


def _parked(report: LiveReport, name: str, counts: Iterable[JourneyCount]) -> Mapping[str, int]:
    """How many have been parked at each step is counted, and not how many have left since: no more than wait there."""
    steps = {(each.version, step): count.waiting for each in counts for step, count in each.steps.items()}
    ever: Counter[tuple[int, str]] = Counter()
    for (journey, version, step, what, _), times in report.totals.ways:
        if journey == name and what == "parked":
            ever[version, step] += times
    parked: Counter[str] = Counter()
    for (version, step), times in ever.items():
        if now := min(times, steps.get((version, step), 0)):
            parked[step] += now
    return parked
