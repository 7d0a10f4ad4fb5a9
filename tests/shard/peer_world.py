"""Some shards that send each other messages, what is under way between them, and crashes at every point.

What a message means is played by a double: it notes in a profile what was sent and what was heard, in the commit that
sends or takes it, and answers each `Ask` with a `NotMerged`.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial
from typing import Literal, TypeAlias

from parcours.config import Settings
from parcours.core.identity import SlotMap
from parcours.errors import StoreBroken, StoreBusy
from parcours.journey.program import Program
from parcours.shard.peer_messages import Ask, Forget, NotMerged, PeerAnswer, PeerBatch, PeerMessage
from parcours.shard.shard import Shard
from parcours.shard.turns import at_once
from parcours.shard.work import Work
from parcours.store.memory import MemoryStore
from parcours.store.store import Record

Crash: TypeAlias = Literal["before", "after"] | None


class CrashingStore(MemoryStore):
    """Its process ends at the next record, or a later one: before that is durable, or when it is and nobody knows."""

    def __init__(self) -> None:
        super().__init__()
        self.crash: Crash = None
        self._records_before = 0

    def crash_at(self, record: int, crash: Crash) -> None:
        """Crash at the record of this number from now on, counted from 1."""
        self.crash, self._records_before = crash, record - 1

    def append(self, record: Record) -> int:
        if self._records_before:
            self._records_before -= 1
            return super().append(record)
        crash, self.crash = self.crash, None
        if crash == "before":
            raise StoreBroken("the process has ended")
        size_bytes = super().append(record)
        if crash == "after":
            raise StoreBroken("the process has ended")
        return size_bytes


class Peer:
    """A shard, and the notebook in which the double writes: the profile of somebody who lives there."""

    def __init__(self, number: int, owners: SlotMap, program: Program, settings: Settings | None = None) -> None:
        self.number = number
        self.owners = owners
        self.program = program
        self.settings = settings or Settings()
        self.store = CrashingStore()
        self.now_ms = 1_000_000
        self.asked = 0
        names = (f"notes-{number}" for number in range(1_000))
        self.notebook = next(name for name in names if self.owners.shard(name) == self.number)
        self.shard = self.reopen()

    def reopen(self) -> Shard:
        self.store.crash = None
        self.shard = Shard(self.number, self.owners, self.program, self.store, self.settings, take_message=self.take)
        self.shard.open(self.now_ms)
        return self.shard

    def note(self, work: Work, what: str, text: str) -> None:
        traits = work.profile(self.owners.slot(self.notebook), self.notebook).traits
        traits[what] = f"{traits.get(what, '')} {text}"

    def notes(self, what: str) -> list[str]:
        profile = self.shard.profile(self.notebook)
        return [] if profile is None else str(profile.traits.get(what, "")).split()

    def send_in(self, work: Work, peer: int, message: Ask | NotMerged | Forget) -> None:
        self.shard.peers.send(work, peer, message)
        self.note(work, f"to {peer}", message.name)

    def send(self, peer: int, many: int = 1) -> None:
        """Ask the peer so many things in one commit."""
        with self.shard.commits.whole():
            work = self.shard.commits.begin(self.now_ms)
            for _ in range(many):
                self.asked += 1
                self.send_in(work, peer, Ask(f"{self.number}.{self.asked}", f"{self.number}", "identify"))
            self.shard.commits.commit(work)

    def tell(self, peer: int) -> None:
        """Tell the peer something that it says nothing to."""
        with self.shard.commits.whole():
            work = self.shard.commits.begin(self.now_ms)
            self.send_in(work, peer, Forget("told", f"{self.number}", "other"))
            self.shard.commits.commit(work)

    def take(self, work: Work, message: PeerMessage) -> None:
        if isinstance(message, Ask):
            asker = int(message.person)
            self.note(work, f"from {asker}", message.name)
            self.send_in(work, asker, NotMerged(f"no-{message.name}", f"{self.number}", "shared"))
        elif isinstance(message, NotMerged):
            self.note(work, f"from {message.person}", message.name)
        elif isinstance(message, Forget):
            self.note(work, f"from {message.person}", message.name)

    def taking(self, batch: PeerBatch) -> PeerAnswer:
        return at_once(self.shard.exchanging.taking(batch, self.now_ms))

    def answered(self, peer: int, answer: PeerAnswer) -> bool:
        return self.shard.exchanging.answered(peer, answer, self.now_ms)


class Network:
    """All that is under way between shards. Whatever is delivered may be late, lost, or come twice."""

    def __init__(self, program: Program, seed: int, shards: int = 3, settings: Settings | None = None) -> None:
        self.chance = random.Random(seed)
        owners, settings = SlotMap(shards), settings or Settings(peer_batch_messages_max=3)
        self.peers = [Peer(number, owners, program, settings) for number in range(shards)]
        self.under_way: list[Callable[[], None]] = []
        self.crashes = 0

    def step(self) -> None:
        """One thing happens somewhere."""
        one, other = self.chance.sample(self.peers, 2)
        what = self.chance.choices(("send", "carry", "deliver", "open"), (2, 4, 6, 0.5))[0]
        if what == "send":
            self.attempt(one, partial(one.send, other.number, self.chance.randint(1, 3)))
        elif what == "carry":
            self.carry(one, other)
        elif what == "deliver" and self.under_way:
            self.under_way.pop(self.chance.randrange(len(self.under_way)))()
        elif what == "open":
            self.open(one)

    def attempt(self, peer: Peer, change: Callable[[], object]) -> None:
        """Let a shard change something, or end while it does."""
        peer.store.crash = self.chance.choices((None, "before", "after"), (8, 1, 1))[0]
        try:
            change()
        except (StoreBroken, StoreBusy):
            self.crashes += 1
            self.open(peer)
        peer.store.crash = None

    def carry(self, one: Peer, other: Peer) -> None:
        batch = one.shard.exchanging.batch(other.number)
        if batch is not None:
            self.post(partial(self.attempt, other, partial(self.bring, one, other, batch)))

    def bring(self, one: Peer, other: Peer, batch: PeerBatch) -> None:
        answer = other.taking(batch)
        self.post(partial(self.attempt, one, lambda: one.answered(other.number, answer)))

    def open(self, peer: Peer) -> None:
        """A shard comes back, and says hello to some."""
        peer.reopen()
        for other in self.peers:
            if other is not peer and self.chance.random() < 0.7:
                batch = other.shard.exchanging.hello(peer.number, peer.shard.exchanging.taken(other.number))
                self.post(partial(self.attempt, peer, partial(peer.taking, batch)))

    def post(self, delivery: Callable[[], None]) -> None:
        times = self.chance.choices((1, 0, 2), (7, 1.5, 1.5))[0]
        self.under_way += [delivery] * times

    def settle(self) -> None:
        """From now on nothing fails, and what is under way still comes."""
        for delivery in self.under_way:
            delivery()
        for _ in range(1_000):
            if not any(peer.shard.peers.waiting() for peer in self.peers):
                return
            for one in self.peers:
                for other in self.peers:
                    batch = one.shard.exchanging.batch(other.number) if one is not other else None
                    if batch is not None:
                        one.answered(other.number, other.taking(batch))
        raise AssertionError("messages stay unanswered")
