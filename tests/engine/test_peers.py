"""Shards of an engine in one process speak to each other, also where one of them is opened again on the way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from tests.engine.peer_stores import write_stores

from parcours.clock import ManualClock
from parcours.config import Settings
from parcours.core.identity import SlotMap
from parcours.errors import ShardUnavailable, StoreBroken
from parcours.journey.project import Project
from parcours.routing.plan import Plan
from parcours.routing.ports import ShardPort
from parcours.runtime.local import LocalRuntime
from parcours.runtime.local_shard import LocalShard
from parcours.service.engine import Engine
from parcours.shard.host import ShardHost
from parcours.shard.peer_messages import Forget, PeerMessage
from parcours.shard.requests import GetStatus
from parcours.shard.resharding import reshard
from parcours.shard.shard import Shard
from parcours.shard.work import Work
from parcours.store.memory import MemoryStore
from parcours.store.store import Record

NewShop = Callable[..., Project]

PATIENCE_S = 30.0


async def until_answered(port: ShardPort) -> None:
    """Wait until the shard has an answer to all its messages."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                if (await port.ask(GetStatus())).unanswered == 0:
                    return
            except ShardUnavailable:
                pass  # it is being opened again
            await asyncio.sleep(0.005)


def test_messages_whose_answers_were_lost_are_answered_once_both_shards_are_open(
    tmp_path: Path, new_shop: NewShop
) -> None:
    project, store = new_shop(), f"sqlite:///{tmp_path / 'store'}"
    write_stores(store, project, 3, 3)

    async def scenario() -> None:
        runtime = LocalRuntime(Plan(project, 2, store, records=("email",)))
        await runtime.start()
        await until_answered(runtime.ports[0])
        statuses = [await port.ask(GetStatus()) for port in runtime.ports]
        assert [status.troubles for status in statuses] == [[], []]
        await runtime.stop()

    asyncio.run(scenario())


def test_a_store_with_unanswered_messages_is_not_shared_out_anew(tmp_path: Path, new_shop: NewShop) -> None:
    project, store = new_shop(), f"sqlite:///{tmp_path / 'store'}"
    write_stores(store, project, 3, 3)
    with pytest.raises(StoreBroken, match="not finished: open it once with its engine"):
        reshard(store, f"sqlite:///{tmp_path / 'early'}", 3)

    with Engine.open(project, store, runtime="local", records=["email"], shards=2) as engine:
        engine.drain(PATIENCE_S)

    reshard(store, f"sqlite:///{tmp_path / 'new'}", 3)


class FailingStore(MemoryStore):
    """A disk that fails when it is told to, and is there again at the next opening."""

    def __init__(self) -> None:
        super().__init__()
        self.fails = False

    def append(self, record: Record) -> int:
        if self.fails:
            self.fails = False
            raise StoreBroken("the disk has failed")
        return super().append(record)


class Hearing:
    """Two shards in this process that note what they hear of each other."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.stores = [FailingStore(), FailingStore()]
        self.heard: list[str] = []
        self.shards: dict[int, Shard] = {}
        self.hosts: dict[int, ShardHost] = {}
        self.ports = [LocalShard(number, partial(self.open, number), comes_back=True) for number in (0, 1)]

    def open(self, number: int, stopped: Callable[[Exception], None]) -> ShardHost:
        store = self.stores[number]
        shard = Shard(
            number, SlotMap(2), self.project.program, store, Settings(), project=self.project, take_message=self.hear
        )
        shard.open(1)
        self.shards[number] = shard
        self.hosts[number] = ShardHost(shard, store, ManualClock(1), lambda _: None, stopped=stopped)
        return self.hosts[number]

    def hear(self, _: Work, message: PeerMessage) -> None:
        assert isinstance(message, Forget)
        self.heard.append(message.name)

    def start(self) -> None:
        for port in self.ports:
            port.open()
        for port in self.ports:
            port.meet(dict(enumerate(self.ports)))
            port.look()

    def send(self, name: str) -> None:
        shard = self.shards[0]
        with shard.commits.whole():
            work = shard.commits.begin(1)
            shard.peers.send(work, 1, Forget(name, "anna", "bert"))
            shard.commits.commit(work)
        self.hosts[0].look()


@pytest.mark.parametrize("failing", [0, 1])
def test_a_shard_that_was_opened_again_speaks_to_the_others_as_before(failing: int, new_shop: NewShop) -> None:
    async def scenario() -> None:
        hearing = Hearing(new_shop())
        hearing.start()
        hearing.send("first")
        await until_answered(hearing.ports[0])

        before = hearing.hosts[failing]
        hearing.send("second")
        hearing.stores[failing].fails = True  # at the commit that takes it, or that drops it
        await until_answered(hearing.ports[0])

        assert hearing.hosts[failing] is not before
        hearing.send("third")
        await until_answered(hearing.ports[0])
        once = [name for number, name in enumerate(hearing.heard) if name not in hearing.heard[:number]]
        assert once == ["first", "second", "third"]
        assert hearing.shards[1].exchanging.taken(0) == 3
        for port in hearing.ports:
            await port.close()

    asyncio.run(scenario())
