"""Timekeeping: strategies, live time and virtual time, that tell a shard which time an input has.

Live, every input of a micro-batch has the batch's stamp, a receipt counts from its arrival, and people's clocks stand
still for total caps of offers only. Under virtual time an event has its own timestamp and a receipt the instant of its
claim; a person with a delivery under way stands still until it is answered for (stash.py), and facts wait until they
are collected.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from typing import Protocol

from parcours.core.fact import Fact
from parcours.core.fact_block import encode_facts
from parcours.core.input import Input, ReceiptArrived, Settlement, TimePassed
from parcours.shard.outbox import Claim, Ready
from parcours.shard.stash import Stash, Waiting


class Timekeeping(Protocol):
    """What differs between live and virtual time, asked by the shard and its parts."""

    wakes_itself: bool
    """Whether a clock goes on by itself, so that whoever drives the shard sets an alarm for its next timer."""

    counts_facts: bool
    """Whether the shard keeps totals; otherwise whoever collects its facts counts them."""

    comes_back: bool
    """Whether a shard that has stopped is opened again from its store, and has to know then what was in hand."""

    hands_out: bool
    """Whether dispatchers have the deliveries; otherwise told lines say what became of each (segment/told.py)."""

    def stamp_ms(self, last_ms: int, now_ms: int) -> int:
        """The effective time of a micro-batch that begins now; `last_ms` is that of the one before."""

    def arrival_ms(self, stamp_ms: int) -> int | None:
        """The time of every event of a batch; None where each event has its own timestamp."""

    def due_with_batch_ms(self, stamp_ms: int) -> int:
        """Timers due before this time fire in the commit of a batch that has this stamp."""

    def passed_ms(self, now_ms: int, stamp_ms: int) -> int:
        """Time has passed for everybody: timers due before the answer fire."""

    def reached_ms(self, stamp_ms: int) -> int:
        """How far time is for everybody who does not stand still."""

    def may_change_at(self, at: int, stamp_ms: int) -> bool:
        """Whether what is published may change at this time."""

    def keep(self, facts: list[Fact]) -> bytes:
        """The facts of a commit as its record has them."""

    def collect(self) -> list[Fact]:
        """The facts since the last call that no record has, in the order of happening for each person."""

    # Whose clock stands still

    stash: Stash
    """What waits for them."""

    keeps_stash: bool
    """Whether the shard's own slot holds the stash as well; otherwise nobody comes back from there."""

    @property
    def standing_still(self) -> int:
        """How many people wait for receipts."""

    def stands_still(self, person: str) -> bool: ...

    def wait_for_answers(self, person: str, given: Waiting) -> None:
        """Keep what happens to somebody for whom total caps are asked, or what has asked them, until she goes on."""

    def stop(self, person: str, keys: Sequence[str], inputs: Iterable[Input]) -> bool:
        """These deliveries are about to leave: whether the person stands still until they are answered for.

        If she does, the inputs wait with her.
        """

    def put_aside(self, person: str, inputs: Iterable[Waiting]) -> None:
        """Keep what happens to somebody who stands still until she goes on."""

    def wait_for(self, person: str, other: str) -> bool:
        """Whether the other one stands still, and the person with her from now on until she goes on."""

    def let_follow(self, other: str) -> list[str]:
        """Those who have stood still with the other one, who goes on: they can go on as well."""

    def claimed_at(self, ready: Ready, stamp_ms: int) -> int:
        """The instant of a claim."""

    def answered(self, claim: Claim, receipt: Settlement, stamp_ms: int) -> list[ReceiptArrived]:
        """What this receipt leads to at once."""

    def withdrawn(self, ready: Ready) -> list[ReceiptArrived]:
        """What it leads to that a delivery does not leave after all."""

    def go_on(self, person: str) -> deque[Waiting]:
        """What has waited for the person's clock; nothing while she still stands still."""


