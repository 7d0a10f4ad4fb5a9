"""Totals: the counters of facts, per step, way, outcome, gate and reason.

A simulation's summary and the totals of a shard are counted by this one definition, so that they cannot differ. A fact
holds all that its counting needs: no run has to be followed, and totals of different people can be added.

Names are those that projects declare, of every version ever published. Beyond `names_max` names of a kind, and beyond
`reasons_max` different reasons, or zones that do not exist, the rest is counted under one other name: sums stay exact,
and memory is bounded. Of reasons a channel has no more than `CHANNEL_REASONS_MAX`, so that one which words each anew
leaves the others room.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final, TypeAlias, TypeVar

import msgspec

from parcours.core.counted import Condition, Counted, Delivery, Reason
from parcours.core.fact import (
    Decided,
    Fact,
    LimitReached,
    Merged,
    NotMerged,
    OfferMarked,
    Unmatched,
    What,
    ZoneUnknown,
)
from parcours.core.offers.answer import CAPPED
from parcours.core.synced import Synced

MERGED: Final = "merged"
NOT_ASKED: Final = "not_asked"
"""What became of calls that name two ids of one person where no reason was told: she was merged, or that was not asked
for, as in facts from before there was merging."""

OTHER: Final = "other"
"""The journey under which everything beyond the bounds is counted."""

OTHER_REASONS: Final = "other reasons"

CHANNEL_REASONS_MAX: Final = 100
"""Different reasons of one channel that are counted apart."""

OTHER_ZONES: Final = "other zones"
OTHER_CONDITIONS: Final = "other conditions"
PERSONAL_ZONE: Final = "(personal)"
"""Under which zones are counted that are not told."""

Step: TypeAlias = tuple[str, int, str]
"""(journey, version, step)"""

Way: TypeAlias = tuple[str, int, str, str, str]
"""(journey, version, step, what, why) of a move; step and why are "" where the fact has none."""

Parked: TypeAlias = tuple[str, str, str]
"""(journey, step, reason) of runs that were parked."""

Offered: TypeAlias = tuple[str, str, str]
"""(offer, placement, what): a mark, `given_back`, DECIDED or KEPT_AWAY."""

DECIDED: Final = "decided"
"""Counts that somebody got the offer, also where it was given back later."""

KEPT_AWAY: Final = "capped"
"""Counts the decisions in which a cap kept the offer away, as far as facts tell of it."""

KEPT_INPUTS: Final = "kept_inputs_max"

DAYS_MAX: Final = 100
"""Days of which it is counted how many entered on each: few goals take longer, and totals are written often."""

_OTHER_STEP: Final[Step] = (OTHER, 0, "")
_OTHER_PARKED: Final[Parked] = (OTHER, "", OTHER_REASONS)
_INFLOW, _GONE_ON, _ENDED = range(3)

K = TypeVar("K")


class Totals(msgspec.Struct, frozen=True, array_like=True):
    """Totals as they are sent and stored; each list is sorted.

    facts   the number of facts counted
    steps   per step: runs that reached it, that went on to another step, and that ended there
    limits  how often each setting's limit was reached
    lines   lines taken by outcome: accepted, undeclared (accepted, too), duplicate, rejected
    unknown_zones  how often somebody was given a time zone that does not exist
    not_merged  how often another id was said to be somebody's, by the call that said it
    parked  how many runs were parked, by step and reason
    merges  what became of calls that ask for a merge: MERGED, or the reason why nobody was merged
    offers  per offer and placement, how often it was decided, marked, given back, and kept away by a cap
    unmet   how often each condition did not hold of an event that would have started the journey
    entered_on  how many runs have entered, by journey and day since 1970, of the newest `DAYS_MAX` days
    lost    by journey, when something that was kept for a pause was lost last, in ms
    synced  what became of changes of members, by destination and outcome
    """

    facts: int = 0
    steps: list[tuple[Step, tuple[int, int, int]]] = []
    ways: list[tuple[Way, int]] = []
    deliveries: list[tuple[Delivery, int]] = []
    reasons: list[tuple[Reason, int]] = []
    limits: list[tuple[str, int]] = []
    unmatched: int = 0
    lines: tuple[int, int, int, int] = (0, 0, 0, 0)
    unknown_zones: list[tuple[str, int]] = []
    not_merged: list[tuple[str, int]] = []
    parked: list[tuple[Parked, int]] = []
    merges: list[tuple[str, int]] = []
    offers: list[tuple[Offered, int]] = []
    unmet: list[tuple[Condition, int]] = []
    entered_on: list[tuple[tuple[str, int], int]] = []
    lost: list[tuple[str, int]] = []
    synced: list[tuple[tuple[str, str], int]] = []


NOTHING: Final = Totals()


class FactCounter:
    """Counts facts, in any order."""

    def __init__(self, names_max: int, reasons_max: int, counted: Totals = NOTHING) -> None:
        """`counted` are the totals to go on from; `newest_limits` has the newest fact of each limit reached since.

        changes  how often something was counted since; with it is kept when each counter of a step, a way or a delivery
                 has changed last, the newest at the end
        """
        self.facts = counted.facts
        self.changes = 0
        self._changed: dict[Step | Way | Delivery, int] = {}
        self._names_max = names_max
        self._reasons_max = reasons_max
        self._steps = {step: [*counts] for step, counts in counted.steps}
        self._ways = dict(counted.ways)
        self._deliveries = dict(counted.deliveries)
        self._reasons = dict(counted.reasons)
        self._reasons_of = Counter(channel for channel, _, _ in self._reasons)
        self._limits = dict(counted.limits)
        self._unmatched = counted.unmatched
        self._unknown_zones = dict(counted.unknown_zones)
        self._not_merged = dict(counted.not_merged)
        self._parked = dict(counted.parked)
        self._merges = dict(counted.merges)
        self._offers = dict(counted.offers)
        self._unmet = dict(counted.unmet)
        self._entered_on = dict(counted.entered_on)
        self._lost = dict(counted.lost)
        self._synced = dict(counted.synced)
        self.lines = counted.lines
        self.newest_limits: dict[str, LimitReached] = {}

    def add(self, facts: Sequence[Fact]) -> None:
        """Count these facts."""
        self.take(Counted(facts))

    def take(self, counted: Counted) -> None:
        """Count what facts add up to: a shard counts a commit while everybody waits for it."""
        self.facts += counted.facts
        self.changes += 1
        for (journey, version, left, step), number in counted.reached.items():
            assert step is not None, "a run reaches a step by name"
            self._step((journey, version, step))[_INFLOW] += number
            if left is not None:
                self._step((journey, version, left))[_GONE_ON] += number
        for move, number in counted.moves.items():
            self._move(*move, number)
        for delivery, number in counted.deliveries.items():
            self._deliver(delivery, number)
        for reason, number in counted.reasons.items():
            self._reason(reason, number)
        for condition, number in counted.unmet.items():
            self._miss(condition, number)
        for entered, number in counted.entered_on.items():
            self._enter(entered, number)
        for fact in counted.others:
            self._note(fact)

    def transfer(self, step: Step, runs: int) -> None:
        """So many runs at the step have come from other people's totals, or have gone there if it is less than 0."""
        self.changes += 1
        self._step(step)[_INFLOW] += runs

    def _note(self, fact: Fact) -> None:
        """Count a fact of one of the rare kinds."""
        if type(fact) is Unmatched:
            self._unmatched += 1
        elif type(fact) is LimitReached:
            self._limits[fact.setting] = self._limits.get(fact.setting, 0) + 1
            self.newest_limits[fact.setting] = fact
            if fact.setting == KEPT_INPUTS:
                self._lose(fact.journey, fact.at)
        elif type(fact) is ZoneUnknown:
            _count(self._unknown_zones, fact.zone or PERSONAL_ZONE, self._reasons_max, OTHER_ZONES)
        elif type(fact) is NotMerged:
            self._not_merged[fact.call] = self._not_merged.get(fact.call, 0) + 1
            self._merge(fact.reason or NOT_ASKED)
        elif type(fact) is Merged:
            self._merge(MERGED)
        elif type(fact) is OfferMarked:
            self._offer((fact.offer, fact.placement, fact.mark))
        elif type(fact) is Decided:
            self._decide(fact)
        elif type(fact) is Synced:
            self._sync((fact.destination, fact.outcome))
        else:
            raise AssertionError("whatever else is told has a counter")

    def _decide(self, fact: Decided) -> None:
        for each in fact.offers:
            self._offer((each.offer, fact.placement, DECIDED))
        kept_away = {offer for tried in fact.trace for offer, letter, _, _ in tried.looked if letter in CAPPED}
        for offer in sorted(kept_away):
            self._offer((offer, fact.placement, KEPT_AWAY))

    def _offer(self, offered: Offered, number: int = 1) -> None:
        _count(self._offers, offered, self._names_max, (OTHER, "", offered[2]), number)

    def _sync(self, told: tuple[str, str], number: int = 1) -> None:
        _count(self._synced, told, self._names_max, (OTHER, told[1]), number)

    def _merge(self, result: str, number: int = 1) -> None:
        self._merges[result] = self._merges.get(result, 0) + number

    def include(self, totals: Totals) -> None:
        """Add the totals of other people."""
        self.facts += totals.facts
        for step, counts in totals.steps:
            cell = self._step(step)
            for place, number in enumerate(counts):
                cell[place] += number
        for way, number in totals.ways:
            _count(self._ways, way, self._names_max, (OTHER, 0, "", way[3], ""), number)
        for delivery, number in totals.deliveries:
            self._deliver(delivery, number)
        for reason, number in totals.reasons:
            self._reason(reason, number)
        for setting, number in totals.limits:
            self._limits[setting] = self._limits.get(setting, 0) + number
        for zone, number in totals.unknown_zones:
            _count(self._unknown_zones, zone, self._reasons_max, OTHER_ZONES, number)
        for call, number in totals.not_merged:
            self._not_merged[call] = self._not_merged.get(call, 0) + number
        for parked, number in totals.parked:
            _count(self._parked, parked, self._reasons_max, _OTHER_PARKED, number)
        for result, number in totals.merges:
            self._merge(result, number)
        for offered, number in totals.offers:
            self._offer(offered, number)
        for condition, number in totals.unmet:
            self._miss(condition, number)
        for entered, number in totals.entered_on:
            self._enter(entered, number)
        for journey, at in totals.lost:
            self._lose(journey, at)
        for told, number in totals.synced:
            self._sync(told, number)
        self._unmatched += totals.unmatched
        self.add_lines(totals.lines)

    def add_lines(self, lines: tuple[int, int, int, int]) -> None:
        """Count lines by outcome, in the order of `Totals.lines`."""
        (a, b, c, d), (e, f, g, h) = self.lines, lines
        self.lines = a + e, b + f, c + g, d + h

    def totals(self) -> Totals:
        return Totals(
            self.facts,
            sorted((step, (inflow, gone_on, ended)) for step, (inflow, gone_on, ended) in self._steps.items()),
            sorted(self._ways.items()),
            sorted(self._deliveries.items()),
            sorted(self._reasons.items()),
            sorted(self._limits.items()),
            self._unmatched,
            self.lines,
            sorted(self._unknown_zones.items()),
            sorted(self._not_merged.items()),
            sorted(self._parked.items()),
            sorted(self._merges.items()),
            sorted(self._offers.items()),
            sorted(self._unmet.items()),
            sorted(self._entered_on.items()),
            sorted(self._lost.items()),
            sorted(self._synced.items()),
        )

    def since(self, change: int) -> Totals:
        """The counters of steps, ways and deliveries that have changed after this one of `changes`, as they are now."""
        steps: list[tuple[Step, tuple[int, int, int]]] = []
        ways: list[tuple[Way, int]] = []
        deliveries: list[tuple[Delivery, int]] = []
        for key, changed in reversed(self._changed.items()):
            if changed <= change:
                break
            if len(key) == 3:
                inflow, gone_on, ended = self._steps[key]
                steps.append((key, (inflow, gone_on, ended)))
            elif len(key) == 5:
                ways.append((key, self._ways[key]))
            else:
                deliveries.append((key, self._deliveries[key]))
        return Totals(steps=steps, ways=ways, deliveries=deliveries)

    def correct(self, waiting: Iterable[tuple[Step, int]]) -> list[tuple[Step, int, int]]:
        """Correct the counters by the number of runs at every step; returns (step, counted, found) for each difference.

        A run too many at a step counts as inflow, a run too few as ended: inflow stays the sum of the others.
        """
        found: dict[Step, int] = {}
        for step, number in waiting:
            kept = step if step in self._steps else self._key(step)
            found[kept] = found.get(kept, 0) + number
        differences = []
        self.changes += 1
        for step in sorted(self._steps.keys() | found.keys()):
            cell = self._step(step)
            counted = cell[_INFLOW] - cell[_GONE_ON] - cell[_ENDED]
            there = found.get(step, 0)
            if there != counted:
                cell[_INFLOW if there > counted else _ENDED] += abs(there - counted)
                differences.append((step, counted, there))
        return differences

    def _move(self, journey: str, version: int, step: str | None, what: What, why: str | None, number: int) -> None:
        told = why or ""
        if what == "parked":  # for reasons in free words, which are counted apart
            _count(self._parked, (journey, step or "", told), self._reasons_max, _OTHER_PARKED, number)
            told = ""
        way = journey, version, step or "", what, told
        self._note_change(_count(self._ways, way, self._names_max, (OTHER, 0, "", what, ""), number))
        if step is not None and what in ("exited", "ended"):
            self._step((journey, version, step))[_ENDED] += number

    def _deliver(self, delivery: Delivery, number: int) -> None:
        other = OTHER, 0, "", *delivery[3:]
        self._note_change(_count(self._deliveries, delivery, self._names_max, other, number))

    def _reason(self, reason: Reason, number: int) -> None:
        if reason not in self._reasons:
            channel, outcome, _ = reason
            if len(self._reasons) >= self._reasons_max or self._reasons_of[channel] >= CHANNEL_REASONS_MAX:
                reason = channel, outcome, OTHER_REASONS
            self._reasons_of[channel] += reason not in self._reasons
        self._reasons[reason] = self._reasons.get(reason, 0) + number

    def _miss(self, condition: Condition, number: int) -> None:
        _count(self._unmet, condition, self._reasons_max, (OTHER, OTHER_CONDITIONS), number)

    def _enter(self, entered: tuple[str, int], number: int) -> None:
        """So many entered a journey on a day. With a new day the oldest one goes."""
        days = self._entered_on
        if entered not in days and days:
            kept_from = max(entered[1], *(day for _, day in days)) - DAYS_MAX
            for old in [each for each in days if each[1] <= kept_from]:
                del days[old]
        _count(days, entered, self._names_max, (OTHER, entered[1]), number)

    def _lose(self, journey: str, at: int) -> None:
        kept = journey if journey in self._lost or len(self._lost) < self._names_max else OTHER
        self._lost[kept] = max(self._lost.get(kept, 0), at)

    def _step(self, step: Step) -> list[int]:
        cell = self._steps.get(step)
        if cell is None:
            step = self._key(step)
            cell = self._steps.setdefault(step, [0, 0, 0])
        self._note_change(step)
        return cell

    def _note_change(self, key: Step | Way | Delivery) -> None:
        changed = self._changed
        if changed.get(key) != self.changes:
            changed.pop(key, None)
            changed[key] = self.changes

    def _key(self, step: Step) -> Step:
        """The name under which a new step is counted."""
        return step if len(self._steps) < self._names_max else _OTHER_STEP


def _count(counts: dict[K, int], key: K, most: int, other: K, number: int = 1) -> K:
    """Add to the counter of the key, or to that of `other` if there is no room for the key; returns which it was."""
    kept = key if key in counts or len(counts) < most else other
    counts[kept] = counts.get(kept, 0) + number
    return kept
