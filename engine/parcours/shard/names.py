"""Whom does a line concern whose name is no person's own any more, or whose person is just becoming one with somebody?

A name that has been merged into a person is a forwarding address: an entry among the people of its slot that holds
nothing but where the person lives now (`Identity.moved_to`). One that has been asked back is on its way (`returning`).
Somebody about to take in a person of another shard stands still until that one has answered (standing_still.py).

All of these are held in one set of names, as nearly every line is of a name that is in none.
"""

from __future__ import annotations

from collections.abc import Iterable, Set
from typing import NamedTuple

from parcours.config import DAY_MS
from parcours.core.profile import Identity, name_alone
from parcours.shard.messages import Again, Verdict
from parcours.shard.slots import Slots
from parcours.shard.work import Work


class Found(NamedTuple):
    """The person whom a line concerns, and her slot."""

    slot: int
    person: str


class Elsewhere(NamedTuple):
    """Why the line cannot be applied here and now, and who has the name if it has moved."""

    verdict: Verdict
    owner: str | None = None


LATER = Elsewhere("later")
BACK = Elsewhere("back")


class Names:
    """The names of one shard.

    watched  those whose lines need a closer look than all others
    still    those who stand still, for whatever reason
    """

    def __init__(self, slots: Slots) -> None:
        self._slots = slots
        self._slot_map = slots.slot_map
        self.watched: set[str] = set()
        self.still: set[str] = set()
        self._joining: frozenset[str] = frozenset()
        self._waiting: set[str] = set()

    def stand_still(self, people: Iterable[str]) -> None:
        """These stand still for those who become one with them, and nobody else."""
        self._leave(self._joining - self._waiting)
        self._joining = frozenset(people)
        self.still |= self._joining
        self.watched |= self._joining

    def wait(self, person: str) -> None:
        """Somebody stands still for total caps of offers, or for somebody who does."""
        self._waiting.add(person)
        self.still.add(person)
        self.watched.add(person)

    def go_on(self, person: str) -> None:
        """She stands still for these no more; said before anything happens to her, by which she may be no person."""
        if person in self._waiting:
            self._waiting.remove(person)
            self._leave({person} - self._joining)

    def _leave(self, people: Set[str]) -> None:
        self.still -= people
        self.watched -= people

    def restore(self) -> None:
        """Come back from the people of the shard's slots."""
        self.watched = {
            name for slot in self._slots.owned.values() for name, data in slot.profiles.items() if name_alone(data)
        }

    @property
    def alone_count(self) -> int:
        """How many names there are that are no person now."""
        return len(self.watched) - len(self.still)

    def is_here(self, name: str) -> bool:
        """Whether the slot of the name is one of this shard."""
        return self._slot_map.slot(name) in self._slots.owned

    def slot(self, name: str) -> int:
        """The slot of a name."""
        return self._slot_map.slot(name)

    def shard(self, name: str) -> int:
        """The shard that owns the slot of a name."""
        return self._slot_map.shard(name)

    def alone(self, work: Work, slot: int, name: str) -> Identity | None:
        """What there is to say of the name if it is no person now, None if it is one."""
        if name not in self.watched or name in self.still:
            return None
        return work.profile(slot, name).identity

    def owner(self, name: str) -> str | None:
        """Who has the name by now, as has been committed; None if nobody else has."""
        if name not in self.watched:
            return None
        data = self._slots[self.slot(name)].profiles.get(name)
        identity = None if data is None else name_alone(data)
        return None if identity is None else identity.moved_to

    def find(self, work: Work, slot: int, name: str, again: Again | None, at: int) -> Found | Elsewhere:
        """Whom a line of this time concerns that is written under a watched name, or that comes again."""
        if again is not None and again.owner is not None:
            return self._find_as_hers(work, name, again.owner, at)
        if name not in self.watched:
            return Found(slot, name)
        if name in self.still:
            return LATER
        identity = work.profile(slot, name).identity
        assert identity is not None, "a watched name forwards, or is on its way back"
        if identity.moved_to is None:
            return LATER
        if not self.is_here(identity.moved_to):
            return Elsewhere("moved", identity.moved_to)
        return self._find_as_hers(work, name, identity.moved_to, at)

    def _find_as_hers(self, work: Work, name: str, owner: str, at: int) -> Found | Elsewhere:
        """A line under a name that has moved to the owner, which counts as used then, once a day."""
        if owner in self.still:
            return LATER
        slot = self.slot(owner)
        identity = work.profile(slot, owner).identity if work.knows_of(slot, owner) else None
        if identity is None or name not in identity.names:
            return BACK
        identity.names[name] = max(identity.names[name], at // DAY_MS)
        return Found(slot, owner)

    def has_today(self, work: Work, person: str, name: str, at: int) -> bool:
        """Whether the name is the person's, and it is known that it has been used on the day of this time."""
        profile = work.known(self._slot_map.slot(person), person)
        identity = None if profile is None else profile.identity
        return identity is not None and identity.names.get(name, -1) >= at // DAY_MS

    def forward(self, work: Work, slot: int, name: str, identity: Identity) -> None:
        """From this work on the name is no person, and this is all that there is of it."""
        work.leave(slot, name, identity)
        self.watched.add(name)

    def let_go(self, name: str) -> None:
        """The name is a person's own again, or nothing at all."""
        self.watched.discard(name)
