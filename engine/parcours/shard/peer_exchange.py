"""The exchange between shards: what taking messages of a peer changes, and what its answer does.

What taking a message means for people is told by `take`: it is called in the order of the numbers, once for each
message, and whatever it adds to the work is committed together with the position. It may send messages itself. If it
raises, the shard stops, and the message comes again once it is open.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TypeAlias

from parcours.shard.commits import Commits
from parcours.shard.peer_messages import PeerAnswer, PeerBatch, PeerMessage, decode_message
from parcours.shard.peers import Link, Peers
from parcours.shard.work import Work

Take: TypeAlias = Callable[[Work, PeerMessage], None]
"""Called once for each message, in the work that its position is committed with."""


class PeerExchange:
    """Of one shard.

    awaits_hello  whether peers have still to say what they have for this shard, which was just opened: the host knows
    timers_wait   those whose timers are due and wait for that
    """

    def __init__(self, peers: Peers, commits: Commits, take: Take, hello_wait_s: float) -> None:
        self._peers = peers
        self._commits = commits
        self._take = take
        self.hello_wait_s = hello_wait_s
        self.awaits_hello = False
        self.timers_wait: list[str] = []

    def taking(self, batch: PeerBatch, now_ms: int) -> Generator[None, None, PeerAnswer]:
        """Take a peer's messages, in steps of one each, but for those taken before. After a gap none is taken.

        It tells too what the peer has taken of this shard, so that is dropped in the same commit.
        """
        self._commits.check()
        link = self._peers.link(batch.shard)
        messages = [decode_message(data) for data in self._peers.next_of(batch)]
        answered = self._peers.answered_by(batch.shard, batch.taken)
        if self._peers.is_behind(batch):
            self._look_for_a_successor()
        if not messages and answered == link.answered:
            return PeerAnswer(link.taken)
        after = Link(link.taken + len(messages), answered)
        with self._commits.whole():
            work = self._commits.begin(now_ms)
            self._peers.move(work, batch.shard, after)
            for message in messages:
                self._take(work, message)
                yield
            self._commits.commit(work, always=True)
            self._peers.moved(batch.shard)
        return PeerAnswer(after.taken)

    def _look_for_a_successor(self) -> None:
        """A peer has had answers that this shard never gave: another copy of it may have, and a commit tells. Without
        it, one that says hello and can take nothing would never learn that it is fenced off, and go on for ever.
        """
        with self._commits.whole():
            self._commits.commit(self._commits.begin(0), always=True)

    def answered(self, peer: int, answer: PeerAnswer, now_ms: int) -> bool:
        """The peer has taken messages, which are dropped; whether that is news."""
        self._commits.check()
        link = self._peers.link(peer)
        answered = self._peers.answered_by(peer, answer.taken)
        if answered == link.answered:
            return False
        with self._commits.whole():
            work = self._commits.begin(now_ms)
            self._peers.move(work, peer, Link(link.taken, answered))
            self._commits.commit(work, always=True)
            self._peers.moved(peer)
        return True

    def batch(self, peer: int) -> PeerBatch | None:
        """What is to be carried to the peer now, None if that is nothing."""
        self._commits.check()
        batch = self._peers.batch(peer)
        return batch if batch.messages else None

    def taken(self, peer: int) -> int:
        """The last message that was taken of the peer."""
        self._commits.check()
        return self._peers.link(peer).taken

    @property
    def shard(self) -> int:
        """The number of the shard."""
        return self._peers.shard

    def hello(self, peer: int, taken: int) -> PeerBatch:
        """What there is for a peer that has been opened, and has taken so many messages before. It changes nothing."""
        self._commits.check()
        self._peers.answered_by(peer, taken)
        return self._peers.batch(peer, taken)

    def waiting(self) -> list[int]:
        """The peers that have not answered all messages."""
        return self._peers.waiting()
