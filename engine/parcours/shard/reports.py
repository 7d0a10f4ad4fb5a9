"""The addressees of providers' reports: the key names the slot, and a hash by which its people are gone through.

There is no index of keys, which every commit would pay for. The key holds the hash of the name under which the run
entered, so the names of its slot are gone through, once for all the reports of a batch. Names that share a hash are
told apart by who has the delivery.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from parcours.config import Settings
from parcours.core.delivery.deliveries import has
from parcours.core.delivery.delivery_key import KeyPlace, name_hash
from parcours.core.identity import slot_of
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
        """The slot of the delivery that a report names, and its person or NOBODY; else the person whom it names.

        Raises Unusable if it names neither.
        """
        if call.person:
            person = named_person(call, self._settings)
            return slot_of(person), person
        place = reported_place(call)
        if not self._named:
            self._named = self._look(self._places())
        if place not in self._named:
            self._named |= self._look({place.slot: {place.name_hash}})
        new = [name for name in work.newcomers.get(place.slot, ()) if name_hash(name) == place.name_hash]
        people = [*self._named[place], *new]
        if len(people) > 1:
            people = [each for each in people if has(work.profile(place.slot, each), call.key or "")]
        return place.slot, people[0] if people else NOBODY

    def _places(self) -> dict[int, set[bytes]]:
        """By slot the hashes of the names that the reports of the batch ask for."""
        wanted: dict[int, set[bytes]] = {}
        for line in self._lines:
            if _MARK in line:
                try:
                    call = read_call(line)
                    place = reported_place(call) if is_report(call) and not call.person else None
                except Unusable:
                    continue  # it is told when its turn comes
                if place is not None:
                    wanted.setdefault(place.slot, set()).add(place.name_hash)
        return wanted

    def _look(self, wanted: Mapping[int, set[bytes]]) -> dict[KeyPlace, list[str]]:
        """The names of each slot that have one of these hashes."""
        named: dict[KeyPlace, list[str]] = {}
        for slot, hashes in wanted.items():
            named |= {KeyPlace(slot, each): [] for each in hashes}
            for name in self._slots.owned[slot].profiles:
                hashed = name_hash(name)
                if hashed in hashes:
                    named[KeyPlace(slot, hashed)].append(name)
        return named
