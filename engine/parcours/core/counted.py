"""What do the facts of one commit add up to? They are gone through once, and like ones are counted together.

Totals (totals.py) and the counts of the last hours (recent.py) are made from this, so a fact is looked at once for all.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Final, TypeAlias

from parcours.config import DAY_MS
from parcours.core.fact import (
    Changed,
    CopyReached,
    DeliveryReached,
    Fact,
    Learned,
    LedgerChanged,
    Looked,
    Moved,
    Published,
    Unmet,
    What,
)

INTERNAL_OUTCOMES: Final = frozenset({"queued", "claimed", "retried"})
"""States on the way to the channel, which neither counts nor files show."""

REASONED_OUTCOMES: Final = frozenset(
    {"held", "refused", "failed", "unknown", "cancelled", "bounced", "complained", "answered", "withdrawn"}
)
"""Outcomes that have a reason. What is noted with others, such as the link clicked, is none."""

BY_MACHINE: Final = "machine_"
"""Begins the outcomes under which what machines did is counted: nobody has read what they open."""

UNCOUNTED_MOVES: Final = frozenset({"reached", "waiting", "updated", "decided"})
"""Moves that are not counted as ways: a step reached has a counter of its own, and the others leave the run there."""

UNCOUNTED_FACTS: Final = frozenset({Changed, CopyReached, Learned, LedgerChanged, Looked, Published})
"""Facts that are exported and have no counter. A merge moves no run: one that goes on under another name stays at its
step, and in the sum over everybody that step has as many waiting as before; one that ends is told as a move."""

Reached: TypeAlias = tuple[str, int, str | None, str | None]
"""(journey, version, step left, step reached)"""

Move: TypeAlias = tuple[str, int, str | None, What, str | None]
"""(journey, version, step, what, why)"""

Delivery: TypeAlias = tuple[str, int, str, str, str, str]
"""(journey, version, step, channel, outcome, gate); the gate is "" where none refused or held the delivery."""

Reason: TypeAlias = tuple[str, str, str]
"""(channel, outcome, reason)"""

Condition: TypeAlias = tuple[str, str]
"""(journey, what of its entry's condition did not hold, in the text of the expression)"""


class Counted:
    """
    facts       how many there were
    queued      deliveries that have passed all gates, by journey
    entered_on  runs that entered, by journey and day since 1970
    came        entry events whose condition did not hold, by journey; one may miss several conditions
    others      facts of the rare kinds, which are counted one by one
    """

    __slots__ = (
        "came",
        "deliveries",
        "entered_on",
        "facts",
        "moves",
        "others",
        "queued",
        "reached",
        "reasons",
        "unmet",
    )

    def __init__(self, facts: Sequence[Fact]) -> None:
        self.facts = len(facts)
        self.reached: defaultdict[Reached, int] = defaultdict(int)
        self.moves: defaultdict[Move, int] = defaultdict(int)
        self.deliveries: defaultdict[Delivery, int] = defaultdict(int)
        self.reasons: defaultdict[Reason, int] = defaultdict(int)
        self.queued: defaultdict[str, int] = defaultdict(int)
        self.entered_on: defaultdict[tuple[str, int], int] = defaultdict(int)
        self.unmet: defaultdict[Condition, int] = defaultdict(int)
        self.came: defaultdict[str, int] = defaultdict(int)
        self.others: list[Fact] = []
        self._count(facts)

    def _count(self, facts: Sequence[Fact]) -> None:
        reached, moves, others = self.reached, self.moves, self.others
        unmet: list[Unmet] = []
        for fact in facts:
            if type(fact) is Moved:
                what = fact.what
                if what == "reached":  # most moves are
                    reached[fact.journey, fact.version, fact.left, fact.step] += 1
                elif what not in UNCOUNTED_MOVES:
                    moves[fact.journey, fact.version, fact.step, what, fact.why] += 1
                    if what == "entered":
                        self.entered_on[fact.journey, fact.at // DAY_MS] += 1
            elif type(fact) is DeliveryReached:
                self._deliver(fact)
            elif type(fact) is Unmet:
                unmet.append(fact)
            elif type(fact) not in UNCOUNTED_FACTS:
                others.append(fact)
        if unmet:
            self._miss(unmet)

    def _deliver(self, fact: DeliveryReached) -> None:
        outcome: str = fact.outcome
        if outcome in INTERNAL_OUTCOMES:
            if outcome == "queued":
                self.queued[fact.journey] += 1
            return
        if fact.reason is not None and outcome in REASONED_OUTCOMES:
            told = fact.code is None or fact.code in fact.reason
            self.reasons[fact.channel, outcome, fact.reason if told else f"{fact.reason} ({fact.code})"] += 1
        if fact.machine:
            outcome = f"{BY_MACHINE}{outcome}"
        self.deliveries[fact.journey, fact.version, fact.step, fact.channel, outcome, fact.gate or ""] += 1

    def _miss(self, facts: Sequence[Unmet]) -> None:
        """An event is told of once for each condition that it missed; of a further event one comes again."""
        event, missed = ("", 0, ""), set[str]()
        for fact in facts:
            self.unmet[fact.journey, fact.why] += 1
            same = fact.person, fact.at, fact.journey
            if same != event or fact.why in missed:
                self.came[fact.journey] += 1
                event, missed = same, set()
            missed.add(fact.why)
