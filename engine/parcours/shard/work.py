"""The unit of work: all that one micro-batch has changed so far, in memory, until one record commits it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable

import msgspec

from parcours.core.effect import Effects, InboxChange, Outgoing
from parcours.core.fact import Fact
from parcours.core.input_block import InputEncoder, KeptInputs
from parcours.core.profile import (
    Identity,
    Profile,
    Run,
    decode_profile,
    encode_profile,
    is_empty,
    is_unknown,
    is_unknown_data,
)
from parcours.core.totals import Step
from parcours.shard.outbox import Ready
from parcours.shard.slots import Slots

_encoder = msgspec.msgpack.Encoder()


class OutgoingHead(msgspec.Struct, array_like=True, gc=False):
    """How an `Outgoing` begins, up to its channel: a third of the time that all of it takes to decode."""

    key: str
    person: str
    journey: str
    version: int
    run: int
    step: str
    channel: str


_decode_head = msgspec.msgpack.Decoder(OutgoingHead).decode
_decode_outgoing = msgspec.msgpack.Decoder(Outgoing).decode


class Work:
    """Decoded copies of the people touched, and everything else that the commit will hold.

    stamp_ms  the effective time of the batch's inputs (under virtual time each has its own)
    seen      (effective time, keys) of the messages consumed, in their order, as the record has them
    kept      the inputs that are kept as they came
    own       (name, bytes) of what changed in the shard's own slot, of a name that comes again the last ones
    ready     (channel, delivery) pairs that may be claimed once this is committed
    reached   by slot and address, the encoded names of those reached there, as this work has them so far
    addresses the same of those whose address it is
    inbox     what has changed in people's inboxes, in order
    newcomers  by slot, people who have been touched of whom nothing was known before
    change_number  the number of the newest change that people go through, where some have still to do so
    erased    by person, the slot of those who are taken out
    untold    facts that totals count, and that nobody keeps
    transfers  (person, where a run of hers stands, 1 or -1) of those that have come from other shards or gone there
    reading   whether a read of an audience is not over; else nobody's mark of one is of use any more
    """

    __slots__ = (
        "_change_number", "_gone", "_guests", "_owned", "_reading", "_touched", "addresses", "claimed", "erased",
        "facts", "inbox", "kept", "newcomers", "outbox", "own", "reached", "ready", "seen", "stamp_ms", "transfers",
        "untold",
    )  # fmt: skip

    def __init__(self, slots: Slots, stamp_ms: int, change_number: int = 0, *, reading: bool = False) -> None:
        self._reading = reading
        self._owned = slots.owned
        self._change_number = change_number
        self._touched: dict[str, tuple[int, Profile]] = {}
        self._guests: set[str] = set()
        self._gone: set[str] = set()
        self.newcomers: defaultdict[int, list[str]] = defaultdict(list)
        self.stamp_ms = stamp_ms
        self.facts: list[Fact] = []
        self.erased: dict[str, int] = {}
        self.untold: list[Fact] = []
        self.transfers: list[tuple[str, Step, int]] = []
        self.kept = KeptInputs.none()
        self.seen: list[tuple[int, bytes]] = []
        self.outbox: dict[tuple[int, str], Outgoing | None] = {}
        self.own: list[tuple[str, bytes]] = []
        self.reached: dict[tuple[int, bytes], bytes] = {}
        self.addresses: dict[tuple[int, bytes], bytes] = {}
        self.ready: list[tuple[str, Ready]] = []
        self.claimed: list[tuple[str, int]] = []
        self.inbox: list[InboxChange] = []

    def profile(self, slot: int, person: str) -> Profile:
        """The person as this work has them so far: the same object each time."""
        touched = self._touched.get(person)
        if touched is not None:
            return touched[1]
        data = self._owned[slot].profiles.get(person)
        if data is None:
            self.newcomers[slot].append(person)
        profile = Profile(change_number=self._change_number) if data is None else decode_profile(data)
        if profile.reads and not self._reading:
            profile.reads = []
        self._touched[person] = slot, profile
        return profile

    def put_back(self, person: str, data: bytes) -> None:
        """Somebody whom this work has touched is again as these bytes have her."""
        slot, _ = self._touched[person]
        self._touched[person] = slot, decode_profile(data)

    def knows(self, slot: int, person: str) -> bool:
        """Whether anything is known of the person. Not of one to whom only things have happened that left no trace."""
        touched = self._touched.get(person)
        if touched is not None:
            return not is_unknown(touched[1])
        data = self._owned[slot].profiles.get(person)
        return data is not None and not is_unknown_data(data)

    def known(self, slot: int, person: str) -> Profile | None:
        """The person as this work has them so far, None if there is no profile of them in a slot of this shard."""
        touched = self._touched.get(person)
        if touched is not None:
            return touched[1]
        owned = self._owned.get(slot)
        return self.profile(slot, person) if owned is not None and person in owned.profiles else None

    def knows_of(self, slot: int, person: str) -> bool:
        """Whether there is a profile of the person, as this work has it so far."""
        return person in self._touched or person in self._owned[slot].profiles

    def welcome(self, slot: int, person: str, profile: Profile) -> None:
        """Somebody comes from another shard, to be merged into a person of this slot within this work."""
        assert person not in self._touched, "she comes once"
        self._touched[person] = slot, profile
        self._guests.add(person)

    def is_guest(self, person: str) -> bool:
        """Whether she has come from another shard, and is not merged yet."""
        return person in self._guests

    def leave(self, slot: int, person: str, identity: Identity) -> None:
        """Nothing is left of the person but what there is to say of her name."""
        self._touched[person] = slot, Profile(identity=identity)
        self.ready = [(channel, ready) for channel, ready in self.ready if ready.person != person]

    def come_back(self, slot: int, name: str, identity: Identity | None, counts: dict[str, int]) -> None:
        """A name is a person's own again: of her runs nothing is left but how many they were."""
        if counts:
            identity = msgspec.structs.replace(identity or Identity(), counts=dict(counts))
        self._touched[name] = slot, Profile(change_number=self._change_number, counts=counts, identity=identity)
        if identity is None and not counts:
            self._gone.add(name)

    def bid_farewell(self, person: str) -> None:
        """The guest has become part of another person."""
        del self._touched[person]
        self._guests.remove(person)
        self.ready = [(channel, ready) for channel, ready in self.ready if ready.person != person]

    def transfer(self, person: str, runs: Iterable[Run], number: int) -> None:
        """The open runs of the person have come from another shard (1), or have gone there (-1)."""
        steps = ((run.journey, run.version, run.step) for run in runs if run.step is not None)
        self.transfers += [(person, step, number) for step in steps]

    def erase(self, slot: int, person: str, stubs_of: str | None = None) -> None:
        """Take a person out, with everything that the outbox has for her. Nobody touches her in the same work.

        stubs_of  who has been called so: what was claimed before that is hers
        """
        assert person not in self._touched, "an erasure is a work of its own"
        self.erased[person] = slot
        for key, data in self._owned[slot].outbox.items():
            if _decode_head(data).person in (person, stubs_of):
                self.outbox[slot, key] = None

    def add(self, slot: int, person: str, effects: Effects) -> None:
        """Take over what one input of the person led to, but for what is ready to leave."""
        self.facts += effects.facts
        for outgoing in effects.queued:
            self.outbox[slot, outgoing.key] = outgoing
        for key in effects.settled:
            if (slot, key) in self.outbox or key in self._owned[slot].outbox:
                self.outbox[slot, key] = None
        for key, run in effects.moved:
            if self.has_entry(slot, key):
                self.outbox[slot, key] = msgspec.structs.replace(self.entry(slot, key), person=person, run=run)
        self.claimed += effects.claimed
        if effects.inbox:
            self.inbox += effects.inbox

    def kept_inputs(self, encoder: InputEncoder) -> bytes:
        """The inputs that are kept, as the record has them."""
        return encoder.encode(self.kept) if self.kept.lines else b""

    def has_entry(self, slot: int, key: str) -> bool:
        """Whether the delivery is in the outbox, as this work has it so far."""
        if (slot, key) in self.outbox:
            return self.outbox[slot, key] is not None
        return key in self._owned[slot].outbox

    def entry(self, slot: int, key: str) -> Outgoing:
        """An outbox entry as this work has it so far."""
        if (slot, key) in self.outbox:
            outgoing = self.outbox[slot, key]
            assert outgoing is not None, "an entry that has been settled is not asked for"
            return outgoing
        return _decode_outgoing(self._owned[slot].outbox[key])

    def profiles(self) -> list[tuple[int, str, bytes]]:
        """The new bytes of everybody who is not as before; none for those who are taken out."""
        changed = [(slot, person, b"") for person, slot in self.erased.items()]
        assert not self._guests, "whoever came from another shard is somebody's now"
        for person, (slot, profile) in self._touched.items():
            before = self._owned[slot].profiles.get(person)
            if before is None and is_empty(profile):
                continue  # nor is a mark of reads of use: whoever is made known later was in no audience
            data = b"" if person in self._gone and is_empty(profile) else encode_profile(profile)
            if data != before:
                changed.append((slot, person, data))
        return changed

    def reached_at(self, slot: int, address: bytes) -> bytes:
        """Who of the slot was reached at the address, encoded, as this work has it so far; empty for nobody."""
        found = self.reached.get((slot, address))
        return self._owned[slot].reached.get(address, b"") if found is None else found

    def addresses_at(self, slot: int, address: bytes) -> bytes:
        """Whose address it is in the slot, encoded, as this work has it so far; empty for nobody."""
        found = self.addresses.get((slot, address))
        return self._owned[slot].addresses.get(address, b"") if found is None else found

    def address_changes(self) -> list[tuple[int, bytes, bytes]]:
        """What the record says of whose addresses they are."""
        return [(slot, address, names) for (slot, address), names in self.addresses.items()]

    def reached_changes(self) -> list[tuple[int, bytes, bytes]]:
        """What the record says of who was reached where."""
        return [(slot, address, names) for (slot, address), names in self.reached.items()]

    def outbox_counts(self) -> Counter[str]:
        """How many more outbox entries there are after this work than before it, by channel."""
        counts: Counter[str] = Counter()
        for (slot, key), outgoing in self.outbox.items():
            before = self._owned[slot].outbox.get(key)
            if before is not None and outgoing is None:
                counts[_decode_head(before).channel] -= 1
            elif before is None and outgoing is not None:
                counts[outgoing.channel] += 1
        return counts

    def outbox_changes(self) -> list[tuple[int, str, bytes | None]]:
        """The new bytes of each entry, None for one that has left; what came and left within this work is no change."""
        return [
            (slot, key, None if outgoing is None else _encoder.encode(outgoing))
            for (slot, key), outgoing in self.outbox.items()
            if outgoing is not None or key in self._owned[slot].outbox
        ]
