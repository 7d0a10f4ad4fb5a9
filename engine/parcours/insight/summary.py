"""The counts of facts: per journey and step, channel and gate.

They are made from totals (core/totals.py): those of a simulation, or those that shards keep. All facts of a person have
to pass through the same tally; tallies of different people can be merged.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Protocol, TypeAlias, TypeVar

import msgspec

from parcours.config import Settings, settings_of
from parcours.core.fact import Fact
from parcours.core.remarks import StepRemark
from parcours.core.time_text import time_text
from parcours.core.totals import FactCounter, Parked, Totals
from parcours.insight.offer_counts import OfferCounts, merged_offers, offer_counts
from parcours.journey.campaign_steps import SetRef

S = TypeVar("S", bound=msgspec.Struct)
T = TypeVar("T")

Reasons: TypeAlias = Counter[tuple[str, str, str]]
"""How often a channel gave a reason for an outcome: (channel, outcome, reason). Two of them can be added."""


Remarks: TypeAlias = Mapping[str, Mapping[str, Mapping[str, Mapping[str, int]]]]
"""How many deliveries have each remark of their channel's check, by journey, step, channel and remark."""


class StepCount(msgspec.Struct, frozen=True, kw_only=True):
    """How many runs reached a step, and where they went. A parked run counts as waiting."""

    inflow: int = 0
    waiting: int = 0
    gone_on: int = 0
    ended: int = 0


class JourneyCount(msgspec.Struct, frozen=True, kw_only=True):
    """One journey: runs entered, runs that reached the goal, and each step in the order of the document."""

    version: int
    entered: int = 0
    goal: int = 0
    steps: Mapping[str, StepCount] = {}


class EventCount(msgspec.Struct, frozen=True, kw_only=True):
    """How many lines were read, by result. `unmatched` are reactions that match no delivery."""

    read: int = 0
    used: int = 0
    duplicate: int = 0
    rejected: int = 0
    unmatched: int = 0
    undeclared: int = 0


class CampaignStepCount(msgspec.Struct, frozen=True, kw_only=True):
    """How many people, or rows, a step of a campaign took over all runs, and where they went.

    The inflow is the sum of outputs that do not overlap and of what was dropped, by reason.
    """

    inflow: int = 0
    outputs: Mapping[str, int] = {}
    dropped: Mapping[str, int] = {}


class CampaignCount(msgspec.Struct, frozen=True, kw_only=True):
    """One campaign: runs that began, people's runs that reached the goal, and each step in the document's order."""

    version: int
    runs: int = 0
    goal: int = 0
    steps: Mapping[str, CampaignStepCount] = {}

    def sizes(self) -> dict[str, int]:
        """How many were in each set over all runs, by `STEP` or `STEP.OUTPUT`."""
        return {
            str(SetRef(step, output)): size
            for step, count in self.steps.items()
            for output, size in count.outputs.items()
        }


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """The counts of a whole simulation or store; summary.json holds exactly this.

    channels  per channel, how many deliveries reached each outcome
    gates     per gate, how many deliveries it refused or held
    clock     the newest effective time, None where nothing happened
    campaigns  unset, and no key of the file, where the project has none
    limits    how often each setting's limit was reached; unset, and no key of the file, where none was
    parked    how many runs of each journey were parked at each step; unset, and no key of the file, where none was
    remarks   how many rendered deliveries of each step and channel have each remark of the channel's check; unset, and
              no key of the file, where none has
    offers    what became of each offer at each placement; unset, and no key of the file, where nothing was decided
    """

    journeys: Mapping[str, JourneyCount] = {}
    channels: Mapping[str, Mapping[str, int]] = {}
    gates: Mapping[str, int] = {}
    events: EventCount = EventCount()
    clock: str | None = None
    campaigns: Mapping[str, CampaignCount] | msgspec.UnsetType = msgspec.UNSET
    limits: Mapping[str, int] | msgspec.UnsetType = msgspec.UNSET
    remarks: Remarks | msgspec.UnsetType = msgspec.UNSET
    parked: Mapping[str, Mapping[str, int]] | msgspec.UnsetType = msgspec.UNSET
    offers: OfferCounts | msgspec.UnsetType = msgspec.UNSET


