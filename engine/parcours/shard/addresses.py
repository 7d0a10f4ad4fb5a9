"""Whose address is this? Who looks for a person by an address asks every slot, and nobody is looked through for it.

Each slot keeps, by the hash of channel and address, the names of its people whose address that is by their profiles. It
changes in the commit in which a trait does by which the address goes, so it is never behind. An address is known as it
stands in the profile; the form that a channel makes of it is known once something has left for there (reached.py).
After a change of what an address goes by, people are found by the new one from their next change of traits on.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeAlias

import msgspec

from parcours.config import Settings
from parcours.core.fact import LimitReached
from parcours.core.profile import Profile, decode_profile
from parcours.core.turn import Normalize
from parcours.expression.dotted import split_path
from parcours.expression.expression import Scope
from parcours.journey.program import Program
from parcours.shard.reached import address_hash
from parcours.shard.slots import Slots
from parcours.shard.work import Work

CHANNELS: Final[Mapping[str, str]] = {"email": "email", "sms": "phone"}
"""The channels of which it is known, each with the trait by which its address goes unless the project says otherwise:
nobody looks for a person by what is no text that people know, such as the token of a device."""

Traits: TypeAlias = Mapping[str, object]

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[str]).decode


class Addresses:
    """Whose addresses they are, in the slots of one shard."""

    def __init__(self, slots: Slots, settings: Settings, normalize: Normalize) -> None:
        self._owned = slots.owned
        self._normalize = normalize
        self._most = settings.address_people_max

    def note(self, work: Work, slot: int, person: str, before: Traits, after: Traits, program: Program) -> None:
        """The person has these traits now in place of those."""
        for channel in CHANNELS:
            if _may_differ(program, channel, before, after):
                was, now = address_of(program, channel, before), address_of(program, channel, after)
                if was != now:
                    self._take(work, slot, person, channel, was)
                    self._give(work, slot, person, channel, now)

    def _take(self, work: Work, slot: int, person: str, channel: str, address: str | None) -> None:
        if address is not None:
            found = address_hash(channel, address)
            work.addresses[slot, found] = _without(work.addresses_at(slot, found), person)

    def _give(self, work: Work, slot: int, person: str, channel: str, address: str | None) -> None:
        if address is None:
            return
        found = address_hash(channel, address)
        before = work.addresses_at(slot, found)
        names = [name for name in _decode(before) if name != person] if before else []
        names.append(person)
        if len(names) > self._most:
            del names[0]
            why = "of those whose address it is the one of longest ago is not found by it any more"
            work.facts.append(LimitReached(work.stamp_ms, person, "address_people_max", why))
        work.addresses[slot, found] = _encode(names)

    def forget(self, work: Work, slot: int, person: str) -> None:
        """Somebody is erased: no address is hers."""
        places = self._owned[slot].addresses.keys() | {address for each, address in work.addresses if each == slot}
        for address in sorted(places):
            before = work.addresses_at(slot, address)
            if person in _decoded(before):
                work.addresses[slot, address] = _without(before, person)

    def forms(self, channel: str, address: str, program: Program) -> set[str]:
        """An address as it was written, and in the form that the channel makes of it."""
        try:
            return {address, self._normalize(channel, address, program.region)}
        except ValueError:  # what the channel does not take has no other form
            return {address}

    def names(self, channel: str, address: str, program: Program) -> list[str]:
        """Everybody here whose address this is by her profile."""
        found = address_hash(channel, address)
        told = [(slot, name) for slot in self._owned.values() for name in _decoded(slot.addresses.get(found))]
        profiles = [(name, decode_profile(slot.profiles[name])) for slot, name in told if name in slot.profiles]
        return [name for name, profile in profiles if _is_of(profile, program, channel, address)]


def address_of(program: Program, channel: str, traits: Traits) -> str | None:
    """The address that somebody with these traits has on a channel, None for none."""
    expression = program.addresses.get(channel)
    value = traits.get(CHANNELS[channel]) if expression is None else expression.value(Scope(profile=traits))
    return value if isinstance(value, str) and value else None


def _may_differ(program: Program, channel: str, before: Traits, after: Traits) -> bool:
    expression = program.addresses.get(channel)
    paths = [] if expression is None else [split_path(path) for path in expression.paths]
    names = [path[1] for path in paths if len(path) > 1] if paths else [CHANNELS[channel]]
    return any(before.get(name) is not after.get(name) for name in names)


def _is_of(profile: Profile, program: Program, channel: str, address: str) -> bool:
    return address_of(program, channel, profile.traits) == address


def _decoded(names: bytes | None) -> list[str]:
    return _decode(names) if names else []


def _without(names: bytes, person: str) -> bytes:
    left = [name for name in _decoded(names) if name != person]
    return _encode(left) if left else b""
