"""Stores of two shards that were stopped while shard 1 answered shard 0: it has taken two messages of three."""

from __future__ import annotations

from contextlib import closing

from parcours.config import Settings
from parcours.core.identity import SlotMap
from parcours.journey.project import Project
from parcours.shard.peer_messages import Forget, PeerBatch, PeerMessage
from parcours.shard.shard import Shard
from parcours.shard.turns import at_once
from parcours.shard.work import Work
from parcours.store.address import open_store, prepare

SHARDS = 2


def write_stores(address: str, project: Project, sent: int, taken: int) -> None:
    """Shard 0 has sent so many messages to shard 1, which has taken some of them, and no answer has come back."""
    prepare(address, project.name, SHARDS)
    batch = _sent(address, project, sent)
    with closing(open_store(address, 1)) as store:
        shard = Shard(1, SlotMap(SHARDS), project.program, store, Settings(), project=project, take_message=_ignore)
        shard.open(0)
        if taken:
            known = PeerBatch(batch.shard, batch.first, batch.messages[:taken], batch.taken)
            at_once(shard.exchanging.taking(known, 0))


def _sent(address: str, project: Project, many: int) -> PeerBatch:
    with closing(open_store(address, 0)) as store:
        shard = Shard(0, SlotMap(SHARDS), project.program, store, Settings(), project=project)
        shard.open(0)
        with shard.commits.whole():
            work = shard.commits.begin(0)
            for number in range(many):
                shard.peers.send(work, 1, Forget(f"@anonymous/{number}", "anna", "bert"))
            shard.commits.commit(work)
        return shard.exchanging.hello(1, 0)


def _ignore(work: Work, message: PeerMessage) -> None:
    """It is not about what messages mean."""
    del work, message
