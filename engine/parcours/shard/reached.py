"""Who was reached at an address? A provider that hears from a phone number knows the number, and no person.

Each slot remembers, by the hash of channel and address, the names of those of its people to whom something has left for
there, and on which day last. It is noted with the commit of the claim, so whoever may have got something is found. Who
asks for an address asks every slot; nothing else goes by it. The addresses of a slot stand in the order in which they
were noted last, so those that nobody needs any more are at the front and go as further ones come.
"""

from __future__ import annotations

from hashlib import blake2b
from itertools import islice
from typing import Final, TypeAlias

import msgspec

from parcours.channel import CALL
from parcours.config import DAY_MS, Settings
from parcours.core.effect import Outgoing
from parcours.core.fact import LimitReached
from parcours.shard.slots import Slot, Slots
from parcours.shard.work import Work

HASH_BYTES: Final = 12
"""Among a billion addresses no two share a hash by chance."""

LAPSING_MAX: Final = 4
"""Addresses looked at with each that is noted, whether they can go: more than come, so that none stays for good."""

Named: TypeAlias = list[tuple[str, int]]
"""(name, day since 1970) of each person reached, the newest last."""

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Named).decode


def address_hash(channel: str, address: str) -> bytes:
    """By what an address of a channel is found, in the form in which the channel uses it."""
    return blake2b(f"{channel}\0{address}".encode(errors="surrogatepass"), digest_size=HASH_BYTES).digest()


class Reached:
    """Who was reached where, in the slots of one shard."""

    def __init__(self, slots: Slots, settings: Settings) -> None:
        self._owned = slots.owned
        self._settings = settings

    def note(self, work: Work, slot: int, leaving: Outgoing, at: int) -> None:
        """The delivery is about to leave for its person."""
        if leaving.channel == CALL:
            return
        address, day = address_hash(leaving.channel, leaving.to), at // DAY_MS
        before = work.reached_at(slot, address)
        named = _decode(before) if before else []
        if (leaving.person, day) in named:
            return
        named = [each for each in named if each[0] != leaving.person and not self._has_lapsed(each[1], at)]
        named.append((leaving.person, day))
        if len(named) > self._settings.reached_people_max:
            del named[0]
            why = "of those who were reached at her address the one of longest ago was forgotten"
            work.facts.append(LimitReached(at, leaving.person, "reached_people_max", why))
        work.reached[slot, address] = _encode(named)
        if not before:
            self._make_room(work, slot, leaving.person, at)

    def _make_room(self, work: Work, slot: int, person: str, at: int) -> None:
        """Forget addresses that were noted too long ago, and the oldest where there are too many."""
        reached = self._owned[slot].reached
        over = len(reached) + 1 - self._settings.reached_addresses_max
        for address in list(islice(reached, LAPSING_MAX)):
            has_lapsed = self._has_lapsed(_decode(reached[address])[-1][1], at)
            if over <= 0 and not has_lapsed:
                return
            if (slot, address) in work.reached:
                continue
            over -= 1
            work.reached[slot, address] = b""
            if not has_lapsed:
                why = "of the addresses at which somebody was reached the one of longest ago was forgotten"
                work.facts.append(LimitReached(at, person, "reached_addresses_max", why))

    def _has_lapsed(self, day: int, at: int) -> bool:
        return day * DAY_MS + self._settings.reached_for_ms + DAY_MS <= at

    def forget(self, work: Work, slot: int, person: str) -> None:
        """Somebody is erased: she was reached nowhere."""
        places = self._owned[slot].reached.keys() | {address for each, address in work.reached if each == slot}
        for address in sorted(places):
            before = work.reached_at(slot, address)
            named = _decode(before) if before else []
            left = [each for each in named if each[0] != person]
            if left != named:
                work.reached[slot, address] = _encode(left) if left else b""

    def names(self, channel: str, address: str, at: int) -> list[str]:
        """Everybody here who was reached at this address of the channel, sorted."""
        found = address_hash(channel, address)
        named = [_decode(slot.reached[found]) for slot in self._owned.values() if found in slot.reached]
        return sorted(name for each in named for name, day in each if not self._has_lapsed(day, at))


def reached_of(slot: Slot, person: str) -> list[tuple[str, int]]:
    """The addresses at which the person was reached, by their hashes, and the day of each on which she was last."""
    name = _encode(person)
    named = [(address.hex(), _decode(names)) for address, names in slot.reached.items() if name in names]
    return [(address, day) for address, people in named for each, day in people if each == person]