class Outline(Protocol):
    """The part of a compiled journey that counting needs."""

    @property
    def name(self) -> str: ...
    @property
    def version(self) -> int: ...
    @property
    def steps(self) -> Iterable[str]:
        """The ids of the steps, in the order of the document."""


class Tally:
    """Counts facts as they happen. It needs memory for neither runs nor facts."""

    def __init__(self, journeys: Iterable[Outline], settings: Settings | None = None) -> None:
        """`journeys` lists journeys and steps in the order of the counts, also those that nobody reaches."""
        bounds = settings_of(settings)
        self._journeys = tuple(journeys)
        self._counter = FactCounter(bounds.totals_max, bounds.reasons_max)

    def add(self, facts: Sequence[Fact]) -> None:
        """Count these facts."""
        self._counter.add(facts)

    def summary(self, events: EventCount, clock_ms: int | None) -> Summary:
        """The counts so far; those of a journey are of all its versions.

        events    the caller's count of lines; the reactions found unmatched are added to it
        clock_ms  the newest effective time
        """
        totals = self._counter.totals()
        versions = by_journey(journey_counts(totals, self._journeys))
        journeys = {name: merged_journey(counts) for name, counts in versions.items()}
        return summary_of(totals, journeys, events, clock_ms)

    def reasons(self) -> Reasons:
        """The reasons of refusals, failures and the like, as far as there are any."""
        return Counter(dict(self._counter.totals().reasons))

    def limits(self) -> Counter[str]:
        """How often each setting's limit was reached."""
        return Counter(dict(self._counter.totals().limits))

    def unknown_zones(self) -> Counter[str]:
        """How often somebody was given each of the time zones that do not exist."""
        return Counter(dict(self._counter.totals().unknown_zones))

    def not_merged(self) -> Counter[str]:
        """How often another id was said to be somebody's, by the call that said it."""
        return Counter(dict(self._counter.totals().not_merged))

    def parked(self) -> Counter[Parked]:
        """How many runs were parked, by (journey, step, reason)."""
        return Counter(dict(self._counter.totals().parked))


def journey_counts(totals: Totals, journeys: Iterable[Outline]) -> list[tuple[str, JourneyCount]]:
    """The counts of each version of each journey: those outlined in their order, then all others."""
    steps: dict[tuple[str, int], dict[str, StepCount]] = {
        (journey.name, journey.version): {step: StepCount() for step in journey.steps} for journey in journeys
    }
    for (name, version, step), (inflow, gone_on, ended) in totals.steps:
        waiting = inflow - gone_on - ended
        count = StepCount(inflow=inflow, waiting=waiting, gone_on=gone_on, ended=ended)
        steps.setdefault((name, version), {})[step] = count
    moves: Counter[tuple[str, int, str]] = Counter()
    for (name, version, _, what, _), times in totals.ways:
        moves[name, version, what] += times
    return [
        (
            name,
            JourneyCount(
                version=version,
                entered=moves[name, version, "entered"],
                goal=moves[name, version, "goal"],
                steps=reached,
            ),
        )
        for (name, version), reached in steps.items()
    ]


def by_journey(counts: Iterable[tuple[str, JourneyCount]]) -> dict[str, list[JourneyCount]]:
    """The counts of each journey's versions, the newest first."""
    versions: dict[str, list[JourneyCount]] = {}
    for name, count in counts:
        versions.setdefault(name, []).append(count)
    return {name: sorted(each, key=lambda count: -count.version) for name, each in versions.items()}


def events_of(totals: Totals) -> EventCount:
    """The lines that shards have taken; `summary_of` adds the reactions found unmatched."""
    accepted, undeclared, duplicate, rejected = totals.lines
    return EventCount(
        read=sum(totals.lines),
        used=accepted - totals.unmatched,
        duplicate=duplicate,
        rejected=rejected,
        undeclared=undeclared,
    )


