"""The report of a store: what its shards have counted, journey by journey, and what explains it.

The same of a store that no engine uses, of a running engine, and of one behind a door, so that they cannot differ.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from parcours.core.counted import Reason
from parcours.core.totals import Parked, Totals
from parcours.insight.campaign_counts import CampaignTally
from parcours.insight.summary import JourneyCount, Outline, Summary, by_journey, events_of, journey_counts, summary_of
from parcours.journey.program import Journey

if TYPE_CHECKING:
    from rich.console import Console


class StoreReport(msgspec.Struct, frozen=True, kw_only=True):
    """
    summary        the counts; of each journey those of its newest version, of each campaign those of all its runs
    older          the counts of its older versions, the newer first
    targets        the goals' targets in percent, by journey; None where a goal has none
    reasons        ((channel, outcome, reason), how often)
    limits         how often each setting's limit was reached
    unknown_zones  how often somebody was given each of the time zones that do not exist
    not_merged     how often another id was said to be somebody's, by the call that said it
    parked         ((journey, step, reason), how many runs)
    """

    summary: Summary
    older: Mapping[str, Sequence[JourneyCount]] = {}
    targets: Mapping[str, float | None] = {}
    reasons: Sequence[tuple[Reason, int]] = ()
    limits: Mapping[str, int] = {}
    unknown_zones: Mapping[str, int] = {}
    not_merged: Mapping[str, int] = {}
    parked: Sequence[tuple[Parked, int]] = ()


def report_of(
    totals: Totals,
    versions: Sequence[Outline],
    clock_ms: int | None,
    targets: Mapping[str, float | None] | None = None,
    campaigns: CampaignTally | None = None,
) -> StoreReport:
    """The report of these totals.

    versions   the versions of journeys and campaigns that are known, in the order in which to tell of them
    clock_ms   the newest effective time
    targets    the goals' targets, where the versions do not know them
    campaigns  what their runs have told; whatever it counts is told as a campaign, and as no journey
    """
    counts = by_journey(journey_counts(totals, versions))
    goals = {name: sum(each.goal for each in of_name) for name, of_name in counts.items()}
    counted = {} if campaigns is None else campaigns.counts(goals)
    counts = {name: each for name, each in counts.items() if name not in counted}
    summary = summary_of(totals, {name: each[0] for name, each in counts.items()}, events_of(totals), clock_ms)
    return StoreReport(
        summary=msgspec.structs.replace(summary, campaigns=counted or msgspec.UNSET),
        older={name: each[1:] for name, each in counts.items()},
        targets=_targets(versions) if targets is None else targets,
        reasons=totals.reasons,
        limits=dict(totals.limits),
        unknown_zones=dict(totals.unknown_zones),
        not_merged=dict(totals.not_merged),
        parked=totals.parked,
    )


def _targets(versions: Sequence[Outline]) -> dict[str, float | None]:
    compiled = [each for each in reversed(versions) if isinstance(each, Journey)]
    return {each.name: each.goal.target_percent for each in compiled if each.goal is not None}


def print_store_report(console: Console, report: StoreReport, *, lines_counted: bool = True) -> None:
    """Print it, its parts separated by empty lines. `lines_counted` is False where nobody has counted lines."""
    from parcours.insight.report import print_report

    print_report(
        console,
        report.summary,
        targets=report.targets,
        reasons=Counter(dict(report.reasons)),
        limits=report.limits,
        unknown_zones=report.unknown_zones,
        not_merged=report.not_merged,
        parked=dict(report.parked),
        older=report.older,
        lines_counted=lines_counted,
    )
