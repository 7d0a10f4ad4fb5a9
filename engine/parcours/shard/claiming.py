"""Claims and receipts: how deliveries leave a shard, and how what became of them comes back.

A dispatcher claims some, sends them, and answers for each with a receipt. Live, a receipt counts from the moment
it arrives. Under virtual time it belongs to the instant of its claim, and nothing later happens to its person
before it is there (stash.py). Whoever calls begins the work and commits it.

A request may be carried out late, twice, or after its dispatcher has died, so each has a number, and a claim is known
by the number of its request. The newest numbers are kept in memory only: when a shard comes back no claim stands any
more, so nothing that was made before can settle one or be handed over beside one.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Final

import msgspec

from parcours.channel import Accepted, NotSent
from parcours.config import Settings
from parcours.core.delivery.delivery_key import place_in
from parcours.core.effect import Outgoing
from parcours.core.input import DeliveriesClaimed, Interrupted, ReceiptArrived, Settlement, TimePassed
from parcours.core.profile import Profile, decode_profile
from parcours.core.sync_state import PersonWithheld
from parcours.durations import Durations
from parcours.journey.destinations import is_lane
from parcours.shard.archiving import Archiving
from parcours.shard.inputs import Inputs
from parcours.shard.interruptions import Fate, Interruptions
from parcours.shard.moving import Moving
from parcours.shard.names import Names
from parcours.shard.outbox import Claim, Outbox, Ready, is_retried
from parcours.shard.peer_messages import IdentityMessage
from parcours.shard.reached import Reached
from parcours.shard.requests import ExchangeDeliveries
from parcours.shard.slots import Slots
from parcours.shard.stash import StillReady, Waiting
from parcours.shard.stubs import MOVED_AWAY, Stubs
from parcours.shard.timekeeping import Timekeeping
from parcours.shard.work import Work

STOPPED: Final = "the engine stopped while it was being sent"
"""What is told of what was under way when a shard comes back."""

GIVEN_UP_MAX = 1_000
"""Dispatchers given up that are remembered: what one of them had sent is carried out within seconds, or never."""


class Claiming:
    """The way out of one shard and back into it.

    reached    who was reached where
    handovers  by channel, how long after the decision deliveries were handed over for the first time
    """

    def __init__(
        self,
        slots: Slots,
        inputs: Inputs,
        moving: Moving,
        names: Names,
        stubs: Stubs,
        outbox: Outbox,
        time: Timekeeping,
        settings: Settings,
        archiving: Archiving,
    ) -> None:
        self._slots = slots
        self._inputs = inputs
        self._moving = moving
        self._names = names
        self._stubs = stubs
        self._archiving = archiving
        self._time = time
        self._settings = settings
        self.reached = Reached(slots, settings)
        self.outbox = outbox
        self._interruptions = Interruptions(settings.interruptions_told_for_ms)
        self.handovers: defaultdict[str, Durations] = defaultdict(Durations)
        self._heard: dict[str, int] = {}
        self._given_up: dict[str, None] = {}
        inputs.asking.go_on = self._go_on

    def take_up(self, work: Work) -> None:
        """Queue again what had not been claimed; what had been is in doubt, for its dispatcher is gone.

        What becomes ready later by itself is left to that, a retry or the end of a pause: it would be claimed twice.
        """
        fates = []
        entries = self._slots.outbox_entries()
        self.outbox.count(Counter(entry.channel for _, entry in entries))
        for number, entry in entries:
            if self._stubs.is_one(entry.person):
                self._stubs.answer(work, number, Interrupted(entry.key, STOPPED))
                fates.append(Fate(entry.message_class, entry.message_class == "transactional"))
                continue
            profile = decode_profile(self._slots[number].profiles[entry.person])
            states = _states(profile, entry.key)
            if states == ["claimed"]:
                lost = Interrupted(entry.key, STOPPED)
                self._hear(work, number, entry.person, ReceiptArrived(work.stamp_ms, lost))
                fates.append(Fate(entry.message_class, work.has_entry(number, entry.key)))
            elif is_retried(profile, entry.key):
                continue  # also where nothing is left to be done: until then a late receipt finds it
            elif not work.has_entry(number, entry.key):
                continue  # another one, which is in doubt, has taken its person through the stop of its journey
            elif not states or states[0] not in ("queued", "unknown"):
                work.outbox[number, entry.key] = None  # nothing is left to be done about it
            elif self._time.stash.keeps(entry.person, entry.key):
                continue  # it becomes ready once she goes on
            elif not any(each.kind == "claim" and each.key == entry.key for each in profile.kept):
                self._inputs.make_ready(work, number, entry.person, work.stamp_ms, [entry.key])
        self._interruptions.note(work.stamp_ms, "the engine", fates)

    def give_up(self, work: Work, by: str) -> None:
        """The dispatcher `by` is gone: nobody can say what became of what it had claimed. It is handed nothing more."""
        self._heard.pop(by, None)
        self._given_up[by] = None
        if len(self._given_up) > GIVEN_UP_MAX:
            del self._given_up[next(iter(self._given_up))]
        fates = []
        for key, claim in self.outbox.claims_of(by):
            message_class = work.entry(claim.slot, key).message_class
            self._settle(work, by, claim.number, Interrupted(key, "the dispatcher stopped while it was being sent"))
            fates.append(Fate(message_class, work.has_entry(claim.slot, key)))
        self._interruptions.note(work.stamp_ms, f"the dispatcher {by!r}", fates)

    def withhold(self, work: Work, slot: int, person: str) -> None:
        """Somebody is to be erased: destinations are told that she has left."""
        self._inputs.apply(work, slot, person, PersonWithheld(work.stamp_ms))

    def forget(self, work: Work, slot: int, person: str) -> None:
        """Somebody is erased: nothing more leaves for her, and what comes of what has left is nobody's."""
        self.outbox.forget(person)
        self.reached.forget(work, slot, person)

    def exchange(self, work: Work, asked: ExchangeDeliveries) -> list[Outgoing]:
        """Take a dispatcher's answers first: the places that they free are those that it claims for."""
        if asked.number <= self._heard.get(asked.by, 0):
            return self._claimed_with(work, asked)
        for number, receipt in asked.receipts:
            self._settle(work, asked.by, number, receipt)
        if asked.by in self._given_up:
            return []
        self._heard[asked.by] = asked.number
        if asked.holds is not None:
            self._take_back(work, asked.by, asked.holds)
        return self._claim(work, asked)

    def has_more(self, asked: ExchangeDeliveries) -> bool:
        """Whether it is of any use to the dispatcher to ask for more of the channel."""
        return asked.by not in self._given_up and asked.channel in self.outbox.ready()

    def _claimed_with(self, work: Work, asked: ExchangeDeliveries) -> list[Outgoing]:
        """What has been handed over for this request when it came before. Durably: the commit came before its answer.

        Nothing for one that has been overtaken: its dispatcher does not wait for it any more.
        """
        claims = [(key, claim) for key, claim in self.outbox.claims_of(asked.by) if claim.number == asked.number]
        return [self._entry(work, claim.slot, key, claim.attempt) for key, claim in claims]

    def _claim(self, work: Work, asked: ExchangeDeliveries) -> list[Outgoing]:
        """Let the dispatcher have as many of the channel's deliveries as it wants: those that may still leave."""
        waiting = {ready.key: ready for ready in self.outbox.take(asked.channel, asked.most)}
        instants = {}
        for key, ready in waiting.items():
            instants[key] = at = self._time.claimed_at(ready, work.stamp_ms)
            if self._waits(work, ready, at):
                self._time.wait_for_answers(ready.person, StillReady(ready.at, (key,)))
            elif work.has_entry(ready.slot, key):
                self._hear(work, ready.slot, ready.person, DeliveriesClaimed(at, (key,)))
            if key not in dict(work.claimed[-1:]):  # it was cancelled meanwhile, or a gate objects
                self._answer(work, ready, self._time.withdrawn(ready))
        leaving = []
        for key, attempt in work.claimed:
            ready = waiting[key]
            leaving.append(entry := self._entry(work, ready.slot, key, attempt))
            if not entry.is_copy and not is_lane(entry.channel):
                self.reached.note(work, ready.slot, entry, instants[key])
            if attempt == 1:
                self.handovers[asked.channel].note(instants[key] - entry.at)
            self.outbox.claim(key, Claim(ready.slot, ready.person, instants[key], asked.by, asked.number, attempt))
        return leaving

    def _waits(self, work: Work, ready: Ready, at: int) -> bool:
        """Whether a delivery cannot be claimed yet, since total caps are asked: what is due before may do so only now.
        The claim would come after it then, with nobody left whom the delivery is handed over to.
        """
        if self._time.wakes_itself and work.has_entry(ready.slot, ready.key):
            self._inputs.apply(work, ready.slot, ready.person, TimePassed(at))
        return ready.person in self._time.stash.asking

    def _entry(self, work: Work, slot: int, key: str, attempt: int) -> Outgoing:
        return msgspec.structs.replace(work.entry(slot, key), attempt=attempt)

    def _settle(self, work: Work, by: str, number: int, receipt: Settlement) -> None:
        """Take the answer for a claim that the dispatcher `by` made with the request of this number."""
        claim = self.outbox.settle(receipt.key, by, number)
        if claim is not None and claim.person == MOVED_AWAY:
            self._stubs.answer(work, claim.slot, receipt)
        elif claim is not None:
            self._answer(work, claim, self._time.answered(claim, receipt, work.stamp_ms))
        elif isinstance(receipt, Accepted) and self._time.wakes_itself:
            self._clear_doubt(work, receipt)

    def _clear_doubt(self, work: Work, receipt: Accepted) -> None:
        """Only this shard was gone and the dispatcher lived: what it brings now need not be sent again.

        A retry that is due goes first, as everywhere: whether the receipt comes too late depends on the time alone, and
        not on whose timers have been fired already.
        """
        try:
            slot = place_in(receipt.key).slot
        except ValueError:
            return  # no delivery has such a key
        if slot in self._slots.owned and work.has_entry(slot, receipt.key):
            person = work.entry(slot, receipt.key).person
            if self._stubs.is_one(person):
                return  # another claim stands, and what becomes of that is told where its person lives now
            self._inputs.apply(work, slot, person, TimePassed(work.stamp_ms))
            if work.has_entry(slot, receipt.key):
                self._hear(work, slot, person, ReceiptArrived(work.stamp_ms, receipt))

    def _take_back(self, work: Work, by: str, holds: Iterable[tuple[int, str]]) -> None:
        """Queue again what the dispatcher `by` was handed in an answer that it never got: nobody has tried it."""
        held = frozenset(holds)
        for key, claim in self.outbox.claims_of(by):
            if (claim.number, key) not in held:
                receipt = NotSent(key, "the claim did not reach its dispatcher", tried=False)
                self._settle(work, by, claim.number, receipt)

    def _hear(self, work: Work, slot: int, person: str, given: DeliveriesClaimed | ReceiptArrived) -> None:
        """A delivery of the person is claimed or answered for."""
        self._archiving.note(work, person, given)
        self._inputs.apply(work, slot, person, given)

    def _answer(self, work: Work, claim: Claim | Ready, receipts: list[ReceiptArrived]) -> None:
        """Apply receipts of a person, and after them what has waited for her clock, until it stands still again."""
        for receipt in receipts:
            self._hear(work, claim.slot, claim.person, receipt)
        self._go_on(work, claim.slot, claim.person)

    def _go_on(self, work: Work, slot: int, person: str) -> None:
        """Apply what has waited for the person's clock, and then for those whose clocks have waited for hers."""
        waited = self._time.go_on(person)
        while waited:
            self._apply_waited(work, slot, person, waited.popleft())
            if self._time.stands_still(person):
                return self._time.put_aside(person, waited)
        if not self._time.stands_still(person):
            for follower in self._time.let_follow(person):
                self._go_on(work, self._names.slot(follower), follower)
        return None

    def _apply_waited(self, work: Work, slot: int, person: str, waited: Waiting) -> None:
        if isinstance(waited, StillReady):
            self._inputs.leave(work, slot, person, waited)
        elif isinstance(waited, IdentityMessage):
            self._moving.take(work, waited)
        else:
            self._moving.apply(work, slot, person, waited)

    # Looking in

    def troubles(self, now_ms: int) -> list[str]:
        """What was under way when somebody stopped, and what there is too much of, a sentence each."""
        return [*self._interruptions.troubles(now_ms), *self._full()]

    def refuses(self) -> str | None:
        """Why no further events are wanted for now, None if they are. Under virtual time they always are."""
        if self._settings.outbox_full == "refuse" and self._time.wakes_itself:
            return next(iter(self._full()), None)
        return None

    def _full(self) -> list[str]:
        most = self._settings.outbox_max
        return [
            f"{count} deliveries wait for the channel {channel!r}, and outbox_max={most}"
            for channel, count in self.outbox.full(most).items()
        ]


def _states(profile: Profile, key: str) -> list[str]:
    """The state of the delivery, copy or change of an outbox entry; none if nothing is known of it any more."""
    runs = (*profile.runs, *profile.past)
    states: list[str] = [each.state for run in runs for each in run.deliveries if each.key == key]
    if states or (states := [each.state for each in profile.copies if each.key == key]):
        return states
    return [each.state for each in (profile.synced or {}).values() if each.key == key and each.state != "idle"]
