"""How is a journey? A closed list of signs that something is not as it should be, worst first.

They are found in counters alone, those of all shards together, so nobody is looked at. A sign has its figures, and says
where what it tells of can be seen; what is no sign is fine.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import msgspec

from parcours.config import DAY_MS
from parcours.core.recent import Kind, Recent
from parcours.core.totals import Totals
from parcours.figures_settings import FiguresSettings
from parcours.insight.figures import about_text, counted_text, exact, percent_text
from parcours.insight.sentences import refused
from parcours.journey.parts import Goal
from parcours.journey.publish.ledger import LedgerEntry

SignName: TypeAlias = Literal[
    "parked", "late", "failing", "held_back", "nobody", "under_target", "draining", "pinned"
]  # fmt: skip
"""Worst first."""

BAD: Final = ("failed", "bounced", "unknown")
"""Outcomes that are a sign of failing."""

ATTEMPTED: Final = ("sent", "failed", "unknown")
"""Each delivery that was handed over comes to one of these; one that bounces was sent before."""

MEANT: Final = frozenset({"paused", "outside_dates"})
"""Refused entries that somebody has asked for."""


class Sign(msgspec.Struct, frozen=True, kw_only=True):
    """
    figures  whole numbers by name; times in ms
    because  what it is mostly about: of parked runs the reason, of held back the gate, of nobody the condition or the
             reason, of draining the version; "" where there is nothing to say
    where    the path of the door at which it shows
    """

    sign: SignName
    figures: Mapping[str, int]
    because: str = ""
    where: str


@dataclass(frozen=True, slots=True)
class Counters:
    """Of all shards.

    late    by journey, for how long a timer of its runs has been due, in ms
    now_ms  as of when they are
    """

    totals: Totals
    recent: Recent
    late: Mapping[str, int]
    now_ms: int


def signs_of(
    name: str, entry: LedgerEntry, goal: Goal | None, counters: Counters, settings: FiguresSettings
) -> list[Sign]:
    """The signs of a journey, worst first; none if it is fine.

    goal  of its newest version
    """
    of_journey = _Journey(name, entry, goal, counters, settings)
    found = (
        of_journey.parked(),
        of_journey.late(),
        of_journey.failing(),
        of_journey.held_back(),
        of_journey.nobody(),
        of_journey.under_target(),
        of_journey.draining(),
        of_journey.pinned(),
    )
    return [sign for sign in found if sign is not None]


@dataclass(frozen=True, slots=True)
class _Journey:
    name: str
    entry: LedgerEntry
    goal: Goal | None
    counters: Counters
    settings: FiguresSettings

    @property
    def path(self) -> str:
        return f"/journeys/{self.name}"

    def parked(self) -> Sign | None:
        """No more of them can be parked at a step than wait there: some have left since, as by a stop."""
        waiting, found = self._waiting_by_step(), Counter[str]()
        for (journey, step, _), number in self.counters.totals.parked:
            if journey == self.name:
                found[step] += number
        parked = Counter({step: min(number, waiting[step]) for step, number in found.items() if waiting[step] > 0})
        if not parked:
            return None
        step = _most(parked)
        reasons = {why: many for (of, at, why), many in self.counters.totals.parked if (of, at) == (self.name, step)}
        figures = {"runs": parked.total(), "at_step": parked[step]}
        return Sign(sign="parked", figures=figures, because=_most(reasons), where=f"{self.path}?step={step}")

    def late(self) -> Sign | None:
        late_ms = self.counters.late.get(self.name, 0)
        return (
            Sign(sign="late", figures={"late_ms": late_ms}, where="/engine")
            if late_ms > self.settings.late_ms
            else None
        )

    def failing(self) -> Sign | None:
        outcomes = self._happened("delivery")
        bad = sum(outcomes[each] for each in BAD)
        deliveries = max(bad, sum(outcomes[each] for each in ATTEMPTED))
        enough = deliveries >= self.settings.failing_deliveries_min
        if not enough or not _exceeds(bad, deliveries, self.settings.failing_percent):
            return None
        figures = {"deliveries": deliveries, **{each: outcomes[each] for each in BAD}}
        return Sign(sign="failing", figures=figures, where=f"/deliveries?journey={self.name}")

    def held_back(self) -> Sign | None:
        gates, passed = self._happened("gate"), self._happened("queued").total()
        decided = gates.total() + passed
        if decided < self.settings.held_deliveries_min or not gates:
            return None
        gate = _most(gates)
        if not _exceeds(gates[gate], decided, self.settings.held_percent):
            return None
        figures = {"decided": decided, "stopped": gates[gate]}
        return Sign(sign="held_back", figures=figures, because=gate, where=f"/deliveries?journey={self.name}")

    def nobody(self) -> Sign | None:
        if self._happened("entered", of_hours=True):
            return None
        refusals = self._happened("refused", of_hours=True)
        objections = Counter({why: number for why, number in refusals.items() if why not in MEANT})
        came = self._happened("came", of_hours=True).total() + objections.total()
        if came < self.settings.nobody_events_min:
            return None
        causes = Counter({refused(why): number for why, number in objections.items()})
        causes.update(self._happened("unmet", of_hours=True))
        figures = {"events": came, "times": max(causes.values())}
        return Sign(sign="nobody", figures=figures, because=_most(causes), where=self.path)

    def under_target(self) -> Sign | None:
        if self.goal is None or self.goal.target_percent is None:
            return None
        runs, reached = self._past_the_goal(self.goal.within_ms), self._moves("goal")
        if runs < self.settings.target_runs_min or not _below(reached, runs, self.goal.target_percent):
            return None
        return Sign(sign="under_target", figures={"runs": runs, "goal": reached}, where=self.path)

    def draining(self) -> Sign | None:
        """The oldest version that should be empty by now, by when the one after it was published."""
        waiting = self._waiting_by_version()
        for version, after in zip(self.entry.versions, self.entry.versions[1:], strict=False):
            since_ms = self.counters.now_ms - after.at
            if waiting[version.number] > 0 and since_ms > self.settings.draining_ms:
                figures = {"version": version.number, "runs": waiting[version.number], "since_ms": since_ms}
                where = f"{self.path}/versions"
                return Sign(sign="draining", figures=figures, because=str(version.number), where=where)
        return None

    def pinned(self) -> Sign | None:
        lost_ms = dict(self.counters.totals.lost).get(self.name)
        paused_ms = self.entry.paused_at
        if paused_ms is None or lost_ms is None or lost_ms < paused_ms:
            return None
        return Sign(sign="pinned", figures={"paused_ms": paused_ms, "lost_ms": lost_ms}, where=self.path)

    def _past_the_goal(self, within_ms: int | None) -> int:
        """Runs that can reach the goal no more: they have entered too long ago, by whole days, or are over."""
        entered = self._moves("entered")
        if within_ms is None:
            return entered - sum(self._waiting_by_step().values())
        days = self.counters.totals.entered_on
        first_open = (self.counters.now_ms - within_ms) // DAY_MS
        known_from = min((day for (_, day), _ in days), default=first_open + 1)
        if known_from > first_open:
            return 0  # those of earlier releases, and of stores that are young, are not told apart by days
        return entered - sum(number for (journey, day), number in days if journey == self.name and day >= first_open)

    def _moves(self, what: str) -> int:
        return sum(
            number for (of, _, _, each, _), number in self.counters.totals.ways if (of, each) == (self.name, what)
        )

    def _waiting_by_step(self) -> Counter[str]:
        found = Counter[str]()
        for (journey, _, step), (inflow, gone_on, ended) in self.counters.totals.steps:
            if journey == self.name:
                found[step] += inflow - gone_on - ended
        return found

    def _waiting_by_version(self) -> Counter[int]:
        found = Counter[int]()
        for (journey, version, _), (inflow, gone_on, ended) in self.counters.totals.steps:
            if journey == self.name:
                found[version] += inflow - gone_on - ended
        return found

    def _happened(self, kind: Kind, *, of_hours: bool = False) -> Counter[str]:
        recent = self.counters.recent
        counts = recent.hours if of_hours else recent.minutes
        happened = Counter[str]()
        for (each, of, _, told), number in counts:
            if (each, of) == (kind, self.name):
                happened[told] += number
        return happened


def sentence(sign: Sign) -> str:
    """The sign in words."""
    told, because = sign.figures, sign.because
    match sign.sign:
        case "parked":
            return f"{counted_text(told['runs'], 'run stands', 'runs stand')} still for good, most of them: {because}"
        case "late":
            return f"a timer of it is {about_text(told['late_ms'])} late"
        case "failing":
            bad = sum(told[each] for each in BAD)
            parts = ", ".join(f"{told[each]:,} {each}" for each in BAD if told[each])
            return f"{percent_text(bad, told['deliveries'])} of {told['deliveries']:,} deliveries went wrong: {parts}"
        case "held_back":
            share = percent_text(told["stopped"], told["decided"])
            return f"the gate {because!r} refused or held {share} of {told['decided']:,} deliveries"
        case "nobody":
            return f"its entry event came {told['events']:,} times and nobody entered, mostly for this: {because}"
        case "under_target":
            share = percent_text(told["goal"], told["runs"])
            return f"{share} of the {told['runs']:,} runs whose time is over reached the goal, less than its target"
        case "draining":
            runs = counted_text(told["runs"], "run is", "runs are")
            return f"{runs} in version {because}, which was replaced {told['since_ms'] // DAY_MS:,} days ago"
        case "pinned":
            return "it is paused, and not all that happens meanwhile can be kept: some of it is lost"


def _most(counted: Mapping[str, int]) -> str:
    return min(counted, key=lambda each: (-counted[each], each))


def _exceeds(part: int, whole: int, percent: float) -> bool:
    return part * 100 > whole * exact(percent)


def _below(part: int, whole: int, percent: float) -> bool:
    return part * 100 < whole * exact(percent)
