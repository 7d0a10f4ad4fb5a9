"""Peers: which messages has this shard for other shards, and how many has it taken of each?

Messages are numbered from 1 for each ordered pair of shards, and taken in the order of their numbers, each once
(go-back-N). All that is known of a peer lies in the shard's own slot, so journal and image hold it:

- `to peer 3 17` is the 17th message to shard 3, for as long as it is not answered. It is written by the commit that
  sends it, so it goes out if and only if the rest of that commit has happened.
- `peer 3` says how many messages were taken of shard 3, and how many of those to it were answered. It is written by the
  commit that takes or drops messages; a peer is never forgotten, unlike a router.

An answer is the number of the last message taken, and nothing else: what a message leads to is told by a message of
its own. So one that comes twice is answered from `taken`, an old answer tells nothing new, and a lost one costs a
repetition.

Whatever goes out is read from the slot, which shows what has been committed. Only the numbers given away since a peer
last had answered everything are kept beside it: one work may send several messages.

If the stores of two shards are not of one moment, as when one of them was restored alone, one may have taken more
messages than the other has sent, or have forgotten some that were answered. Then numbers would come twice and messages
be lost, so whoever finds it out sends nothing there any more, and that is a trouble.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Final

import msgspec

from parcours.config import Settings
from parcours.shard.peer_messages import (
    IdentityMessage,
    PeerBatch,
    PeerMessage,
    decode_message,
    encode_message,
    named_in,
)
from parcours.shard.slots import Slots
from parcours.shard.work import Work

PEER: Final = "peer "
"""What the names of the entries begin with that say how far it is with a peer; its number follows."""

MESSAGE: Final = "to peer "
"""What the names of the entries begin with that hold a message; the peer and the message's number follow."""


class Link(msgspec.Struct, frozen=True, array_like=True):
    """How far two shards are: the last message taken of the peer, and the last one to it that it has answered."""

    taken: int = 0
    answered: int = 0


class Sent(msgspec.Struct, frozen=True, array_like=True):
    """A message that is not answered: when it was sent, in ms since 1970, and its bytes."""

    at: int
    message: bytes


_encode = msgspec.msgpack.Encoder().encode
_decode_link = msgspec.msgpack.Decoder(Link).decode
_decode_sent = msgspec.msgpack.Decoder(Sent).decode


