"""The slots of a shard: its share of the 1,024 hash slots, each with people, message ids and an outbox.

A slot is the unit of images on disk and of moving people between shards, so whatever belongs to a
person lies in that person's slot. What is published belongs to no person, nor does the place at which each router
is: they lie in a slot of the shard's own, which nobody lives in and every shard has, so that a store needs to know
nothing about them, and a record holds of them what has changed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import TypeAlias

import msgspec

from parcours.core.effect import Outgoing
from parcours.core.identity import SLOTS, SlotMap
from parcours.core.profile import NEVER, next_due
from parcours.store.store import Record, SlotImage

OWN = SLOTS
"""The number of the shard's own slot; its "people" are entries, each of which says by its name whose it is."""

SeenMessage: TypeAlias = tuple[int, bytes, int]
"""The slot of its person, the digest that recognises it, and the time at which it was consumed."""


class Slot:
    """People by name (encoded), message ids by digest (with the time seen), outbox entries by key (encoded)."""

    __slots__ = ("outbox", "profiles", "seen", "sequence")

    def __init__(self) -> None:
        self.profiles: dict[str, bytes] = {}
        self.seen: dict[bytes, int] = {}
        self.outbox: dict[str, bytes] = {}
        self.sequence = 0
        """The record up to which the slot's image on disk reaches."""


class Slots:
    """The slots of one shard."""

    def __init__(self, shard: int, slot_map: SlotMap) -> None:
        self.owned = {number: Slot() for number in slot_map.owned_by(shard)}
        self.own = Slot()

    def __getitem__(self, number: int) -> Slot:
        return self.own if number == OWN else self.owned[number]

    def due_of(self, number: int, person: str) -> int:
        data = self.owned[number].profiles.get(person)
        return NEVER if data is None else next_due(data)

    def timers(self) -> Iterator[tuple[str, int]]:
        """Everybody who has a timer, and when the next one is due."""
        for slot in self.owned.values():
            for person, data in slot.profiles.items():
                if next_due(data) != NEVER:
                    yield person, next_due(data)

    def restore(self, image: SlotImage) -> None:
        slot = self[image.slot]
        slot.profiles, slot.seen, slot.outbox = dict(image.profiles), dict(image.seen), dict(image.outbox)
        slot.sequence = image.sequence

    def show(
        self, profiles: list[tuple[int, str, bytes]], outbox: list[tuple[int, str, bytes | None]]
    ) -> list[tuple[str, int]]:
        """Take over what has been committed; (person, due) of everybody whose next timer is another one now."""
        moved = []
        for number, person, data in profiles:
            before, due = self.due_of(number, person), next_due(data)
            self.owned[number].profiles[person] = data
            if due not in (before, NEVER):
                moved.append((person, due))
        for number, key, entry in outbox:
            if entry is None:
                self.owned[number].outbox.pop(key, None)
            else:
                self.owned[number].outbox[key] = entry
        return moved

    def show_own(self, entries: Iterable[tuple[str, bytes]]) -> None:
        """Take over committed entries of the shard's own slot; an empty one is there no more."""
        for name, data in entries:
            if data:
                self.own.profiles[name] = data
            else:
                self.own.profiles.pop(name, None)

    def replay(self, record: Record) -> None:
        """Apply a record's post-images to the slots whose image is older."""
        for number, person, data in record.profiles:
            if record.sequence <= self[number].sequence:
                continue
            if number == OWN:
                self.show_own([(person, data)])
            else:
                self.owned[number].profiles[person] = data
        for number, digest, at in record.seen:
            if record.sequence > self.owned[number].sequence:
                self.owned[number].seen[digest] = at
        for number, key, entry in record.outbox:
            if record.sequence <= self.owned[number].sequence:
                continue
            if entry is None:
                self.owned[number].outbox.pop(key, None)
            else:
                self.owned[number].outbox[key] = entry

    def image(self, number: int, sequence: int) -> SlotImage:
        slot = self[number]
        return SlotImage(number, sequence, slot.profiles, slot.seen, slot.outbox)

    def outbox_entries(self) -> list[tuple[int, Outgoing]]:
        """Every outbox entry with its slot, in the order in which they were decided on."""
        entries = [
            (number, msgspec.msgpack.decode(data, type=Outgoing))
            for number, slot in self.owned.items()
            for data in slot.outbox.values()
        ]
        return sorted(entries, key=lambda pair: pair[1].at)

    def numbers(self) -> list[int]:
        """Every slot that has an image, the shard's own included."""
        return [*self.owned, OWN]


class SeenIds:
    """Which messages have been consumed: by person and message id, for a time and up to a number.

    A message is (slot, digest, time). The digests lie in their slots; the order in which they came lies
    here, so that the oldest go first.
    """

    def __init__(self, slots: Slots, for_ms: int, most: int) -> None:
        self._owned = slots.owned
        self._for_ms = for_ms
        self._most = most
        self._order: deque[SeenMessage] = deque()

    def restore(self, at: int) -> None:
        """Take up what the slots hold, as it stood at this time. Of one instant, the order is not known any more."""
        held = [
            (seen_at, number, digest) for number, slot in self._owned.items() for digest, seen_at in slot.seen.items()
        ]
        held.sort()
        self._order = deque((number, digest, seen_at) for seen_at, number, digest in held)
        self.forget(at)

    def has_expired(self, number: int, digest: bytes, at: int) -> bool:
        """Whether a message that lies in this slot is too old by now; then it is gone, with all that came before."""
        if self._owned[number].seen[digest] > at - self._for_ms:
            return False
        self.forget(at)
        return True

    def note(self, messages: list[SeenMessage]) -> None:
        """These have just been put into their slots, in this order. Times do not go back."""
        self._order += messages

    def forget(self, at: int) -> None:
        """Drop what is too old or too many. Called once a batch."""
        order, owned, horizon, most = self._order, self._owned, at - self._for_ms, self._most
        while order and (order[0][2] <= horizon or len(order) > most):
            number, digest, seen_at = order.popleft()
            seen = owned[number].seen
            if seen.get(digest) == seen_at:  # else it has expired and come again within one batch
                del seen[digest]

    def __len__(self) -> int:
        return len(self._order)
