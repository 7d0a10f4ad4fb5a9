"""Moving: somebody becomes another person, within a shard in one commit, or from one shard to another by messages.

A call that links names is applied first, then each name is asked for. Where both live here, all of it is one commit at
the time of the call: the earlier timers of the one who moves fire, what she has becomes the other's, and her name is a
forwarding address from then on. Where her name lives with another shard, the other person stands still: lines for her
wait with their routers, while her timers, claims and receipts go on.

    Ask         the person's shard asks that of the name for her
    Package     all that she had; her entry there is the forwarding address. Both are joined when it is taken, at the
                later of the two shards' times; until then whatever was due fires as hers, here
    NotMerged   or she stays, and why
    Receipt     what became of a delivery that was claimed there before she left
    Forget      the name is somebody else's too, and is asked back; it is nobody's until
    Forgotten   brings the ids of the messages that were consumed under it meanwhile

Each is sent by the commit that changes what it tells of, and taken by the commit that goes by it (peers.py).
"""

from __future__ import annotations

from typing import Final, Literal, TypeAlias, assert_never, cast, get_args

import msgspec

from parcours.config import DAY_MS, Settings
from parcours.core.delivery.deliveries import entries
from parcours.core.effect import InboxChange
from parcours.core.fact import JoiningCall, NotMergedReason
from parcours.core.fact import NotMerged as NotMergedFact
from parcours.core.identity import id_of, namespace_of
from parcours.core.input import Input, Link, Linked, PersonJoined, ReceiptArrived, TimePassed, TotalsAnswered
from parcours.core.profile import DeliveryStateName, Identity, Profile, decode_profile, encode_profile, is_unknown
from parcours.shard.addresses import Addresses
from parcours.shard.archiving import Archiving
from parcours.shard.ids.key import by_time
from parcours.shard.ids.seen import SeenIds
from parcours.shard.inputs import Inputs
from parcours.shard.names import Names
from parcours.shard.outbox import Outbox, is_put_off
from parcours.shard.packed import Packed, pack, unpack
from parcours.shard.peer_messages import Ask, Forget, Forgotten, IdentityMessage, NotMerged, Package, Receipt, Refusal
from parcours.shard.peers import Peers
from parcours.shard.reads import Reads
from parcours.shard.slots import Slots
from parcours.shard.standing_still import Standing, questions_of, standing_entry, standings
from parcours.shard.stubs import MOVED_AWAY
from parcours.shard.timekeeping import Timekeeping
from parcours.shard.work import Work

Outcome: TypeAlias = Refusal | Literal["asked", "waits"]
"""What a question came to; "" if she was merged."""
TOLD: Final = frozenset(get_args(NotMergedReason)) - {"", "never"}
"""The outcomes of which a fact tells that nobody was merged. That a namespace is never linked is known beforehand."""

READ_MARGIN_MS: Final = 2_000
"""So long before the instant of a read nobody sets out for another shard: most moves are over in a fraction of it."""