def summary_of(
    totals: Totals, journeys: Mapping[str, JourneyCount], events: EventCount, clock_ms: int | None
) -> Summary:
    """The counts of these journeys, with those of channels and gates."""
    channels: dict[str, Counter[str]] = {}
    gates: Counter[str] = Counter()
    for (_, _, _, channel, outcome, gate), times in totals.deliveries:
        channels.setdefault(channel, Counter())[outcome] += times
        if gate:
            gates[gate] += times
    parked: dict[str, Counter[str]] = {}
    for (journey, _, step, what, _), number in totals.ways:
        if what == "parked":
            parked.setdefault(journey, Counter())[step] += number
    return Summary(
        journeys=journeys,
        channels={name: _sorted(outcomes) for name, outcomes in sorted(channels.items())},
        gates=_sorted(gates),
        events=msgspec.structs.replace(events, unmatched=events.unmatched + totals.unmatched),
        clock=None if clock_ms is None else time_text(clock_ms),
        limits=dict(totals.limits) or msgspec.UNSET,
        parked={name: _sorted(steps) for name, steps in sorted(parked.items())} or msgspec.UNSET,
        offers=offer_counts(totals) or msgspec.UNSET,
    )


def merge(summaries: Iterable[Summary]) -> Summary:
    """The sum of summaries of different people; journeys and steps in the order in which they first occur."""
    parts = list(summaries)
    return Summary(
        journeys=_by_name((part.journeys for part in parts), merged_journey),
        channels=dict(sorted(_by_name((part.channels for part in parts), _merged_counts).items())),
        gates=_merged_counts([part.gates for part in parts]),
        events=_added(EventCount, [part.events for part in parts]),
        # Years have four digits, so texts compare as the times do.
        clock=max((part.clock for part in parts if part.clock is not None), default=None),
        campaigns=_by_name((part.campaigns for part in parts if part.campaigns), _merged_campaign) or msgspec.UNSET,
        limits=_merged_counts([part.limits for part in parts if part.limits]) or msgspec.UNSET,
        remarks=_merged_remarks([part.remarks for part in parts if part.remarks]) or msgspec.UNSET,
        parked=_by_name((part.parked for part in parts if part.parked), _merged_counts) or msgspec.UNSET,
        offers=merged_offers(part.offers for part in parts if part.offers) or msgspec.UNSET,
    )


def remarks_by_place(remarks: Mapping[StepRemark, int]) -> Remarks:
    """The counts of remarks as a summary has them."""
    places: dict[str, dict[str, dict[str, dict[str, int]]]] = {}
    for (journey, step, channel, remark), times in sorted(remarks.items()):
        places.setdefault(journey, {}).setdefault(step, {}).setdefault(channel, {})[remark] = times
    return places


def flat_remarks(remarks: Remarks) -> dict[StepRemark, int]:
    """The counts of remarks, each with its place."""
    return {
        (journey, step, channel, remark): times
        for journey, steps in remarks.items()
        for step, channels in steps.items()
        for channel, counts in channels.items()
        for remark, times in counts.items()
    }


def _by_name(parts: Iterable[Mapping[str, T]], merged: Callable[[list[T]], T]) -> dict[str, T]:
    together: dict[str, list[T]] = {}
    for part in parts:
        for name, each in part.items():
            together.setdefault(name, []).append(each)
    return {name: merged(each) for name, each in together.items()}


def merged_journey(parts: list[JourneyCount]) -> JourneyCount:
    """The sum of the counts of several versions of a journey, or of different people."""
    return JourneyCount(
        version=max(part.version for part in parts),
        entered=sum(part.entered for part in parts),
        goal=sum(part.goal for part in parts),
        steps=_by_name((part.steps for part in parts), partial(_added, StepCount)),
    )


def _merged_campaign(parts: list[CampaignCount]) -> CampaignCount:
    """A campaign is one for everybody, so summaries of different people have the same runs and sets of it."""
    return msgspec.structs.replace(parts[0], goal=sum(part.goal for part in parts))


def _merged_counts(parts: list[Mapping[str, int]]) -> Mapping[str, int]:
    return _sorted(_by_name(parts, sum))


def _merged_remarks(parts: list[Remarks]) -> Remarks:
    together: Counter[StepRemark] = Counter()
    for part in parts:
        together.update(flat_remarks(part))
    return remarks_by_place(together)


def _added(kind: type[S], parts: list[S]) -> S:
    """Field by field."""
    return kind(**{field: sum(getattr(part, field) for part in parts) for field in kind.__struct_fields__})


def _sorted(counts: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(counts.items()))
