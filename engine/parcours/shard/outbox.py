"""The queues of the outbox: by channel the deliveries that may be claimed, and those that are under way.

An entry lies in its person's slot from the decision until it is settled. Which of the entries may be
claimed now, and which are claimed, is only an order to work in; it lies here in memory and is found
again from the slots when a shard comes back.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple, TypeAlias

from parcours.channel import INBOX, Accepted
from parcours.core.effect import Outgoing
from parcours.core.input import Settlement
from parcours.core.profile import Profile
from parcours.journey.destinations import is_lane
from parcours.journey.program import Program


class Ready(NamedTuple):
    """A delivery that may be claimed; `at` is the instant from which it may leave."""

    key: str
    slot: int
    person: str
    at: int


class Claim(NamedTuple):
    """A delivery under way, claimed at `at` by the dispatcher `by` with its request of this number."""

    slot: int
    person: str
    at: int
    by: str
    number: int
    attempt: int


Answering: TypeAlias = Callable[[Outgoing, Program], Settlement]
"""Gives a delivery on a channel that only records the receipt that it gets instead of leaving. The program is that of
all that is published; the same delivery always gets the same receipt.
"""


def accept(outgoing: Outgoing, program: Program) -> Settlement:
    """It counts as sent, whatever it says."""
    del program
    return Accepted(outgoing.key)


def answers_of(records: Iterable[str], answer: Answering, inbox: Answering) -> dict[str, Answering]:
    """By what each channel is answered that hands nothing out. What a destination is told has nothing to look at."""
    return {name: accept if is_lane(name) else answer for name in records} | dict.fromkeys(INBOX, inbox)


def is_put_off(profile: Profile, key: str) -> bool:
    """Whether the delivery becomes ready by itself later, by a retry or at the end of a pause that keeps its claim."""
    return is_retried(profile, key) or any(each.kind == "claim" and each.key == key for each in profile.kept)


def is_retried(profile: Profile, key: str) -> bool:
    """Whether a retry of the delivery is still to come, which a pause may keep."""
    kept = [each.timer for each in profile.kept if each.kind == "timer"]
    return any(timer and timer.kind == "retry" and timer.key == key for timer in (*profile.timers, *kept))


class Outbox:
    """First in, first out for each channel."""

    def __init__(self) -> None:
        self._ready: dict[str, deque[Ready]] = {}
        self._claims: dict[str, Claim] = {}
        self._there: Counter[str] = Counter()

    def count(self, more: Mapping[str, int]) -> None:
        """So many more entries lie in the slots, by channel, whatever each of them waits for.

        Of a channel that has none nothing is ready: nobody may claim by it any more, and find that out.
        """
        self._there.update(more)
        for channel in more:
            if not self._there[channel]:
                self._ready.pop(channel, None)

    def there(self) -> dict[str, int]:
        """How many deliveries there are, by channel, whatever each of them waits for."""
        return {channel: count for channel, count in sorted(self._there.items()) if count}

    def full(self, most: int) -> dict[str, int]:
        """How many deliveries there are, by channel, where it is this number or more."""
        return {channel: count for channel, count in sorted(self._there.items()) if count >= most}

    def offer(self, channel: str, ready: Ready) -> None:
        self._ready.setdefault(channel, deque()).append(ready)

    def take(self, channel: str, most: int) -> list[Ready]:
        """Up to `most` of the channel's deliveries; they are no longer ready."""
        queue = self._ready.get(channel, deque())
        return [queue.popleft() for _ in range(min(most, len(queue)))]

    def ready(self) -> dict[str, int]:
        """How many may be claimed, by channel; no channel with none."""
        return {channel: len(queue) for channel, queue in self._ready.items() if queue}

    def claim(self, key: str, claim: Claim) -> None:
        self._claims[key] = claim

    def settle(self, key: str, by: str, number: int) -> Claim | None:
        """The claim that this dispatcher made with the request of this number is answered for; None if there is none.

        Another one of the same delivery stands: it is told of by its own answer.
        """
        claim = self._claims.get(key)
        if claim is None or (claim.by, claim.number) != (by, number):
            return None
        return self._claims.pop(key)

    def move_claim(self, key: str, slot: int, person: str) -> None:
        """The delivery, which may be under way, is this person's from now on."""
        if key in self._claims:
            self._claims[key] = self._claims[key]._replace(slot=slot, person=person)

    def forget(self, person: str) -> None:
        """Somebody is erased: nothing of hers is ready, and no answer for what is under way concerns anybody."""
        for channel, queue in self._ready.items():
            self._ready[channel] = deque(ready for ready in queue if ready.person != person)
        self._claims = {key: claim for key, claim in self._claims.items() if claim.person != person}

    def claims_of(self, by: str) -> list[tuple[str, Claim]]:
        """What this dispatcher has claimed, by key."""
        return [(key, claim) for key, claim in self._claims.items() if claim.by == by]

    def claimants(self) -> set[str]:
        """The dispatchers that have claimed anything."""
        return {claim.by for claim in self._claims.values()}

    def under_way(self) -> int:
        return len(self._claims)
