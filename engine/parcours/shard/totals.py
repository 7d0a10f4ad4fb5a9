"""The totals of one shard: counters of its facts and lines, kept with its commits, and a ring of its newest facts.

The counters of facts are an entry of the shard's own slot, with the number of the record up to which they count. It is
written with the commit after `totals_facts_max` further facts, and with each image of the slot. Recovery counts the
facts of later records again; it reads those records anyway, and trims none that an image does not cover. So totals
survive a crash exactly, and a commit without facts costs nothing. Lines are no facts, so their four counters are an
entry of their own, written with each batch.

The runs that wait at a step are those that reached it less those that left it. After opening this is checked against
the profiles (waiting.py).

What has happened in the last hours lies in memory alone (core/recent.py). It comes back from the records that recovery
reads, as far back as these go.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import NamedTuple

import msgspec

from parcours.config import Settings
from parcours.core.counted import Counted
from parcours.core.fact import Fact, LimitReached
from parcours.core.fact_block import decode_facts
from parcours.core.identity import SlotMap
from parcours.core.offer_counting import count_offers
from parcours.core.offers.lessons import OfferCounts, Tallies
from parcours.core.recent import Recent, RecentCounts
from parcours.core.totals import NOTHING, FactCounter, Step, Totals
from parcours.shard.messages import FactsAfter, LineOutcome
from parcours.shard.newest import NewestRings
from parcours.shard.slots import Slots
from parcours.shard.waiting import WaitingCounts
from parcours.store.store import Record

TOTALS = "totals"
"""The entry of the shard's own slot with the counters of facts."""

LINES = "lines"
"""The one with those of lines."""

OFFERS = "offers"
"""The one with what rankings learn from (core/offers/lessons.py), which is always written with the first."""


ACCEPTED, UNDECLARED, DUPLICATE, REJECTED = map(int, LineOutcome)


class StoredTotals(msgspec.Struct, frozen=True, array_like=True):
    """As the store keeps them: the totals of all facts up to record `through`."""

    through: int
    totals: Totals


_decode_lines = msgspec.msgpack.Decoder(tuple[int, int, int, int]).decode
_encode = msgspec.msgpack.Encoder().encode

NOT_STORED = StoredTotals(0, NOTHING)

_decode_totals = msgspec.msgpack.Decoder(StoredTotals).decode

_decode_offers = msgspec.msgpack.Decoder(Tallies).decode


class Told(NamedTuple):
    """The facts of a record, as they lie there."""

    sequence: int
    stamp_ms: int
    facts: bytes