class Peers:
    """The peers of one shard. What lies in its own slot is all that there is of them."""

    def __init__(self, slots: Slots, settings: Settings) -> None:
        self.shard = slots.shard
        self._own = slots.own
        self._settings = settings
        self._sent: dict[int, int] = {}
        """By peer, the number of the last message to it, where it has not answered them all."""
        self._moves: dict[int, list[int]] = {}
        """By peer, the numbers of those messages to it that are about names, and may not be answered."""

        self._apart: dict[int, str] = {}
        """By peer, what does not agree with what it says."""

    def restore(self) -> None:
        """Come back from the entries of the shard's own slot."""
        for name in self._own.profiles:
            if name.startswith(MESSAGE):
                peer, number = map(int, name.removeprefix(MESSAGE).split())
                self._sent[peer] = max(number, self._sent.get(peer, 0))
                self._note(peer, number, decode_message(_decode_sent(self._own.profiles[name]).message))

    # Out

    def send(self, work: Work, peer: int, message: PeerMessage) -> None:
        """Send a message with the commit of this work."""
        assert peer != self.shard, "what a shard does by itself is one commit, and no message"
        number = self._last_sent(peer) + 1
        self._sent[peer] = number
        self._note(peer, number, message)
        work.own.append((_name_of(peer, number), _encode(Sent(work.stamp_ms, encode_message(message)))))

    def has_spoken(self) -> bool:
        """Whether there has been any message to another shard, or of one."""
        return any(name.startswith(PEER) for name in self._own.profiles) or bool(self._sent)

    def has_room(self, peer: int) -> bool:
        """Whether something may begin that needs messages to this peer. What answers a message is sent in any case."""
        waiting = self._last_sent(peer) - self.link(peer).answered
        return waiting < self._settings.peer_messages_max and peer not in self._apart

    def batch(self, peer: int, after: int = 0) -> PeerBatch:
        """The oldest messages that the peer has not answered, behind this number: as many as go together."""
        link = self.link(peer)
        first = max(link.answered, after) + 1
        messages: list[bytes] = []
        room_bytes = self._settings.peer_batch_bytes_max
        for number in range(first, first + self._settings.peer_batch_messages_max):
            data = self._own.profiles.get(_name_of(peer, number))
            if data is None or peer in self._apart:
                break
            message = _decode_sent(data).message
            room_bytes -= len(message)
            if messages and room_bytes < 0:
                break
            messages.append(message)
        return PeerBatch(self.shard, first, messages, link.taken)

    def waiting(self) -> list[int]:
        """The peers that have not answered all messages. Empty, and so for nothing, where none was ever sent."""
        return list(self._sent) if self._sent else []

    def unanswered(self) -> int:
        """How many messages are not answered."""
        return sum(last - self.link(peer).answered for peer, last in self._sent.items())

    def speaks_of(self, names: Collection[str]) -> bool:
        """Whether a message that is not answered has one of these names: its peer may be yet to hear it."""
        return any(
            not named_in(message).isdisjoint(names)
            for peer in self._sent
            if peer not in self._apart
            for message in self._unanswered_by(peer)
        )

    def _unanswered_by(self, peer: int) -> Iterator[PeerMessage]:
        for number in range(self.link(peer).answered + 1, self._last_sent(peer) + 1):
            data = self._own.profiles.get(_name_of(peer, number))
            if data is not None:  # else it is in the midst of being sent
                yield decode_message(_decode_sent(data).message)

    def moves(self) -> int:
        """How many of them are about names, which no change of what is published may come between."""
        return sum(map(len, self._moves.values()))

    def _note(self, peer: int, number: int, message: PeerMessage) -> None:
        if isinstance(message, IdentityMessage):
            self._moves.setdefault(peer, []).append(number)

    # In

    def link(self, peer: int) -> Link:
        """How far it is with a peer, as has been committed."""
        data = self._own.profiles.get(f"{PEER}{peer}")
        return Link() if data is None else _decode_link(data)

    def answered_by(self, peer: int, taken: int) -> int:
        """The number of the last message that is answered, now that the peer says how many it has taken."""
        if taken > self._last_sent(peer):
            self._apart[peer] = f"it has taken {taken} messages, and this one has sent {self._last_sent(peer)}"
        return max(self.link(peer).answered, min(taken, self._last_sent(peer)))

    def is_behind(self, batch: PeerBatch) -> bool:
        """Whether the peer has had answers to messages that this shard has not taken."""
        return batch.first > self.link(batch.shard).taken + 1  # it counts as answered only what it was told is durable

    def next_of(self, batch: PeerBatch) -> list[bytes]:
        """The messages of a batch that have not been taken, if they come next."""
        taken = self.link(batch.shard).taken
        if self.is_behind(batch):
            self._apart[batch.shard] = f"it has had answers to {batch.first - 1} messages, and this one took {taken}"
            return []
        return batch.messages[taken + 1 - batch.first :]

    def move(self, work: Work, peer: int, link: Link) -> None:
        """With the commit of this work it is so far with the peer. What is answered is dropped with it."""
        answered = range(self.link(peer).answered + 1, link.answered + 1)
        work.own += [(_name_of(peer, number), b"") for number in answered]
        work.own.append((f"{PEER}{peer}", _encode(link)))

    def moved(self, peer: int) -> None:
        """That has been committed."""
        if peer in self._moves:
            answered = self.link(peer).answered
            self._moves[peer] = [number for number in self._moves[peer] if number > answered]
        if self._sent.get(peer) == self.link(peer).answered:
            del self._sent[peer]

    # Told

    def troubles(self, now_ms: int) -> list[str]:
        """What whoever runs the engine should know of this shard's messages, a sentence each."""
        told = []
        for peer, difference in sorted(self._apart.items()):
            told.append(
                f"the stores of shard {self.shard} and shard {peer} are not of one moment, so nothing is sent there "
                f"any more: {difference}; restore all shards from one backup"
            )
        for peer, last in sorted(self._sent.items()):
            answered = self.link(peer).answered
            oldest = self._own.profiles.get(_name_of(peer, answered + 1))
            waits_ms = 0 if oldest is None else now_ms - _decode_sent(oldest).at
            if waits_ms > self._settings.peer_silence_ms and peer not in self._apart:
                told.append(
                    f"messages to shard {peer} are not answered: {last - answered}, the oldest for "
                    f"{waits_ms // 1_000} s; whoever is about to become one with somebody there stands still"
                )
        return told

    def _last_sent(self, peer: int) -> int:
        return self._sent.get(peer) or self.link(peer).answered


def _name_of(peer: int, number: int) -> str:
    """The name of a message's entry."""
    return f"{MESSAGE}{peer} {number}"