class LiveTime:
    """The clock's time: satisfies `Timekeeping`."""

    keeps_stash = True

    wakes_itself = True
    counts_facts = True
    comes_back = True
    hands_out = True
    standing_still = 0

    def __init__(self) -> None:
        self.stash = Stash()

    def stamp_ms(self, last_ms: int, now_ms: int) -> int:
        return max(last_ms, now_ms)

    def arrival_ms(self, stamp_ms: int) -> int | None:
        return stamp_ms

    def due_with_batch_ms(self, stamp_ms: int) -> int:
        return stamp_ms  # under load there is always something due, and a commit of its own would cost an fsync

    def passed_ms(self, now_ms: int, stamp_ms: int) -> int:
        return stamp_ms

    def reached_ms(self, stamp_ms: int) -> int:
        return stamp_ms

    def may_change_at(self, at: int, stamp_ms: int) -> bool:
        return at >= stamp_ms

    def keep(self, facts: list[Fact]) -> bytes:
        return encode_facts(facts)

    def collect(self) -> list[Fact]:
        return []

    def stands_still(self, person: str) -> bool:
        return person in self.stash

    def wait_for_answers(self, person: str, given: Waiting) -> None:
        self.stash.hold(person, (), (given,))

    def stop(self, person: str, keys: Sequence[str], inputs: Iterable[Input]) -> bool:
        return False

    def put_aside(self, person: str, inputs: Iterable[Waiting]) -> None:
        self.stash.hold(person, (), inputs)

    def wait_for(self, person: str, other: str) -> bool:
        return self.stash.follow(person, other)

    def let_follow(self, other: str) -> list[str]:
        return self.stash.let_follow(other)

    def claimed_at(self, ready: Ready, stamp_ms: int) -> int:
        return stamp_ms

    def answered(self, claim: Claim, receipt: Settlement, stamp_ms: int) -> list[ReceiptArrived]:
        return [ReceiptArrived(stamp_ms, receipt)]

    def withdrawn(self, ready: Ready) -> list[ReceiptArrived]:
        return []

    def go_on(self, person: str) -> deque[Waiting]:
        return (self.stash.release(person) if person in self.stash else None) or deque()


class VirtualTime:
    """The time of the events, which passes only when told to: satisfies `Timekeeping`."""

    wakes_itself = False
    counts_facts = False
    comes_back = False
    hands_out = True
    keeps_stash = False

    def __init__(self) -> None:
        self.stash = Stash()
        self._passed_ms = 0
        self._facts: list[Fact] = []

    def stamp_ms(self, last_ms: int, now_ms: int) -> int:
        return last_ms

    def arrival_ms(self, stamp_ms: int) -> int | None:
        return None

    def due_with_batch_ms(self, stamp_ms: int) -> int:
        return 0

    def passed_ms(self, now_ms: int, stamp_ms: int) -> int:
        self._passed_ms = max(self._passed_ms, now_ms)
        return now_ms

    def reached_ms(self, stamp_ms: int) -> int:
        return max(stamp_ms, self._passed_ms)

    def may_change_at(self, at: int, stamp_ms: int) -> bool:
        return True  # the drive publishes between instants; a batch before it may have held later events

    def keep(self, facts: list[Fact]) -> bytes:
        self._facts += facts
        return b""

    def collect(self) -> list[Fact]:
        collected, self._facts = self._facts, []
        return collected

    @property
    def standing_still(self) -> int:
        return self.stash.delivering

    def stands_still(self, person: str) -> bool:
        return person in self.stash

    def stop(self, person: str, keys: Sequence[str], inputs: Iterable[Input]) -> bool:
        if keys:
            self.stash.hold(person, keys, inputs)
        return bool(keys)

    def wait_for_answers(self, person: str, given: Waiting) -> None:
        self.stash.hold_first(person, given)

    def put_aside(self, person: str, inputs: Iterable[Waiting]) -> None:
        self.stash.hold(person, (), inputs)

    def wait_for(self, person: str, other: str) -> bool:
        return self.stash.follow(person, other)

    def let_follow(self, other: str) -> list[str]:
        return self.stash.let_follow(other)

    def claimed_at(self, ready: Ready, stamp_ms: int) -> int:
        return ready.at

    def answered(self, claim: Claim, receipt: Settlement, stamp_ms: int) -> list[ReceiptArrived]:
        return [ReceiptArrived(claim.at, each) for each in self.stash.answer(claim.person, receipt)]

    def withdrawn(self, ready: Ready) -> list[ReceiptArrived]:
        return [ReceiptArrived(ready.at, each) for each in self.stash.drop(ready.person, ready.key)]

    def go_on(self, person: str) -> deque[Waiting]:
        waited = self.stash.release(person)
        if waited is None:
            return deque()
        return deque([*waited, TimePassed(self._passed_ms)])  # her timers of the time that others have passed


class ToldTime(VirtualTime):
    """Virtual time in which told lines say what became of deliveries, at its own time each, so nobody stands still."""

    hands_out = False

    def wait_for_answers(self, person: str, given: Waiting) -> None:
        self.stash.hold(person, (), (given,))

    def stop(self, person: str, keys: Sequence[str], inputs: Iterable[Input]) -> bool:
        return False