class ShardTotals:
    """Counts the facts of one shard's commits.

    offers   what rankings learn from, under virtual time as well
    rings    the newest facts of each step and channel
    waiting  who waits where, slot by slot; None before it is begun
    """

    def __init__(self, settings: Settings) -> None:
        self.offers = OfferCounts()
        self.settings = settings
        self.rings = NewestRings(settings.figures)
        self.waiting: WaitingCounts | None = None
        figures = settings.figures
        self._recent = RecentCounts(figures.recent_minutes, figures.recent_hours, figures.recent_names_max)
        self._counter = FactCounter(settings.totals_max, settings.reasons_max)
        self._newest: deque[Fact] = deque(maxlen=settings.newest_facts_max)
        self._entry: bytes | None = None
        self._stored = NOT_STORED
        self._tail: deque[Told] = deque()
        self._to_write = settings.totals_facts_max
        self._is_checked = True

    # Coming back from a store

    def restore(self, entries: Mapping[str, bytes]) -> None:
        """Begin with the entries of the own slot's image."""
        self._entry = entries.get(TOTALS)
        self._stored = NOT_STORED if self._entry is None else _decode_totals(self._entry)
        self.offers = OfferCounts(_decode_offers(entries[OFFERS]) if OFFERS in entries else None)

    def replay(self, record: Record, entries: Mapping[str, bytes]) -> None:
        """A record has been applied; `entries` are those of the own slot after it."""
        if entries.get(TOTALS) is not self._entry:
            self.restore(entries)
        if record.facts:
            self._tail.append(Told(record.sequence, record.stamp_ms, record.facts))
        tail, kept_from_ms = self._tail, record.stamp_ms - self._recent.kept_ms
        while tail and tail[0].stamp_ms < kept_from_ms and tail[0].sequence <= self._stored.through:
            tail.popleft()

    def restored(self, entries: Mapping[str, bytes]) -> None:
        """All records have been applied."""
        totals, settings = self._stored.totals, self.settings
        self._counter = FactCounter(settings.totals_max, settings.reasons_max, totals)
        self._to_write = totals.facts + settings.totals_facts_max
        for told in self._tail:
            facts = decode_facts(told.facts, f"record {told.sequence}")
            counted = Counted(facts)
            self._recent.add(told.stamp_ms, counted)
            if told.sequence > self._stored.through:
                self._counter.take(counted)
                count_offers(self.offers, counted.others)
                self._newest += facts
                self.rings.add(facts)
        self._tail.clear()
        self._counter.newest_limits.clear()  # they have been told of
        if LINES in entries:
            self._counter.lines = _decode_lines(entries[LINES])

    # With each commit

    def count(self, facts: list[Fact], sequence: int, stamp_ms: int) -> list[tuple[str, bytes]]:
        """Count the facts of record `sequence`; returns the entries that the record has to write."""
        counted = Counted(facts)
        self._counter.take(counted)
        self._recent.add(stamp_ms, counted)
        count_offers(self.offers, counted.others)
        self._newest += facts
        self.rings.add(facts)
        if self.waiting is not None:
            self.waiting.note(facts)
        return self.entries(sequence) if self._counter.facts >= self._to_write else []

    def count_untold(self, facts: list[Fact], sequence: int) -> list[tuple[str, bytes]]:
        """Count what record `sequence` does not tell, as it is of somebody erased; the entries that it has to write.

        Nor is anything told of her among the newest facts.
        """
        self._counter.add(facts)
        count_offers(self.offers, facts)
        self._newest.clear()
        self.rings.clear()
        if self.waiting is not None:
            self.waiting.note(facts)
        return self.entries(sequence)

    def count_offers(self, facts: list[Fact]) -> None:
        """Under virtual time: only what rankings learn from is counted of facts."""
        count_offers(self.offers, facts)

    def transfer(self, moved: Iterable[tuple[str, Step, int]], sequence: int) -> list[tuple[str, bytes]]:
        """Runs have come with record `sequence` from another shard, or have gone there; the entries for the record.

        moved  the person, where a run of hers stands, and 1 if it has come, -1 if it has gone
        """
        for person, step, runs in moved:
            self._counter.transfer(step, runs)
            if runs < 0 and self.waiting is not None:  # one that comes is noted with the merge
                self.waiting.note_gone(person, step)
        return self._entries(sequence)

    def entries(self, sequence: int) -> list[tuple[str, bytes]]:
        """The entry with the totals up to record `sequence`, none while nothing is counted."""
        if not self._counter.facts:
            return []
        self._to_write = self._counter.facts + self.settings.totals_facts_max
        return self._entries(sequence)

    def _entries(self, sequence: int) -> list[tuple[str, bytes]]:
        offers = [(OFFERS, _encode(self.offers.tallies))] if self.offers.tallies else []
        return [(TOTALS, _encode(StoredTotals(sequence, self._counter.totals()))), *offers]

    def count_lines(self, outcomes: bytes, alone: tuple[int, int]) -> tuple[str, bytes]:
        """Count the lines of a batch; returns the entry that its record has to write.

        alone  how many the router has accepted by itself, of events that are declared and of others
        """
        count, (declared, others) = outcomes.count, alone
        accepted, undeclared = count(ACCEPTED) + declared, count(UNDECLARED) + others
        self._counter.add_lines((accepted, undeclared, count(DUPLICATE), count(REJECTED)))
        return LINES, _encode(self._counter.lines)

    # Looking in

    def take_limits(self) -> list[LimitReached]:
        """The newest fact of each limit that has been reached since the last call."""
        newest = self._counter.newest_limits
        if not newest:
            return []
        taken = list(newest.values())
        newest.clear()
        return taken

    def totals(self) -> Totals:
        return self._counter.totals()

    def changed(self, after: int | None) -> tuple[int, Totals]:
        """The counters of steps, ways and deliveries that have changed after this number, and the number as of now.

        None: all of them.
        """
        totals = self._counter.totals() if after is None else self._counter.since(after)
        return self._counter.changes, totals

    def recent(self, now_ms: int) -> Recent:
        """What has happened in the last hours, as of now by the clock."""
        return self._recent.recent(now_ms)

    def newest(self, after: int) -> FactsAfter:
        """The facts above number `after`, as far as the ring still has them."""
        oldest = self._counter.facts - len(self._newest) + 1
        first = max(after + 1, oldest)
        return FactsAfter(first, list(islice(self._newest, first - oldest, None)), self._counter.facts)

    # Checking who waits

    def begin_check(self, slots: Slots, slot_map: SlotMap) -> None:
        self.waiting = WaitingCounts(slots, slot_map)
        self._is_checked = self.waiting.is_swept  # a new shard has nobody to look at

    @property
    def is_checked(self) -> bool:
        return self._is_checked

    def check(self, people: int) -> list[str]:
        """Check the next slots, up to about so many people; returns each difference in words, after the last slot.

        Differences are corrected. A shard that crashes before the correction is written finds them again.
        """
        if self._is_checked or self.waiting is None or not self.waiting.take(people):
            return []
        self._is_checked = True
        differences = self._counter.correct(self.waiting.sums().items())
        if differences:
            self._to_write = 0
        return [
            f"{journey}@{version}.{step}: {counted} runs were counted as waiting, and {there} are there"
            for (journey, version, step), counted, there in differences
        ]
