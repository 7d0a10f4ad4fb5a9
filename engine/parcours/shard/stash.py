"""The stash: what waits for everyone whose clock stands still.

Under virtual time people stand still while a delivery is under way. A receipt belongs to the instant at which its
delivery was claimed, so nothing later may happen to the person before it is known. Later inputs wait here, and so do
receipts until the last one is in: they are applied in the order in which the deliveries were queued, not in the order
in which providers answer.

Whatever the time is, they stand still while it is asked how often everybody together got an offer. The input that has
asked for it waits here as the first one, as it has not happened yet: it is applied again once each answer is known.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from typing import TypeAlias

import msgspec

from parcours.core.input import Input, Settlement
from parcours.core.offers.totals import TotalAnswer, TotalAsk
from parcours.shard.peer_messages import Ask, IdentityMessage


class StillReady(msgspec.Struct, frozen=True):
    """Deliveries of the person that were made ready at an instant, and have still to be offered to dispatchers."""

    at: int
    keys: tuple[str, ...]


Waiting: TypeAlias = Input | StillReady | IdentityMessage
"""What can wait for somebody who stands still."""


class _Held:
    """
    follows    whose clock hers waits for
    keys       of the deliveries that have to be answered for, with the receipts so far
    asks       what total caps have to answer, with the answers so far, those of earlier questions included
    until      in ms since 1970, when nobody waits for answers any more
    first      what goes before the inputs: what has asked, and what belongs to its instant
    """

    __slots__ = ("answers", "asks", "first", "follows", "inputs", "keys", "receipts", "until")

    def __init__(self) -> None:
        self.follows: str | None = None
        self.keys: list[str] = []
        self.receipts: dict[str, Settlement] = {}
        self.asks: tuple[TotalAsk, ...] = ()
        self.answers: dict[TotalAsk, TotalAnswer] = {}
        self.until = 0
        self.first: deque[Waiting] = deque()
        self.inputs: deque[Waiting] = deque()

    @property
    def misses(self) -> bool:
        """Whether something that was asked is not answered."""
        return any(ask not in self.answers for ask in self.asks)


class Stash:
    """Inputs, receipts and answers of people whose clock stands still.

    asking   people of whom something has asked total caps, and has not been applied again
    changed  people of whom something has changed since `saved`
    """

    def __init__(self) -> None:
        self._held: dict[str, _Held] = {}
        self._followers: dict[str, list[str]] = {}
        self._delivering: set[str] = set()
        self.asking: set[str] = set()
        self.changed: set[str] = set()

    def __contains__(self, person: str) -> bool:
        return person in self._held

    def __len__(self) -> int:
        return len(self._held)

    def __iter__(self) -> Iterator[str]:
        return iter(self._held)

    def hold(self, person: str, keys: Iterable[str], inputs: Iterable[Waiting] = ()) -> None:
        """Stop the person's clock until these deliveries are answered for; the inputs come after that."""
        held = self._of(person)
        held.keys.extend(keys)
        held.inputs.extend(inputs)
        if held.keys:
            self._delivering.add(person)

    def hold_first(self, person: str, given: Waiting) -> None:
        """The same, of what goes before whatever else waits for her."""
        self._of(person).first.append(given)

    def follow(self, person: str, other: str) -> bool:
        """Stop the person's clock until the other one's goes on; not if that one waits for hers, or does not wait."""
        held = self._held.get(other)
        if held is None or held.follows == person:
            return False
        self._of(person).follows = other
        self._followers.setdefault(other, []).append(person)
        return True

    def let_follow(self, other: str) -> list[str]:
        """Those who have waited for the other one's clock, and wait for it no more."""
        followers = self._followers.pop(other, [])
        for person in followers:
            self._of(person).follows = None
        return followers

    def with_followers(self, person: str) -> list[str]:
        """The person, and whoever goes on with her at the earliest."""
        going = [person]
        for each in going:
            going += [follower for follower in self._followers.get(each, ()) if follower not in going]
        return going

    def release(self, person: str) -> deque[Waiting] | None:
        """What the person's clock kept waiting, None if she stands still for something yet.

        Whether she may leave goes last, so receipts that came after it find her.
        """
        held = self._held[person]
        if held.keys or held.follows is not None or held.misses:
            return None
        self.changed.add(person)
        self.asking.discard(person)
        del self._held[person]
        return deque(sorted((*held.first, *held.inputs), key=lambda each: isinstance(each, Ask)))

    def keeps(self, person: str, key: str) -> bool:
        """Whether a delivery of hers, which is ready, waits for her to go on."""
        held = self._held.get(person)
        waiting = () if held is None else (*held.first, *held.inputs)
        return any(isinstance(each, StillReady) and key in each.keys for each in waiting)

    def holds_before(self, at: int) -> bool:
        """Whether somebody may have stood still since before this time."""
        return any(not held.asks or any(ask.at < at for ask in held.asks) for held in self._held.values())

    # Deliveries

    @property
    def delivering(self) -> int:
        """How many people wait for a receipt."""
        return len(self._delivering)

    def answer(self, person: str, receipt: Settlement) -> list[Settlement]:
        """Take a receipt; all of the person's receipts in order once the last one is in, nothing before."""
        self._held[person].receipts[receipt.key] = receipt
        return self._answered(person)

    def drop(self, person: str, key: str) -> list[Settlement]:
        """The delivery does not leave after all; the person's receipts if it was the last one missing."""
        self._held[person].keys.remove(key)
        return self._answered(person)

    def _answered(self, person: str) -> list[Settlement]:
        held = self._held[person]
        if len(held.receipts) < len(held.keys):
            return []
        answered = [held.receipts[key] for key in held.keys]
        held.keys, held.receipts = [], {}
        self._delivering.discard(person)
        return answered

    # Total caps

    def ask(self, person: str, asks: tuple[TotalAsk, ...], known: Mapping[TotalAsk, TotalAnswer], until: int) -> None:
        """Stop the person's clock until all of this is answered, of which some is known already."""
        held = self._of(person)
        held.asks, held.answers, held.until = asks, dict(known), until
        self.asking.add(person)

    def asked(self) -> Iterator[tuple[str, TotalAsk]]:
        """Whatever is not answered, with whom it is asked for; of one person in the order in which it was asked."""
        for person, held in self._held.items():
            yield from ((person, ask) for ask in held.asks if ask not in held.answers)

    def missing(self, person: str) -> list[TotalAsk]:
        """What has been asked for the person and is not answered."""
        held = self._held.get(person)
        return [] if held is None else [ask for ask in held.asks if ask not in held.answers]

    def take_answer(self, person: str, answer: TotalAnswer) -> None:
        """One that is missing is answered."""
        self._of(person).answers[answer.ask] = answer

    def answers(self, person: str) -> dict[TotalAsk, TotalAnswer]:
        """What has been answered so far, to earlier questions of the same input as well."""
        return self._held[person].answers

    def until(self, person: str) -> int | None:
        """When nobody waits for answers for this person any more, None if she waits for none."""
        held = self._held.get(person)
        return held.until if held is not None and held.misses else None

    # For the store

    def stored(self, person: str) -> tuple[tuple[TotalAsk, ...], list[TotalAnswer], int, str | None, list[Waiting]]:
        """All that there is of somebody who waits for no receipt."""
        held = self._held[person]
        return held.asks, [*held.answers.values()], held.until, held.follows, [*held.first, *held.inputs]

    def restore(
        self,
        person: str,
        asks: tuple[TotalAsk, ...],
        answers: Iterable[TotalAnswer],
        until: int,
        follows: str | None,
        inputs: Iterable[Waiting],
    ) -> None:
        """Somebody stands still as she did."""
        held = self._of(person)
        held.asks, held.until, held.follows = asks, until, follows
        if asks:
            self.asking.add(person)
        held.answers = {each.ask: each for each in answers}
        held.inputs.extend(inputs)
        if follows is not None:
            self._followers.setdefault(follows, []).append(person)
        self.changed.discard(person)

    def _of(self, person: str) -> _Held:
        self.changed.add(person)
        return self._held.setdefault(person, _Held())
