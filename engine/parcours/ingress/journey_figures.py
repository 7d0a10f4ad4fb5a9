"""Which journey is asked for, and what is counted of it? The same for its JSON and for its screens."""

from __future__ import annotations

from collections.abc import Sequence

from parcours.ingress.door import Door
from parcours.ingress.exchange import Problem, Request
from parcours.insight.summary import JourneyCount, merged_journey
from parcours.journey.publish.ledger import Ledger, LedgerEntry
from parcours.service.live_report import LiveReport


def journeys_of(door: Door, ledger: Ledger) -> list[tuple[str, LedgerEntry]]:
    """All journeys, by name. A campaign has its own."""
    campaigns = door.service.program.campaign_names()
    return [(name, entry) for name, entry in sorted(ledger.journeys.items()) if name not in campaigns]


def journey_asked(door: Door, ledger: Ledger, request: Request) -> tuple[str, LedgerEntry]:
    """The journey that the path names. Raises Problem where there is none."""
    name = request.params["name"]
    entry = ledger.journeys.get(name)
    if entry is None:
        raise Problem(404, "unknown", "there is no such journey")
    if name in door.service.program.campaign_names():
        raise Problem(404, "unknown", "there is no such journey, and a campaign of this name: it is under /campaigns")
    return name, entry


def counts_asked(report: LiveReport, name: str, request: Request) -> Sequence[JourneyCount]:
    """The counts of its versions, or of the one that `?version=` asks for. Raises Problem where that is not there."""
    counts = report.counts.get(name, [])
    if (asked := request.query.get("version")) is None:
        return counts
    if not (chosen := [each for each in counts if str(each.version) == asked]):
        raise Problem(404, "unknown", f"there is no version {asked[:20]} of it, or not any more")
    return chosen


def together(counts: Sequence[JourneyCount], entry: LedgerEntry) -> JourneyCount:
    """What they come to."""
    return merged_journey(list(counts)) if counts else JourneyCount(version=entry.newest.number)


def open_runs(count: JourneyCount) -> int:
    """How many runs are in it now."""
    return sum(step.waiting for step in count.steps.values())
