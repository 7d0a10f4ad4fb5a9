"""How many runs wait at each step, slot by slot? Found by a sweep over all people after opening, and kept from then on.

The sweep goes on between commits. A commit that moves somebody of a slot already swept moves its counts as well, so
they are right once the sweep is over: totals are checked by their sums, and who waits at a step is looked for in those
slots alone that have somebody there.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from functools import partial
from operator import itemgetter

from parcours.core.fact import Fact, Merged, Moved
from parcours.core.identity import SlotMap
from parcours.core.profile import decode_profile
from parcours.core.totals import Step
from parcours.shard.slots import Slots


class WaitingCounts:
    """Of one shard."""

    def __init__(self, slots: Slots, slot_map: SlotMap) -> None:
        self._slots = slots
        self._slot_of = slot_map.slot
        self._left = [number for number, slot in slots.owned.items() if slot.profiles]
        self._seen = set(slots.owned).difference(self._left)  # whoever comes to an empty one is noted as she moves
        self._at: defaultdict[Step, defaultdict[int, int]] = defaultdict(partial(defaultdict, int))

    @property
    def is_swept(self) -> bool:
        """Whether all slots have been looked at."""
        return not self._left

    def sums(self) -> Counter[Step]:
        """How many runs wait at each step, in the slots that have been looked at."""
        return Counter({step: sum(slots.values()) for step, slots in self._at.items()})

    def slots_with(self, journey: str, step: str) -> list[int]:
        """The slots in which somebody waits at a step of a journey, of any version, the fullest first; then those that
        have not been looked at yet.
        """
        found = Counter[int]()
        for (name, _, at), slots in self._at.items():
            if (name, at) == (journey, step):
                found.update(slots)
        there = [(slot, number) for slot, number in found.items() if number > 0]
        return [slot for slot, _ in sorted(there, key=itemgetter(1), reverse=True)] + self._left

    def take(self, people: int) -> bool:
        """Sweep the next slots, up to about so many people; returns whether all have been swept."""
        looked_at = 0
        while self._left and looked_at < people:
            slot = self._left.pop()
            profiles = self._slots[slot].profiles.values()
            for profile in map(decode_profile, profiles):
                for run in profile.runs:
                    if run.step is not None:
                        self._at[run.journey, run.version, run.step][slot] += 1
            self._seen.add(slot)
            looked_at += len(profiles)
        return self.is_swept

    def note(self, facts: Iterable[Fact]) -> None:
        """Take over the moves of a commit, of people whose slots have been swept already."""
        at = self._at
        person, slot, swept = "", 0, False
        for fact in facts:
            if type(fact) is Moved:
                what = fact.what
                if what == "reached":
                    change = 1
                elif what in ("exited", "ended"):
                    change = -1
                else:
                    continue
                if fact.person != person:  # the facts of one person come together
                    person = fact.person
                    slot = self._slot_of(person)
                    swept = slot in self._seen
                if swept and fact.step is not None:
                    at[fact.journey, fact.version, fact.step][slot] += change
                    if change > 0 and fact.left is not None:
                        at[fact.journey, fact.version, fact.left][slot] -= 1
            elif type(fact) is Merged:
                self._note_merge(fact)

    def note_gone(self, person: str, step: Step) -> None:
        """A run of the person has gone to another shard."""
        slot = self._slot_of(person)
        if slot in self._seen:
            self._at[step][slot] -= 1

    def _note_merge(self, fact: Merged) -> None:
        """Its runs go on with somebody else, in the slot of that one."""
        gained, lost = self._slot_of(fact.person), self._slot_of(fact.name)
        for run in fact.runs:
            if gained != lost and run.to is not None and run.step is not None:
                step = run.journey, run.version, run.step
                if gained in self._seen:
                    self._at[step][gained] += 1
                if lost in self._seen:
                    self._at[step][lost] -= 1
