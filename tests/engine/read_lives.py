"""Small lives around reads of audiences: fed to live shards that are killed at will, and to their virtual twin."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, Collection, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from random import Random
from typing import Any, TypeAlias

import msgspec

from parcours.clock import Clock, ManualClock
from parcours.config import Settings
from parcours.core.fact import Fact, Moved
from parcours.core.fact_block import decode_facts
from parcours.core.identity import SlotMap
from parcours.core.time_text import time_text
from parcours.errors import StoreBroken
from parcours.journey.model.document import (
    AudiencesDocument,
    EventsDocument,
    JourneyDocument,
    ProfileDocument,
    ProjectDocument,
)
from parcours.journey.project import Project
from parcours.routing.change_protocol import settle
from parcours.service.live_reads import LiveReads
from parcours.shard.host import ShardHost
from parcours.shard.messages import Batch
from parcours.shard.requests import GetDueReads, GetStatus, LetIn, Request, TakeBatch
from parcours.shard.shard import Shard
from parcours.simulation.simulation import simulate
from parcours.store.memory import MemoryStore
from parcours.store.store import Record

BEGIN_MS = 1_767_258_000_000
"""2026-01-01T09:00Z; the first read is a second later, and others a minute after each other."""

READ_MS = BEGIN_MS + 1_000
MINUTE_MS = 60_000
SHARDS = 2
MAP = SlotMap(SHARDS)
LOOKS_MAX = 10_000


def project(rule: str = "FREQ=MINUTELY;COUNT=2") -> Project:
    """Readers by a trait, and by what they have done in the last half minute; some move a while after they set out."""
    at: dict[str, object] = {"at": time_text(READ_MS), "rule": rule}
    journeys: list[dict[str, object]] = [
        {"journey": "letter", "entry": {"read": "oslo", **at, "rate": "2/s"}, "steps": [{"id": "done", "end": True}]},
        {"journey": "offer", "entry": {"read": "busy", **at}, "steps": [{"id": "done", "end": True}]},
        {
            "journey": "move",
            "entry": {"event": "Left"},
            "steps": [{"id": "way", "wait": "400ms"}, {"id": "there", "update": {"city": '"Oslo"'}}],
        },
    ]
    return Project.of(
        ProjectDocument(project="shop"),
        ProfileDocument(traits={"city": "string"}),
        EventsDocument.model_validate({"events": {"Bought": {}, "Left": {}}}),
        audiences=AudiencesDocument(audiences={"oslo": 'profile.city == "Oslo"', "busy": 'count("Bought", "30s") > 0'}),
        journeys=[JourneyDocument.model_validate(each) for each in journeys],
    )


def life(seed: int, people: int = 8, events: int = 40, reads: int = 2) -> list[tuple[int, bytes]]:
    """(time, line) of what people do, most of it near the instants of reads, in the order of time."""
    chance, done = Random(seed), list[tuple[int, dict[str, object]]]()
    for _ in range(events):
        instant_ms = READ_MS + MINUTE_MS * chance.randrange(reads)
        at = instant_ms + chance.choice((-900, -401, -400, -399, -2, -1, 0, 0, 1, 2, 5, 399, 400, 1_500, 30_000))
        kind = chance.choice(("identify", "identify", "Bought", "Bought", "Left"))
        who = {"userId": f"u{chance.randrange(people)}", "timestamp": time_text(at)}
        if kind == "identify":
            done.append((at, {"type": "identify", **who, "traits": {"city": chance.choice(("Oslo", "Rome"))}}))
        else:
            done.append((at, {"type": "track", **who, "event": kind}))
    done.sort(key=lambda each: each[0])
    return [(at, msgspec.json.encode({**call, "messageId": f"m{n}"})) for n, (at, call) in enumerate(done)]


class Killed(Exception):
    """The process ends here."""


@dataclass
class Killer:
    """Ends the process at the commits of these numbers: before they are on disk (even ones) or after (odd ones)."""

    at: Collection[int] = ()
    commits: int = 0
    struck: bool = False

    def check(self) -> None:
        if self.struck:
            raise Killed


class Disk(MemoryStore):
    """Outlives the process."""

    def __init__(self, killer: Killer) -> None:
        super().__init__()
        self._killer = killer

    def append(self, record: Record) -> int:
        killer = self._killer
        killer.check()
        killer.commits += 1
        killer.struck = killer.commits in killer.at
        if killer.struck and killer.commits % 2 == 0:
            raise Killed
        size_bytes = super().append(record)
        killer.check()
        return size_bytes


class WatchedPort(ShardHost):
    """Notes from when on people are let in."""

    def __init__(
        self,
        shard: Shard,
        store: MemoryStore,
        clock: Clock,
        let_in: dict[tuple[str, int], set[tuple[int, int]]],
        chance: Random,
    ) -> None:
        super().__init__(shard, store, clock, lambda channel: None)
        self._let_in = let_in
        self._chance = chance

    def look(self) -> None:
        """Time passes when the test says so, and not by an alarm."""

    async def ask(self, request: Request[Any], /) -> Any:
        for _ in range(self._chance.choice((0, 0, 1, 3, 30))):  # others may go first
            await asyncio.sleep(0)
        answer = await super().ask(request)
        if isinstance(request, LetIn):  # nobody enters by what is not on disk
            self._let_in[request.journey, request.at].add((request.entries_from, request.people))
        return answer


@dataclass
class World:
    """Shards that are opened again and again, on one clock; the events of a life are their only input."""

    project: Project
    script: list[tuple[int, bytes]]
    killer: Killer = field(default_factory=Killer)
    patience: Random = field(default_factory=lambda: Random(0))
    """How far the reads get between two events."""

    slice_people: int = 2

    def __post_init__(self) -> None:
        self.clock = ManualClock(BEGIN_MS)
        self.disks = [Disk(self.killer) for _ in range(SHARDS)]
        self.let_in: dict[tuple[str, int], set[tuple[int, int]]] = defaultdict(set)
        self.sent = 0

    async def play(self, until_ms: int) -> None:
        """Feed everything, and let time pass until then, however often the process is killed."""
        while True:
            try:
                async with self.process() as (hosts, reads):
                    while self.sent < len(self.script):
                        self.clock.move_to(self.script[self.sent][0])
                        await self._feed(hosts)
                        await self._let_read(reads, self.patience.choice((0, 1, 5, 60)))
                        if self.patience.random() < 0.3:
                            await self._pass_time(hosts)
                    self.clock.move_to(max(until_ms, self.clock.now_ms()))
                    await self._come_to_rest(hosts, reads)
                    self.clock.move_to(self.clock.now_ms() + MINUTE_MS)  # by then everybody has entered
                    return await self._come_to_rest(hosts, reads)
            except (Killed, StoreBroken):
                if not self.killer.struck:
                    raise
                self.killer.struck = False

    @asynccontextmanager
    async def process(self) -> AsyncGenerator[tuple[list[WatchedPort], LiveReads], None]:
        """Opens the shards from their disks, with somebody who makes the reads."""
        lock, attempts = asyncio.Lock(), count(1)

        @asynccontextmanager
        async def undisturbed() -> AsyncGenerator[int, None]:
            async with lock:
                yield next(attempts)

        hosts: list[WatchedPort] = []
        reads = LiveReads(hosts, undisturbed, self.clock, self.slice_people)
        try:
            for number in range(SHARDS):
                hosts.append(self._open(number))
            await settle(hosts)
            yield hosts, reads
        finally:
            others = asyncio.all_tasks() - {asyncio.current_task()}
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)
            await reads.stop()
            for host in hosts:
                await host.close()

    def _open(self, number: int) -> WatchedPort:
        disk, settings = self.disks[number], Settings(due_people_max=self.slice_people)
        shard = Shard(number, MAP, self.project.program, disk, settings, project=self.project)
        shard.open(self.clock.now_ms())
        return WatchedPort(shard, disk, self.clock, self.let_in, self.patience)

    async def _feed(self, hosts: list[WatchedPort]) -> None:
        """The next event, under the number that it has among those of its shard; it waits for a shard that is held."""
        owners = [MAP.shard(msgspec.json.decode(line)["userId"]) for _, line in self.script]
        owner = owners[self.sent]
        batch = Batch("router", owners[: self.sent + 1].count(owner), [self.sent], [self.script[self.sent][1]])
        taking = asyncio.ensure_future(hosts[owner].ask(TakeBatch(batch)))
        taking.add_done_callback(lambda done: done.cancelled() or done.exception())  # whoever is killed hears nothing
        for _ in range(LOOKS_MAX):
            await asyncio.sleep(0)
            self.killer.check()
            if taking.done():
                taking.result()
                self.sent += 1
                return
        raise AssertionError("an event is not taken")

    async def _let_read(self, reads: LiveReads, turns: int) -> None:
        """Let the reads go on for a while; they are woken, for they look at the clock only now and then."""
        reads.renew(self.project.program)
        for _ in range(turns):
            await asyncio.sleep(0)
            self.killer.check()
        assert not reads.troubles

    async def _pass_time(self, hosts: list[WatchedPort]) -> None:
        """What the alarms of shards would do that do not stand still."""
        for host in hosts:
            if not (await host.holding()).held:
                await host.pass_time(self.clock.now_ms())

    async def _come_to_rest(self, hosts: list[WatchedPort], reads: LiveReads) -> None:
        for _ in range(LOOKS_MAX):
            await self._let_read(reads, 20)
            await self._pass_time(hosts)
            due = [await host.ask(GetDueReads()) for host in hosts]
            next_ms = [(await host.ask(GetStatus())).next_ms for host in hosts]
            if not any(each.due for each in due) and all(at is None or at >= self.clock.now_ms() for at in next_ms):
                return
        raise AssertionError("it does not come to rest")

    def facts(self) -> list[Fact]:
        records = [record for disk in self.disks for record in disk.records()]
        return [fact for record in records for fact in decode_facts(record.facts, "a record")]

    def entries(self) -> list[Entry]:
        """Who has entered by reads."""
        return sorted(read_entries(self.facts()))

    def expected(self, until_ms: int) -> list[Entry]:
        """Who has entered under virtual time by the reads that were made here, which let people in somewhat later."""
        instants = simulate(self.project, [line for _, line in self.script], until_ms=until_ms).facts
        begun = {read: min(told)[0] for read, told in self.let_in.items()}
        entries = []
        for at, journey, person in read_entries(instants):
            read = journey, at - (at - READ_MS) % MINUTE_MS
            if read in begun:
                entries.append((begun[read] + at - read[1], journey, person))
        return sorted(entries)


Entry: TypeAlias = tuple[int, str, str]
"""Time, journey, person."""


def read_entries(facts: Iterable[Fact]) -> list[Entry]:
    return [
        (fact.at, fact.journey, fact.person)
        for fact in facts
        if isinstance(fact, Moved) and fact.what == "entered" and fact.why == "read"
    ]
