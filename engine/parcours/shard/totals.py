"""The totals of one shard: counters of its facts and lines, kept with its commits, and a ring of its newest facts.

The counters of facts are an entry of the shard's own slot, with the number of the record up to which they count. It is
written with the commit after `totals_facts_max` further facts, and with each image of the slot. Recovery counts the
facts of later records again; it reads those records anyway, and trims none that an image does not cover. So totals
survive a crash exactly, and a commit without facts costs nothing. Lines are no facts, so their four counters are an
entry of their own, written with each batch.

The runs that wait at a step are those that reached it less those that left it. After opening this is checked against
the profiles: slot by slot between commits, while a commit that moves somebody of a slot already looked at moves the
count of that check as well.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Mapping
from itertools import islice

import msgspec

from parcours.config import Settings
from parcours.core.fact import Fact, LimitReached, Merged, Moved
from parcours.core.fact_block import decode_facts
from parcours.core.identity import SlotMap
from parcours.core.offer_counting import count_offers
from parcours.core.offers.lessons import OfferCounts, Tallies
from parcours.core.profile import decode_profile
from parcours.core.totals import NOTHING, FactCounter, Step, Totals
from parcours.shard.messages import FactsAfter, LineOutcome
from parcours.shard.slots import Slots
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


class ShardTotals:
    """Counts the facts of one shard's commits. `offers` has what rankings learn from, under virtual time as well."""

    def __init__(self, settings: Settings) -> None:
        self.offers = OfferCounts()
        self.settings = settings
        self._counter = FactCounter(settings.totals_max, settings.reasons_max)
        self._newest: deque[Fact] = deque(maxlen=settings.newest_facts_max)
        self._entry: bytes | None = None
        self._stored = NOT_STORED
        self._later: list[tuple[int, bytes]] = []
        self._to_write = settings.totals_facts_max
        self._sweep: WaitingSweep | None = None

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
            self._later.clear()
        elif record.sequence > self._stored.through and record.facts:
            self._later.append((record.sequence, record.facts))

    def restored(self, entries: Mapping[str, bytes]) -> None:
        """All records have been applied."""
        totals, settings = self._stored.totals, self.settings
        self._counter = FactCounter(settings.totals_max, settings.reasons_max, totals)
        self._to_write = totals.facts + settings.totals_facts_max
        for sequence, block in self._later:
            facts = decode_facts(block, f"record {sequence}")
            self._counter.add(facts)
            count_offers(self.offers, facts)
            self._newest += facts
        self._later.clear()
        self._counter.newest_limits.clear()  # they have been told of
        if LINES in entries:
            self._counter.lines = _decode_lines(entries[LINES])

    # With each commit

    def count(self, facts: list[Fact], sequence: int) -> list[tuple[str, bytes]]:
        """Count the facts of record `sequence`; returns the entries that the record has to write."""
        self._counter.add(facts)
        count_offers(self.offers, facts)
        self._newest += facts
        if self._sweep is not None:
            self._sweep.note(facts)
        return self.entries(sequence) if self._counter.facts >= self._to_write else []

    def count_untold(self, facts: list[Fact], sequence: int) -> list[tuple[str, bytes]]:
        """Count what record `sequence` does not tell, as it is of somebody erased; the entries that it has to write.

        Nor is anything told of her among the newest facts.
        """
        self._counter.add(facts)
        count_offers(self.offers, facts)
        self._newest.clear()
        if self._sweep is not None:
            self._sweep.note(facts)
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
            if runs < 0 and self._sweep is not None:  # one that comes is noted with the merge
                self._sweep.note_gone(person, step)
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

    def count_lines(self, outcomes: bytes) -> tuple[str, bytes]:
        """Count the lines of a batch; returns the entry that its record has to write."""
        count = outcomes.count
        self._counter.add_lines((count(ACCEPTED), count(UNDECLARED), count(DUPLICATE), count(REJECTED)))
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

    def newest(self, after: int) -> FactsAfter:
        """The facts above number `after`, as far as the ring still has them."""
        oldest = self._counter.facts - len(self._newest) + 1
        first = max(after + 1, oldest)
        return FactsAfter(first, list(islice(self._newest, first - oldest, None)), self._counter.facts)

    # Checking who waits

    def begin_check(self, slots: Slots, slot_map: SlotMap) -> None:
        sweep = WaitingSweep(slots, slot_map)
        self._sweep = None if sweep.is_over else sweep  # a new shard has nobody to look at

    @property
    def is_checked(self) -> bool:
        return self._sweep is None

    def check(self, people: int) -> list[str]:
        """Check the next slots, up to about so many people; returns each difference in words, after the last slot.

        Differences are corrected. A shard that crashes before the correction is written finds them again.
        """
        if self._sweep is None or not self._sweep.take(people):
            return []
        found, self._sweep = self._sweep.waiting, None
        differences = self._counter.correct(found.items())
        if differences:
            self._to_write = 0
        return [
            f"{journey}@{version}.{step}: {counted} runs were counted as waiting, and {there} are there"
            for (journey, version, step), counted, there in differences
        ]


class WaitingSweep:
    """Counts the runs at each step by a sweep over all people, while the shard goes on with its work."""

    def __init__(self, slots: Slots, slot_map: SlotMap) -> None:
        self._slots = slots
        self._slot_of = slot_map.slot
        self._left = [number for number, slot in slots.owned.items() if slot.profiles]
        self._seen = set(slots.owned).difference(self._left)  # whoever comes to an empty one is noted as she moves
        self.waiting: Counter[Step] = Counter()

    @property
    def is_over(self) -> bool:
        return not self._left

    def take(self, people: int) -> bool:
        """Sweep the next slots, up to about so many people; returns whether all have been swept."""
        looked_at = 0
        while self._left and looked_at < people:
            slot = self._left.pop()
            profiles = self._slots[slot].profiles.values()
            for profile in map(decode_profile, profiles):
                self.waiting.update(
                    (run.journey, run.version, run.step) for run in profile.runs if run.step is not None
                )
            self._seen.add(slot)
            looked_at += len(profiles)
        return self.is_over

    def note(self, facts: Iterable[Fact]) -> None:
        """Take over the moves of a commit, of people who have been swept already."""
        person, swept = "", False
        for fact in facts:
            if type(fact) is Merged:
                self._note_merge(fact)
            if type(fact) is not Moved:
                continue
            if fact.person != person:  # the facts of one person come together
                person = fact.person
                swept = self._slot_of(person) in self._seen
            if not swept:
                continue
            if fact.what == "reached" and fact.step is not None:
                self.waiting[fact.journey, fact.version, fact.step] += 1
                if fact.left is not None:
                    self.waiting[fact.journey, fact.version, fact.left] -= 1
            elif fact.what in ("exited", "ended") and fact.step is not None:
                self.waiting[fact.journey, fact.version, fact.step] -= 1

    def note_gone(self, person: str, step: Step) -> None:
        """A run of the person has gone to another shard."""
        if self._slot_of(person) in self._seen:
            self.waiting[step] -= 1

    def _note_merge(self, fact: Merged) -> None:
        """Its runs go on with somebody else, who may have been swept where they were not, or the other way round."""
        gained = (self._slot_of(fact.person) in self._seen) - (self._slot_of(fact.name) in self._seen)
        for run in fact.runs:
            if gained and run.to is not None and run.step is not None:
                self.waiting[run.journey, run.version, run.step] += gained
