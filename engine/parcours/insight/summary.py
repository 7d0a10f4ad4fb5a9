"""The counts of facts: per journey and step, channel and gate.

A tally follows every run from step to step and counts those that wait one by one, instead of deducing their number: so
inflow = waiting + gone on + ended is a true check of the facts. All facts of a person have to pass through the same
tally; tallies of different people can be merged.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Protocol, TypeAlias, TypeVar, assert_never

import msgspec

from parcours.core.fact import DeliveryReached, Fact, LimitReached, Moved, Unmatched, Unmet
from parcours.core.time_text import time_text

S = TypeVar("S", bound=msgspec.Struct)
T = TypeVar("T")

INTERNAL_OUTCOMES = frozenset({"queued", "claimed", "retried"})
"""States on the way to the channel, which neither counts nor files show."""

COUNTED_MOVES = frozenset({"entered", "goal", "reached", "exited", "ended"})
"""Moves that change a run's place in the counts; after any other it counts at its step until it reaches the next."""

REASONED_OUTCOMES = frozenset(
    {"held", "refused", "failed", "unknown", "cancelled", "bounced", "complained", "answered"}
)
"""Outcomes that have a reason. What is noted with others, such as the link clicked, is none."""

REASONS_MAX = 500
"""Different reasons counted apart. A channel that words each reason anew must not fill the memory."""

OTHER_REASONS = "other reasons"

Reasons: TypeAlias = Counter[tuple[str, str, str]]
"""How often a channel gave a reason for an outcome: (channel, outcome, reason). Two of them can be added."""


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


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """The counts of a whole simulation or store; summary.json holds exactly this.

    channels  per channel, how many deliveries reached each outcome
    gates     per gate, how many deliveries it refused or held
    clock     the newest effective time, None where nothing happened
    """

    journeys: Mapping[str, JourneyCount] = {}
    channels: Mapping[str, Mapping[str, int]] = {}
    gates: Mapping[str, int] = {}
    events: EventCount = EventCount()
    clock: str | None = None


class _StepTally(msgspec.Struct, gc=False):
    """A step while it is still being counted; who waits there is counted at the end."""

    inflow: int = 0
    gone_on: int = 0
    ended: int = 0


