"""Claims and receipts: how deliveries leave a shard, and how what became of them comes back.

A dispatcher claims some, sends them, and answers for each with a receipt. Live, a receipt counts from the moment
it arrives. Under virtual time it belongs to the instant of its claim, and nothing later happens to its person
before it is there (stash.py). Whoever calls begins the work and commits it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from contextlib import suppress

import msgspec

from parcours.channel import Accepted, NotSent
from parcours.config import Settings
from parcours.core.delivery.delivery_key import place_in
from parcours.core.effect import Outgoing
from parcours.core.input import DeliveriesClaimed, Interrupted, ReceiptArrived, Settlement
from parcours.core.profile import decode_profile
from parcours.shard.inputs import Inputs
from parcours.shard.interruptions import Fate, Interruptions
from parcours.shard.outbox import Claim, Outbox, Ready
from parcours.shard.requests import ExchangeDeliveries
from parcours.shard.slots import Slots
from parcours.shard.timekeeping import Timekeeping
from parcours.shard.work import Work


class Claiming:
    """The way out of one shard and back into it."""

    def __init__(self, slots: Slots, inputs: Inputs, time: Timekeeping, settings: Settings) -> None:
        self._slots = slots
        self._inputs = inputs
        self._time = time
        self._settings = settings
        self.outbox = Outbox()
        self._interruptions = Interruptions(settings.interruptions_told_for_ms)

    def take_up(self, work: Work) -> None:
        """Queue again what had not been claimed; what had been is in doubt, for its dispatcher is gone."""
        fates = []
        entries = self._slots.outbox_entries()
        self.outbox.count(Counter(entry.channel for _, entry in entries))
        for number, entry in entries:
            profile = decode_profile(self._slots[number].profiles[entry.person])
            runs = (*profile.runs, *profile.past)
            states = [each.state for run in runs for each in run.deliveries if each.key == entry.key]
            waits = any(timer.kind == "retry" and timer.key == entry.key for timer in profile.timers)
            if not states or states[0] not in ("queued", "claimed", "unknown"):
                work.outbox[entry.key] = number, None  # nothing is left to be done about it
            elif states == ["claimed"]:
                lost = Interrupted(entry.key, "the engine stopped while it was being sent")
                self._inputs.apply(work, number, entry.person, ReceiptArrived(work.stamp_ms, lost))
                fates.append(Fate(entry.message_class, work.has_entry(number, entry.key)))
            elif not waits:
                self._inputs.make_ready(work, number, entry.person, work.stamp_ms, [entry.key])
        self._interruptions.note(work.stamp_ms, "the engine", fates)

    def give_up(self, work: Work, by: str) -> None:
        """The dispatcher `by` is gone: nobody can say what became of what it had claimed."""
        fates = []
        for key, claim in self.outbox.claims_of(by):
            message_class = work.entry(claim.slot, key).message_class
            self.settle(work, [Interrupted(key, "the dispatcher stopped while it was being sent")])
            fates.append(Fate(message_class, work.has_entry(claim.slot, key)))
        self._interruptions.note(work.stamp_ms, f"the dispatcher {by!r}", fates)

    def exchange(self, work: Work, asked: ExchangeDeliveries) -> list[Outgoing]:
        """Take a dispatcher's answers first: the places that they free are those that it claims for."""
        self.settle(work, asked.receipts)
        if asked.holds is not None:
            self.take_back(work, asked.by, asked.holds)
        return self.claim(work, asked.channel, asked.most, asked.by)

    def claim(self, work: Work, channel: str, most: int, by: str) -> list[Outgoing]:
        """Let the dispatcher `by` have up to `most` of the channel's deliveries: those that may still leave."""
        waiting = {ready.key: ready for ready in self.outbox.take(channel, most)}
        instants = {}
        for key, ready in waiting.items():
            if work.has_entry(ready.slot, key):
                instants[key] = self._time.claimed_at(ready, work.stamp_ms)
                self._inputs.apply(work, ready.slot, ready.person, DeliveriesClaimed(instants[key], (key,)))
            if key not in dict(work.claimed[-1:]):  # it was cancelled meanwhile, or a gate objects
                self._answer(work, ready, self._time.withdrawn(ready))
        leaving = []
        for key, attempt in work.claimed:
            ready = waiting[key]
            leaving.append(msgspec.structs.replace(work.entry(ready.slot, key), attempt=attempt))
            self.outbox.claim(key, Claim(ready.slot, ready.person, instants[key], by))
        return leaving

    def settle(self, work: Work, receipts: Iterable[Settlement]) -> None:
        """Take a dispatcher's answers. One for a delivery that is neither under way nor in doubt changes nothing."""
        for receipt in receipts:
            claim = self.outbox.settle(receipt.key)
            if claim is not None:
                self._answer(work, claim, self._time.answered(claim, receipt, work.stamp_ms))
            elif isinstance(receipt, Accepted) and self._time.wakes_itself:
                self._clear_doubt(work, receipt)

    def _clear_doubt(self, work: Work, receipt: Accepted) -> None:
        """Only this shard was gone and the dispatcher lived: what it brings now need not be sent again."""
        with suppress(ValueError):
            slot = place_in(receipt.key).slot
            if slot in self._slots.owned and work.has_entry(slot, receipt.key):
                person = work.entry(slot, receipt.key).person
                self._inputs.apply(work, slot, person, ReceiptArrived(work.stamp_ms, receipt))

    def take_back(self, work: Work, by: str, holds: Iterable[str]) -> None:
        """Queue again what the dispatcher `by` was handed in an answer that it never got: nobody has tried it."""
        held = frozenset(holds)
        missing = [key for key, _ in self.outbox.claims_of(by) if key not in held]
        self.settle(work, [NotSent(key, "the claim did not reach its dispatcher", tried=False) for key in missing])

    def _answer(self, work: Work, claim: Claim | Ready, receipts: list[ReceiptArrived]) -> None:
        """Apply receipts of a person, and after them what has waited for her clock, until it stands still again."""
        for receipt in receipts:
            self._inputs.apply(work, claim.slot, claim.person, receipt)
        waited = self._time.go_on(claim.person)
        while waited:
            self._inputs.apply(work, claim.slot, claim.person, waited.popleft())
            if self._time.stands_still(claim.person):
                return self._time.put_aside(claim.person, waited)
        return None

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
