"""The slots of a shard: its share of the 1,024 hash slots, each with people and an outbox.

A slot is the unit of images on disk and of moving people between shards, so whatever belongs to a person lies in that
person's slot, but for message ids, which can be listed by name (ids/seen.py). What is published belongs to no person,
nor does the place at which each router is: they lie in a slot of the shard's own, which nobody lives in and every shard
has, so that a store needs to know nothing about them, and a record holds of them what has changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from parcours.core.effect import Outgoing
from parcours.core.identity import SLOTS, SlotMap
from parcours.core.profile import NEVER, next_due
from parcours.store.store import Record, SlotImage

_decode_outgoing = msgspec.msgpack.Decoder(Outgoing).decode

OWN = SLOTS
"""The number of the shard's own slot; its "people" are entries, each of which says by its name whose it is."""


class Slot:
    """People by name (encoded), outbox entries by key (encoded), and by address who was reached there (reached.py) and
    whose it is (addresses.py).
    """

    __slots__ = ("addresses", "outbox", "profiles", "reached", "sequence")

    def __init__(self) -> None:
        self.profiles: dict[str, bytes] = {}
        self.outbox: dict[str, bytes] = {}
        self.reached: dict[bytes, bytes] = {}
        self.addresses: dict[bytes, bytes] = {}
        self.sequence = 0
        """The record up to which the slot's image on disk reaches."""


class Slots:
    """The slots of one shard."""

    def __init__(self, shard: int, slot_map: SlotMap) -> None:
        self.shard = shard
        self.slot_map = slot_map
        self.owned = {number: Slot() for number in slot_map.owned_by(shard)}
        self.own = Slot()

    def __getitem__(self, number: int) -> Slot:
        return self.own if number == OWN else self.owned[number]

    def due_of(self, person: str) -> int:
        """When the next timer of somebody who lives here is due; NEVER without one."""
        data = self.owned[self.slot_map.slot(person)].profiles.get(person)
        return NEVER if data is None else next_due(data)

    def timers(self) -> Iterator[tuple[str, int]]:
        """Everybody who has a timer, and when the next one is due."""
        for slot in self.owned.values():
            for person, data in slot.profiles.items():
                if next_due(data) != NEVER:
                    yield person, next_due(data)

    def restore(self, image: SlotImage) -> None:
        slot = self[image.slot]
        slot.profiles, slot.outbox, slot.reached = dict(image.profiles), dict(image.outbox), dict(image.reached)
        slot.addresses = dict(image.addresses)
        slot.sequence = image.sequence

    def show(
        self, profiles: list[tuple[int, str, bytes]], outbox: list[tuple[int, str, bytes | None]]
    ) -> list[tuple[str, int]]:
        """Take over what has been committed; (person, due) of everybody whose next timer is another one now."""
        moved = []
        owned = self.owned
        for number, person, data in profiles:
            people = owned[number].profiles
            if not data:  # she was erased
                people.pop(person, None)
                continue
            due = next_due(data)
            if due != NEVER:
                before = people.get(person)
                if before is None or next_due(before) != due:
                    moved.append((person, due))
            people[person] = data
        for number, key, entry in outbox:
            if entry is None:
                self.owned[number].outbox.pop(key, None)
            else:
                self.owned[number].outbox[key] = entry
        return moved

    def show_reached(self, changes: Iterable[tuple[int, bytes, bytes]]) -> None:
        """Take over committed names at addresses: what was told last stands last in its slot."""
        for number, address, names in changes:
            reached = self.owned[number].reached
            reached.pop(address, None)
            if names:
                reached[address] = names

    def show_addresses(self, changes: Iterable[tuple[int, bytes, bytes]]) -> None:
        """Take over committed names of those whose addresses they are."""
        for number, address, names in changes:
            if names:
                self.owned[number].addresses[address] = names
            else:
                self.owned[number].addresses.pop(address, None)

    def show_own(self, entries: Iterable[tuple[str, bytes]]) -> None:
        """Take over committed entries of the shard's own slot; an empty one is there no more."""
        for name, data in entries:
            if data:
                self.own.profiles[name] = data
            else:
                self.own.profiles.pop(name, None)

    def replay(self, record: Record) -> None:
        """Apply a record's post-images to the slots whose image is older. Message ids are `SeenIds`' to take up."""
        for number, person, data in record.profiles:
            if record.sequence <= self[number].sequence:
                continue
            if number == OWN:
                self.show_own([(person, data)])
            elif data:
                self.owned[number].profiles[person] = data
            else:
                self.owned[number].profiles.pop(person, None)
        for number, key, entry in record.outbox:
            if record.sequence <= self.owned[number].sequence:
                continue
            if entry is None:
                self.owned[number].outbox.pop(key, None)
            else:
                self.owned[number].outbox[key] = entry
        self.show_reached(each for each in record.reached if record.sequence > self.owned[each[0]].sequence)
        self.show_addresses(each for each in record.addresses if record.sequence > self.owned[each[0]].sequence)

    def image(self, number: int, sequence: int) -> SlotImage:
        slot = self[number]
        return SlotImage(number, sequence, slot.profiles, slot.outbox, slot.reached, slot.addresses)

    def outbox_entries(self) -> list[tuple[int, Outgoing]]:
        """Every outbox entry with its slot, in the order in which they were decided on."""
        entries = [
            (number, _decode_outgoing(data)) for number, slot in self.owned.items() for data in slot.outbox.values()
        ]
        return sorted(entries, key=lambda pair: pair[1].at)

    def numbers(self) -> list[int]:
        """Every slot that has an image, the shard's own included."""
        return [*self.owned, OWN]