class Moving:
    """Of one shard. It is a layer over `Inputs`: whatever may link names is offered here.

    halted_until_ms  before this time no move between shards begins: something is about to change for everybody
    """

    def __init__(
        self,
        slots: Slots,
        names: Names,
        inputs: Inputs,
        outbox: Outbox,
        reads: Reads,
        peers: Peers,
        addresses: Addresses,
        seen: SeenIds,
        archiving: Archiving,
        time: Timekeeping,
        settings: Settings,
    ) -> None:
        self._slots = slots
        self._names = names
        self._inputs = inputs
        self._outbox = outbox
        self._reads = reads
        self._peers = peers
        self._addresses = addresses
        self._seen = seen
        self._archiving = archiving
        self._time = time
        self._settings = settings
        inputs.let_go = self._let_go
        self._standing: dict[str, Standing] = {}
        self.halted_until_ms = 0

    def under_way(self) -> int:
        """How many moves between shards are not over."""
        return len(self._standing) + self._peers.moves()

    def restore(self) -> None:
        """Come back from the slots."""
        self._names.restore()
        self._standing = standings(self._slots.own.profiles)
        self._names.stand_still(self._standing)

    def offer(self, work: Work, slot: int, person: str, given: Input) -> None:
        """Apply an input now, or when the person's clock goes on."""
        if type(given) is TotalsAnswered:
            self._inputs.take_told(work, slot, person, given)
        elif self._time.stands_still(person):
            self._time.put_aside(person, (given,))
        elif type(given) is Linked:
            self.apply(work, slot, person, given)
        else:
            self._inputs.apply(work, slot, person, given)

    def apply(self, work: Work, slot: int, person: str, given: Input) -> None:
        """Apply an input to somebody whose clock does not stand still."""
        if type(given) is Linked:
            self._go_through(work, slot, person, given.links, 0, given.at)
            self._inputs.links_followed(work, slot, person)
        else:
            self._inputs.apply(work, slot, person, given)

    def may_begin(self, work: Work, slot: int, person: str, links: tuple[Link, ...]) -> bool:
        """Whether all that these links ask can be asked now.

        An audience is read at an instant: whoever was on her way to another shard then would be counted nowhere.
        """
        identity = work.profile(slot, person).identity if work.knows_of(slot, person) else None
        known = frozenset[str]() if identity is None else identity.names.keys()
        asked = [question.name for link in links for question in questions_of(link) if question.name not in known]
        away = [name for name in asked if not self._stays_here(work, name)]
        if not away:
            return True
        is_read_soon = self._reads.is_soon(work.stamp_ms, READ_MARGIN_MS)
        has_room = all(self._peers.has_room(self._names.shard(name)) for name in away if not self._names.is_here(name))
        return has_room and not is_read_soon and work.stamp_ms >= self.halted_until_ms

    def _stays_here(self, work: Work, name: str) -> bool:
        """Whether to ask for the name concerns no other shard."""
        if not self._names.is_here(name):
            return False
        identity = self._names.alone(work, self._names.slot(name), name)
        return identity is None or identity.moved_to is None or self._names.is_here(identity.moved_to)

    def _go_through(self, work: Work, slot: int, person: str, links: tuple[Link, ...], asked: int, at: int) -> None:
        """Ask what the links ask, one question after the other, from this one of the first link on."""
        while links:
            questions = questions_of(links[0])
            outcome: Outcome = "unknown" if questions else links[0].why_not or "unknown"
            while outcome == "unknown" and asked < len(questions):
                name, only_known = questions[asked]
                outcome = self._ask(work, slot, person, links[0].call, name, at, only_known=only_known)
                asked += outcome == "unknown"
            if outcome == "asked":
                self._stand_still(work, person, Standing(links, asked, work.stamp_ms))
                return
            if outcome == "waits":
                self._time.put_aside(person, (Linked(at, links),))
                if self._time.keeps_stash:
                    self._names.wait(person)
                return
            self._tell(work, at, person, links[0], outcome)
            links, asked = links[1:], 0
        if person in self._standing:
            self._stand_still(work, person, None)

    def _stand_still(self, work: Work, person: str, standing: Standing | None) -> None:
        work.own.append(standing_entry(person, standing))
        if standing is None:
            del self._standing[person]
        else:
            self._standing[person] = standing
        self._names.stand_still(self._standing)

    def _tell(self, work: Work, at: int, person: str, link: Link, outcome: Outcome) -> None:
        """Record why nobody was merged. The id of a browser is her own; any other may be somebody else's and is not
        told, so that whoever is erased is in nobody's facts.
        """
        if outcome not in TOLD:
            return
        told = id_of(link.name) if link.call == "identify" else ""
        if link.call == "external":
            told = f"@{namespace_of(link.name)}"
        work.facts.append(NotMergedFact(at, person, link.call, told, cast(NotMergedReason, outcome)))

    def _ask(
        self, work: Work, slot: int, person: str, call: JoiningCall, name: str, at: int, *, only_known: bool
    ) -> Outcome:
        """Ask for a name."""
        profile = work.profile(slot, person)
        identity = profile.identity or Identity()
        if name in identity.names:
            if at // DAY_MS > identity.names[name]:
                identity.names[name] = at // DAY_MS
                self._archiving.note_merge(work, person, name, at)
            return "already"
        if name == person:
            return "already"
        is_full = len(identity.names) >= self._settings.identities_max
        if not self._names.is_here(name):
            profile.identity = msgspec.structs.replace(identity, identified=True)
            self._peers.send(work, self._names.shard(name), Ask(name, person, call, only_known, is_full))
            return "asked"
        where = self._names.slot(name)
        objection = self._objection(work, where, name, person, only_known=only_known, is_full=is_full)
        if objection is not None:
            return objection
        if self._time.wait_for(person, name) or self._inputs.stands_still_by(work, slot, person, at):
            return "waits"
        self._inputs.apply(work, where, name, TimePassed(at))
        if self._time.wait_for(person, name):
            return "waits"
        if self._pack(work, where, name, call, at) is None:
            return "too_large"
        leaving = work.profile(where, name)
        for key in self._keys(work, where, leaving, "queued", "claimed", "unknown"):
            work.outbox[slot, key], work.outbox[where, key] = work.entry(where, key), None
            self._outbox.move_claim(key, slot, person)
        self._leave(work, where, name, person, leaving)
        self._join(work, slot, person, PersonJoined(at, name, call, leaving))
        return ""

    def _objection(
        self, work: Work, slot: int, name: str, person: str, *, only_known: bool, is_full: bool
    ) -> Refusal | None:
        """Why somebody of this shard is not merged into the person, None if she can be. Her name may be cut loose."""
        profile = work.profile(slot, name) if work.knows_of(slot, name) else Profile()
        identity = profile.identity or Identity()
        if identity.moved_to == person:
            return "already"
        if identity.moved_to is not None:
            self._cut_loose(work, slot, name, identity.moved_to, person, identity)
            return "shared"
        if identity.identified:
            return "two_known"
        if identity.returning or identity.shared:
            return "shared"
        if only_known and is_unknown(profile):
            return "unknown"
        return "identities_max" if is_full else None

    def _cut_loose(self, work: Work, slot: int, name: str, owner: str, other: str, identity: Identity) -> None:
        """The name has been two people's: it is nobody's any more, and a person again once it has come back."""
        if self._names.is_here(owner):
            self._forget_name(work, owner, other, name)
            self._come_back(work, slot, name, identity, shared=True)
            return
        self._tell_inbox(work, name)
        returning = Identity(shared=True, returning=True, counts=identity.counts)
        self._names.forward(work, slot, name, returning)
        self._peers.send(work, self._names.shard(owner), Forget(name, owner, other))

    def _forget_name(self, work: Work, person: str, other: str, name: str) -> None:
        """The name is the person's no more, as it was said to be the other one's too."""
        slot = self._names.slot(person)
        if work.knows_of(slot, person):
            identity = work.profile(slot, person).identity
            if identity is not None and identity.names.pop(name, None) is not None:
                self._archiving.note_merge(work, other, name, work.stamp_ms, refused="shared")

    def _come_back(self, work: Work, slot: int, name: str, identity: Identity, *, shared: bool) -> None:
        """The name is a person of its own again, whose runs are counted on from where they were."""
        work.come_back(slot, name, Identity(shared=shared) if shared else None, dict(identity.counts))
        self._names.let_go(name)
        self._tell_inbox(work, name)

    def _tell_inbox(self, work: Work, name: str) -> None:
        """Whoever looks on under this name has another inbox before him from now on."""
        work.inbox.append(InboxChange(work.stamp_ms, name, "", "reset"))

    def _let_go(self, work: Work, person: str, names: tuple[str, ...]) -> None:
        """Nobody has used these names of the person for long: whoever comes with one is somebody new."""
        for name in names:
            slot = self._names.slot(name)
            if not self._names.is_here(name):
                ids = by_time(self._seen.of_name(slot, name.encode(), work.stamp_ms))
                self._peers.send(work, self._names.shard(name), Forgotten(name, person, ids))
            elif (identity := self._names.alone(work, slot, name)) is not None and identity.moved_to == person:
                self._come_back(work, slot, name, identity, shared=False)

    def _pack(self, work: Work, slot: int, name: str, call: JoiningCall, at: int) -> bytes | None:
        """All that somebody has, to be taken along; None if it is too much."""
        profile = work.profile(slot, name)
        entries = [work.entry(slot, key) for key in self._keys(work, slot, profile, "queued", "unknown")]
        packed = pack(Packed(at, call, encode_profile(profile), entries))
        return packed if len(packed) <= self._settings.package_bytes_max else None

    def _keys(self, work: Work, slot: int, profile: Profile, *states: DeliveryStateName) -> list[str]:
        """The deliveries in these states that have an entry in the outbox."""
        return [each.key for each in entries(profile) if each.state in states and work.has_entry(slot, each.key)]

    def _leave(self, work: Work, slot: int, name: str, person: str, profile: Profile) -> None:
        """Nothing is left of somebody but her name, which forwards to the person; `profile` is hers as she leaves."""
        self._addresses.note(work, slot, name, profile.traits, {}, self._inputs.program)
        self._reads.forget(name, self._slots.own.profiles)
        self._tell_inbox(work, name)
        self._names.forward(work, slot, name, Identity(moved_to=person, counts=dict(profile.counts)))

    def _join(self, work: Work, slot: int, person: str, given: PersonJoined) -> None:
        """Join both, and offer to dispatchers what of hers may leave."""
        theirs = {each.key for each in entries(given.profile)}
        self._inputs.apply(work, slot, person, given)
        profile = work.profile(slot, person)
        queued = [key for key in self._keys(work, slot, profile, "queued", "unknown") if key in theirs]
        ready = [key for key in queued if not is_put_off(profile, key)]
        if ready:
            self._inputs.make_ready(work, slot, person, work.stamp_ms, ready)
        self._archiving.note_merge(work, person, given.name, given.at)

    # Messages of other shards

    def take(self, work: Work, message: IdentityMessage) -> None:
        """What a message of another shard leads to (peer_taking.py)."""
        match message:
            case Ask():
                self._take_ask(work, message)
            case Package():
                self._take_package(work, message)
            case NotMerged(person=person, reason=reason):
                self._resume(work, person, reason)
            case Receipt():
                self._take_receipt(work, message)
            case Forget(name=name, person=person, other=other):
                self._forget_name(work, person, other, name)
                ids = self._seen.of_name(self._names.slot(name), name.encode(), work.stamp_ms)
                self._peers.send(work, self._names.shard(name), Forgotten(name, person, by_time(ids)))
            case Forgotten(name=name, person=person, ids=ids):
                self._take_forgotten(work, name, person, ids)
            case _:
                assert_never(message)

    def _take_ask(self, work: Work, asked: Ask) -> None:
        name, person = asked.name, asked.person
        slot, shard = self._names.slot(name), self._names.shard(person)
        reason = self._objection(work, slot, name, person, only_known=asked.only_known, is_full=asked.is_full)
        if reason is None:
            if self._inputs.stands_still_by(work, slot, name, work.stamp_ms):
                return self._time.put_aside(name, (asked,))
            data = self._pack(work, slot, name, asked.how, work.stamp_ms)
            reason = "too_large" if data is None else ""
            if data is not None:
                profile = work.profile(slot, name)
                for key in self._keys(work, slot, profile, "queued", "unknown"):
                    work.outbox[slot, key] = None
                for key in self._keys(work, slot, profile, "claimed"):
                    work.outbox[slot, key] = msgspec.structs.replace(work.entry(slot, key), person=person)
                    self._outbox.move_claim(key, slot, MOVED_AWAY)
                work.transfer(name, profile.runs, -1)
                self._leave(work, slot, name, person, profile)
                return self._peers.send(work, shard, Package(name, person, data))
        return self._peers.send(work, shard, NotMerged(name, person, reason))

    def _take_package(self, work: Work, package: Package) -> None:
        """She has come: what is still due before both shards' time happens to each of them, then both are joined."""
        name, person, packed = package.name, package.person, unpack(package.data)
        slot = self._names.slot(person)
        work.stamp_ms = at = max(work.stamp_ms, packed.at)
        if self._inputs.stands_still_by(work, slot, person, at):
            return self._time.put_aside(person, (package,))
        profile = decode_profile(packed.profile)
        work.welcome(slot, name, profile)
        work.transfer(name, profile.runs, 1)
        for entry in packed.outbox:
            work.outbox[slot, entry.key] = entry
        self._inputs.apply(work, slot, name, TimePassed(at))
        work.bid_farewell(name)
        self._addresses.note(work, slot, name, profile.traits, {}, self._inputs.program)
        self._join(work, slot, person, PersonJoined(at, name, packed.call, profile))
        return self._resume(work, person, "")

    def _resume(self, work: Work, person: str, outcome: Outcome) -> None:
        """The question that the person stands still for has been answered."""
        standing = self._standing.get(person, Standing(()))
        slot, at = self._names.slot(person), work.stamp_ms
        if outcome == "unknown":
            self._go_through(work, slot, person, standing.links, standing.asked + 1, at)
        else:
            self._tell(work, at, person, standing.links[0], outcome)
            self._go_through(work, slot, person, standing.links[1:], 0, at)

    def _take_receipt(self, work: Work, message: Receipt) -> None:
        """A delivery is answered for that was claimed before its run came here."""
        slot, key = self._names.slot(message.person), message.receipt.key
        if not work.knows_of(slot, message.person):
            return
        found = [each.run for each in entries(work.profile(slot, message.person)) if each.key == key]
        if found:
            entry = msgspec.structs.replace(message.outgoing, person=message.person, run=found[0])
            work.outbox[slot, key] = entry
            given = ReceiptArrived(work.stamp_ms, message.receipt)
            self._archiving.note(work, message.person, given)
            self._inputs.apply(work, slot, message.person, given)

    def _take_forgotten(self, work: Work, name: str, person: str, ids: list[tuple[int, bytes]]) -> None:
        """The name has come back from the person, unless it is somebody else's meanwhile."""
        self._seen.take_over(work, ids)
        slot = self._names.slot(name)
        identity = self._names.alone(work, slot, name)
        if identity is not None and (identity.returning or identity.moved_to == person):
            self._come_back(work, slot, name, identity, shared=identity.shared)
