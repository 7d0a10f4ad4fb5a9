"""Stubs: deliveries that were claimed here, and whose person has moved to another shard before they were answered for.

Nothing is left to be done about one but to send on what became of it. In the outbox it has the person's new name, in
the queues of claims nobody's.
"""

from __future__ import annotations

from typing import Final

from parcours.core.input import Settlement
from parcours.shard.names import Names
from parcours.shard.peer_messages import Receipt
from parcours.shard.peers import Peers
from parcours.shard.work import Work

MOVED_AWAY: Final = ""
"""In place of a person's name in a claim: she lives in another shard now."""


class Stubs:
    """Of one shard."""

    def __init__(self, names: Names, peers: Peers) -> None:
        self._names = names
        self._peers = peers

    def is_one(self, person: str) -> bool:
        """Whether an entry of the outbox is a stub, by its person."""
        return not self._names.is_here(person)

    def answer(self, work: Work, slot: int, receipt: Settlement) -> None:
        """What became of a stub is known: it is told where its person lives now."""
        if not work.has_entry(slot, receipt.key):
            return  # she has been erased
        outgoing = work.entry(slot, receipt.key)
        work.outbox[slot, receipt.key] = None
        self._peers.send(work, self._names.shard(outgoing.person), Receipt(outgoing.person, outgoing, receipt))