class _JourneyTally(msgspec.Struct):
    """A journey while it is still being counted."""

    version: int
    entered: int = 0
    goal: int = 0
    steps: dict[str, _StepTally] = {}


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
    """Counts facts as they happen. It needs memory for open runs, not for facts."""

    def __init__(self, journeys: Iterable[Outline]) -> None:
        """`journeys` lists journeys and steps in the order of the counts, also those that nobody reaches."""
        self._journeys = {
            journey.name: _JourneyTally(journey.version, steps={step: _StepTally() for step in journey.steps})
            for journey in journeys
        }
        self._places: dict[tuple[str, str, int], str] = {}
        self._channels: dict[str, dict[str, int]] = {}
        self._gates: dict[str, int] = {}
        self._reasons: Reasons = Counter()
        self._limits: Counter[str] = Counter()
        self._unmatched = 0

    def add(self, facts: Iterable[Fact]) -> None:
        """Count these facts; those of each person come in the order of happening."""
        for fact in facts:
            match fact:
                case Moved():
                    self._move(fact)
                case DeliveryReached():
                    self._delivery(fact)
                case Unmatched():
                    self._unmatched += 1
                case LimitReached():
                    self._limits[fact.setting] += 1
                case Unmet():
                    pass  # an unmet entry has no counter
                case _:
                    assert_never(fact)

    def summary(self, events: EventCount, clock_ms: int | None) -> Summary:
        """The counts so far.

        events    the caller's count of lines; the reactions found unmatched are added to it
        clock_ms  the newest effective time
        """
        waiting = Counter((journey, step) for (_, journey, _), step in self._places.items())
        return Summary(
            journeys={
                name: JourneyCount(
                    version=count.version,
                    entered=count.entered,
                    goal=count.goal,
                    steps={
                        step: StepCount(
                            inflow=each.inflow, waiting=waiting[name, step], gone_on=each.gone_on, ended=each.ended
                        )
                        for step, each in count.steps.items()
                    },
                )
                for name, count in self._journeys.items()
            },
            channels={name: _sorted(outcomes) for name, outcomes in sorted(self._channels.items())},
            gates=_sorted(self._gates),
            events=msgspec.structs.replace(events, unmatched=events.unmatched + self._unmatched),
            clock=None if clock_ms is None else time_text(clock_ms),
        )

    def reasons(self) -> Reasons:
        """The reasons of refusals, failures and the like, as far as there are any."""
        return self._reasons.copy()

    def limits(self) -> Counter[str]:
        """How often each setting's limit was reached."""
        return self._limits.copy()

    def _move(self, fact: Moved) -> None:
        if fact.run is None or fact.what not in COUNTED_MOVES:
            return
        count = self._journeys.get(fact.journey)
        if count is None:
            count = self._journeys[fact.journey] = _JourneyTally(fact.version)
        match fact.what:
            case "reached":  # most moves are "reached"
                self._reach(count, (fact.person, fact.journey, fact.run), fact.step)
            case "entered":
                count.entered += 1
            case "goal":
                count.goal += 1
            case "exited" | "ended":
                left = self._places.pop((fact.person, fact.journey, fact.run), None)
                if left is not None:
                    count.steps[left].ended += 1
            case _:
                raise AssertionError(f"{fact.what} is not counted")

    def _reach(self, count: _JourneyTally, run: tuple[str, str, int], step: str | None) -> None:
        assert step is not None, "a run reaches a step by name"
        left = self._places.get(run)
        if left is not None:
            count.steps[left].gone_on += 1
        self._places[run] = step
        reached = count.steps.get(step)
        if reached is None:
            reached = count.steps[step] = _StepTally()
        reached.inflow += 1

    def _delivery(self, fact: DeliveryReached) -> None:
        if fact.outcome in INTERNAL_OUTCOMES:
            return
        outcomes = self._channels.setdefault(fact.channel, {})
        outcomes[fact.outcome] = outcomes.get(fact.outcome, 0) + 1
        if fact.gate is not None:
            self._gates[fact.gate] = self._gates.get(fact.gate, 0) + 1
        if fact.reason is not None and fact.outcome in REASONED_OUTCOMES:
            told = fact.code is None or fact.code in fact.reason
            self._reason(fact, fact.reason if told else f"{fact.reason} ({fact.code})")

    def _reason(self, fact: DeliveryReached, reason: str) -> None:
        known = (fact.channel, fact.outcome, reason) in self._reasons or len(self._reasons) < REASONS_MAX
        self._reasons[fact.channel, fact.outcome, reason if known else OTHER_REASONS] += 1


def merge(summaries: Iterable[Summary]) -> Summary:
    """The sum of summaries of different people; journeys and steps in the order in which they first occur."""
    parts = list(summaries)
    return Summary(
        journeys=_by_name((part.journeys for part in parts), _merged_journey),
        channels=dict(sorted(_by_name((part.channels for part in parts), _merged_counts).items())),
        gates=_merged_counts([part.gates for part in parts]),
        events=_added(EventCount, [part.events for part in parts]),
        # Years have four digits, so texts compare as the times do.
        clock=max((part.clock for part in parts if part.clock is not None), default=None),
    )


def _by_name(parts: Iterable[Mapping[str, T]], merged: Callable[[list[T]], T]) -> dict[str, T]:
    together: dict[str, list[T]] = {}
    for part in parts:
        for name, each in part.items():
            together.setdefault(name, []).append(each)
    return {name: merged(each) for name, each in together.items()}


def _merged_journey(parts: list[JourneyCount]) -> JourneyCount:
    return JourneyCount(
        version=max(part.version for part in parts),
        entered=sum(part.entered for part in parts),
        goal=sum(part.goal for part in parts),
        steps=_by_name((part.steps for part in parts), partial(_added, StepCount)),
    )


def _merged_counts(parts: list[Mapping[str, int]]) -> Mapping[str, int]:
    return _sorted(_by_name(parts, sum))


def _added(kind: type[S], parts: list[S]) -> S:
    """Field by field."""
    return kind(**{field: sum(getattr(part, field) for part in parts) for field in kind.__struct_fields__})


def _sorted(counts: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(counts.items()))
