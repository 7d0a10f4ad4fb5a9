"""The addressees of providers' reports: the key names the slot, and a hash by which its people are gone through.

There is no index of keys, which every commit would pay for. The key holds the hash of the name under which the run
entered, so the names of its slot are gone through, once for all the reports of a batch. Names that share a hash are
told apart by who has the delivery.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from parcours.config import Settings
from parcours.core.delivery.deliveries import has
from parcours.core.delivery.delivery_key import KeyPlace
from parcours.core.identity import name_hash, slot_of
from parcours.segment.line import DetailedCall, Unusable, read_call
from parcours.segment.person import FEEDBACK, is_report, named_person, reported_place
from parcours.shard.slots import Slots
from parcours.shard.work import Work

NOBODY = ""
"""In place of a name: no person of the slot is meant."""

_MARK = f'"{FEEDBACK}"'.encode()
"""In the lines of reports. Lines that hold it and are none cost a look; one that writes it otherwise is no loss."""


class Reports:
    """The reports among the lines of one batch."""

    def __init__(self, slots: Slots, lines: Sequence[bytes], settings: Settings) -> None:
        self._slots = slots
        self._settings = settings
        self._lines = lines
        self._named: dict[KeyPlace, list[str]] = {}

    def addressee(self, call: DetailedCall, work: Work) -> tuple[int, str]:
        """The slot where the delivery lives that a report names, and its person or NOBODY; else whom it names.

        Raises Unusable if it names neither.
        """
        if call.person:
            person = named_person(call, self._settings)
            return self._slots.slot_map.slot(person), person
        place = reported_place(call)
        if not self._named:
            self._named = self._look(self._places())
        if place not in self._named:
            self._named |= self._look([place])
        slot = self._slots.slot_map.slot_of_hash(*place)
        new = [name for name in work.newcomers.get(slot, ()) if _is_of(place, name)]
        people = [*self._named[place], *new]
        if len(people) > 1:
            people = [each for each in people if has(work.profile(slot, each), call.key or "")]
        return slot, people[0] if people else NOBODY

    def _places(self) -> set[KeyPlace]:
        """Where the deliveries belong of which the reports of the batch tell."""
        wanted: set[KeyPlace] = set()
        for line in self._lines:
            if _MARK in line:
                try:
                    call = read_call(line)
                    place = reported_place(call) if is_report(call) and not call.person else None
                except Unusable:
                    continue  # it is told when its turn comes
                if place is not None:
                    wanted.add(place)
        return wanted

    def _look(self, wanted: Collection[KeyPlace]) -> dict[KeyPlace, list[str]]:
        """The names to which each may belong. They live where the slot map says."""
        named: dict[KeyPlace, list[str]] = {place: [] for place in wanted}
        hashes: dict[int, set[bytes]] = {}
        for place in wanted:
            hashes.setdefault(self._slots.slot_map.slot_of_hash(*place), set()).add(place.name_hash)
        for slot, asked in hashes.items():
            for name in self._slots.owned[slot].profiles:
                hashed = name_hash(name)
                if hashed in asked and (found := named.get(KeyPlace(slot_of(name), hashed))) is not None:
                    found.append(name)
        return named


def _is_of(place: KeyPlace, name: str) -> bool:
    return name_hash(name) == place.name_hash and slot_of(name) == place.slot
