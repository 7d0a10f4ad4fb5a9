"""The actors inside Ray's workers: for a shard, a dispatcher, the exporter, each a thin skin over a plain object.

Constructors do nothing that can fail: an exception there would end an actor for good. One that has not been assigned
yet answers ShardUnavailable. So does that of a shard whose store failed: it lets go of the shard, for only the store
can say what was committed. A shard remembers who keeps the engine, and does nothing for whoever has kept it before.
"""

from __future__ import annotations

import asyncio
import os
import pickle
from collections.abc import Awaitable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from socket import gethostname
from typing import Any, TypeVar

import ray

from parcours import collector
from parcours.background import in_thread
from parcours.clock import SystemClock
from parcours.closing import close_all
from parcours.dispatch.channel_state import ChannelState
from parcours.dispatch.destinations import SnapshotStep
from parcours.dispatch.dispatcher import Dispatcher
from parcours.dispatch.factory import new_dispatcher
from parcours.dispatch.registry import Registry
from parcours.errors import ShardStopped, ShardUnavailable, StoreBroken, StoreBusy
from parcours.insight.exporter.exporter import Exporter
from parcours.insight.exporter.fact_sender import FactSenders
from parcours.journey.publish.publications import PublicationCompiler, Publications
from parcours.routing.plan import Plan
from parcours.runtime.cluster.actor_port import ActorPort, Whereabouts
from parcours.runtime.cluster.dispatchers import Share
from parcours.runtime.cluster.placing import placed
from parcours.runtime.exporting import new_exporter, new_fact_senders
from parcours.runtime.open_shard import open_shard
from parcours.shard.host import ShardHost
from parcours.shard.messages import decode
from parcours.shard.requests import decode_request, encode_answer
from parcours.store.address import claims_at, is_durable
from parcours.store.claims import AT, Claims, Held, check_keeper

T = TypeVar("T")

LOST = "the shard's store lay in the memory of a process that has ended: start again, or use a store on disk"


EXPORTER_NICENESS = 5
"""By how much the exporter's process gives way: where all cores are busy it gets a third of what another one has."""

GENTLE_NICENESS = 10
"""By how much more it does so while it is in time: a thirtieth. So events hardly wait for their elders' export."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """
    name            of the actor
    keeper          the epoch under which the engine is kept
    expected_epoch  under which the shard's store has to be held; None: whatever is there
    dispatchers     whom the shard wakes, by channel
    shards          the actors of all of them, and how they are found when those have gone
    """

    number: int
    name: str
    keeper: int
    expected_epoch: int | None
    dispatchers: dict[str, Any]
    shards: list[Any]
    whereabouts: Whereabouts


class ShardActor:
    """Owns one shard. Arguments and answers are bytes."""

    def __init__(self) -> None:
        self._host: ShardHost | None = None
        self._has_none = asyncio.Event()
        self._has_none.set()
        self._lost = False
        self._keeper = 0
        self._dispatchers: dict[str, Any] = {}

    async def assign(self, plan: bytes, asked: Assignment) -> int:
        """Open the shard from its store; returns the epoch under which it writes from now on.

        Raises StoreBusy where the store is held under another epoch, or somebody else keeps the engine by now, and
        ShardUnavailable where the shard has been let go of meanwhile: others ask it as soon as it is open.
        """
        await self.adopt(asked.keeper, asked.dispatchers)
        await self.close()
        opened, number = plan_of(plan), asked.number
        self._lost = asked.expected_epoch is not None and not is_durable(opened.store)
        if self._lost:
            raise StoreBroken(LOST)
        claims = claims_at(opened.store, opened.shards) if is_durable(opened.store) else None
        if claims is not None:
            await in_thread(check_keeper, claims, asked.keeper)

        def wake(channel: str) -> None:
            if channel in self._dispatchers:
                self._dispatchers[channel].wake.remote(number)

        clock = SystemClock(opened.settings.clock_jump_max_ms)
        host = self._host = open_shard(opened, number, clock, wake, asked.expected_epoch)
        self._has_none.clear()
        if claims is not None:
            await self._note(claims, asked, host)
        if not opened.virtual:  # there nobody has anything for another shard
            host.peers.meet(dict(enumerate(ports_to(asked.shards, asked.whereabouts))))
        host.look()
        collector.spare_for_good()
        return host.epoch

    async def _note(self, claims: Claims, asked: Assignment, host: ShardHost) -> None:
        """Let others know where the shard is; it is closed again where the engine has another keeper by now."""
        try:
            await in_thread(check_keeper, claims, asked.keeper)
            await in_thread(claims.note, asked.number, Held(host.epoch, f"{asked.name}{AT}{gethostname()}"))
        except BaseException:
            if self._host is host:  # what a later keeper has opened meanwhile is not this one's to close
                await self.close()
            raise
        if self._host is not host:
            raise ShardUnavailable("the shard has to be opened again: it was let go of while it was assigned")

    async def adopt(self, keeper: int, dispatchers: dict[str, Any]) -> int | None:
        """Do as this keeper says from now on, and no earlier one; wake these dispatchers.

        Returns the epoch of the shard, None where it has not been assigned, or has been closed.
        """
        self._check_keeper(keeper)
        if keeper > self._keeper:
            self._keeper, self._dispatchers = keeper, {}
            if self._host is not None:  # from now on no dispatcher of an earlier keeper is heard
                await self._answer(self._host.give_up_all())
        await self.meet(dispatchers)
        return None if self._host is None else self._host.epoch

    def _check_keeper(self, keeper: int) -> None:
        if keeper < self._keeper:
            raise StoreBusy(f"the engine is kept under epoch {self._keeper}; epoch {keeper} is over and has to stop")

    async def meet(self, dispatchers: dict[str, Any]) -> None:
        """Wake these, too, from now on. Added to those it knows: calls that cross each other lose nobody."""
        self._dispatchers |= dispatchers

    @property
    def _assigned(self) -> ShardHost:
        if self._lost:
            raise StoreBroken(LOST)
        if self._host is None:
            raise ShardUnavailable("the shard's actor has not been assigned yet")
        return self._host

    async def _answer(self, asked: Awaitable[T]) -> T:
        try:
            return await asked
        except (StoreBroken, StoreBusy, ShardStopped) as error:
            await self.close()
            raise ShardUnavailable(f"the shard has to be opened again: {error}") from error

    async def ask(self, request: bytes, keeper: int | None = None) -> bytes:
        """The answer of the shard to a request (shard/requests.py).

        keeper  the epoch under which the engine is kept for which it is asked, by dispatchers and the exporter too
        Raises StoreBusy where it has another keeper by now.
        """
        if keeper is not None:
            self._check_keeper(keeper)
        return encode_answer(await self._answer(decode_request(request).put_to(self._assigned)))

    async def watched(self, request: bytes, keeper: int, after_s: float) -> bytes:
        """What `ask` answers after this time, or as soon as the shard is let go of."""
        with suppress(TimeoutError):
            async with asyncio.timeout(after_s):
                await self._has_none.wait()
        return await self.ask(request, keeper)

    async def process_id(self) -> int:
        """The actor's process, for whoever looks after the machine."""
        return os.getpid()

    async def close(self) -> None:
        if self._host is not None:
            host, self._host = self._host, None
            self._has_none.set()
            await host.close()


def ports_to(shards: list[Any], whereabouts: Whereabouts, keeper: int | None = None) -> list[ActorPort]:
    """A port to each of these actors, which is found again when another one is in its place."""
    finder = whereabouts.finder()
    return [ActorPort(number, shard, finder, keeper) for number, shard in enumerate(shards)]


def plan_of(data: bytes) -> Plan:
    """The plan that a supervisor has pickled; its project is compiled here."""
    plan: Plan = pickle.loads(data)
    return plan


class DispatcherActor:
    """Sends on one channel, alone or as one of several."""

    def __init__(self) -> None:
        self._dispatcher: Dispatcher | None = None
        self._compiler = PublicationCompiler()

    async def assign(
        self,
        plan: bytes,
        share: Share,
        name: str,
        shards: list[Any],
        whereabouts: Whereabouts,
        keeper: int,
        publications: bytes,
        kept_back: list[str],
    ) -> None:
        """Start the channel and pull what is ready in the shards of this share.

        name  tells this life of the actor from those before
        """
        await self.stop()
        opened = plan_of(plan)
        self._compiler = PublicationCompiler(opened.project)
        program = self._compiler.program(decode(publications, Publications))
        part, registry = share.part(len(shards)), Registry.installed()
        self._dispatcher = new_dispatcher(name, share.channel, opened, program, registry, part)
        for journey in kept_back:
            self._dispatcher.keep_back(journey)
        await self._dispatcher.start(ports_to(shards, whereabouts, keeper))
        for shard in share.shards(len(shards)):
            self._dispatcher.wake(shard)

    async def publish(self, publications: bytes) -> None:
        """Know the messages of what is about to be published."""
        if self._dispatcher is None:
            raise ShardUnavailable("the dispatcher's actor has not been assigned yet")
        self._dispatcher.publish(self._compiler.program(decode(publications, Publications)))

    async def wake(self, shard: int) -> None:
        if self._dispatcher is not None:
            self._dispatcher.wake(shard)

    async def keep_back(self, journey: str) -> None:
        if self._dispatcher is not None:
            self._dispatcher.keep_back(journey)

    async def let_go(self, journey: str) -> None:
        if self._dispatcher is None:
            raise ShardUnavailable("the dispatcher's actor has not been assigned yet")
        self._dispatcher.let_go(journey)

    async def tell_all(self, step: SnapshotStep) -> None:
        if self._dispatcher is None:
            raise ShardUnavailable("the dispatcher's actor has not been assigned yet")
        await self._dispatcher.tell_all(step)

    async def trouble(self) -> str | None:
        if self._dispatcher is None:
            raise ShardUnavailable("the dispatcher's actor has not been assigned yet")
        return self._dispatcher.trouble

    async def watched(self, after_s: float) -> str | None:
        """What `trouble` answers after this time."""
        if self._dispatcher is not None:
            await asyncio.sleep(after_s)
        return await self.trouble()

    async def state(self) -> ChannelState:
        if self._dispatcher is None:
            raise ShardUnavailable("the dispatcher's actor has not been assigned yet")
        return self._dispatcher.state()

    async def process_id(self) -> int:
        """The actor's process, for whoever looks after the machine."""
        return os.getpid()

    async def stop(self) -> None:
        if self._dispatcher is not None:
            await self._dispatcher.stop()
            self._dispatcher = None


class ExporterActor:
    """Exports the facts of all shards, as files and to destinations. Events and deliveries go before that."""

    def __init__(self) -> None:
        os.nice(EXPORTER_NICENESS)  # of this thread, and of those that it starts
        self._gentle = ThreadPoolExecutor(1, "gentle-export", os.nice, (GENTLE_NICENESS,))
        self._at_work: list[Exporter | FactSenders] | None = None
        self._compiler = PublicationCompiler()

    async def assign(
        self, plan: bytes, shards: list[Any], whereabouts: Whereabouts, keeper: int, publications: bytes
    ) -> None:
        """Go on where the shards say."""
        await self.stop()
        opened = plan_of(plan)
        self._compiler = PublicationCompiler(opened.project)
        program = self._compiler.program(decode(publications, Publications))
        at_work: list[Exporter | FactSenders] = []
        if opened.exports:
            clock = SystemClock(opened.settings.clock_jump_max_ms)
            at_work.append(new_exporter(opened, program, clock, self._gentle))
        if opened.facts_to:
            at_work.append(new_fact_senders(opened, program))
        for each in at_work:
            each.start(ports_to(shards, whereabouts, keeper))
        self._at_work = at_work

    @property
    def _assigned(self) -> list[Exporter | FactSenders]:
        if self._at_work is None:
            raise ShardUnavailable("the exporter's actor has not been assigned yet")
        return self._at_work

    async def publish(self, publications: bytes) -> None:
        """Know what is about to be published."""
        program = self._compiler.program(decode(publications, Publications))
        for each in self._assigned:
            each.publish(program)

    async def trouble(self) -> str | None:
        return "; ".join(each.trouble for each in self._assigned if each.trouble is not None) or None

    async def watched(self, after_s: float) -> str | None:
        """What `trouble` answers after this time."""
        if self._at_work is not None:
            await asyncio.sleep(after_s)
        return await self.trouble()

    async def process_id(self) -> int:
        """The actor's process, for whoever looks after the machine."""
        return os.getpid()

    async def stop(self) -> None:
        at_work, self._at_work = self._at_work or [], None
        await close_all([each.stop for each in at_work])


def start_actor(
    kind: type[ShardActor] | type[DispatcherActor] | type[ExporterActor],
    name: str,
    namespace: str,
    nodes: str,
    *,
    stays: bool,
) -> Any:
    """An actor of this name, whose calls Ray never repeats: repeating is the router's business.

    nodes  the label of the nodes on which it may be; empty: on any
    stays  when the process goes that has started it
    Ray starts that of a shard once: whoever keeps the engine puts another one in its place, with a name of its own.
    """
    options: dict[str, Any] = {
        "name": name,
        "namespace": namespace,
        "lifetime": "detached" if stays else None,
        "num_cpus": 0,
        "memory": 1,  # a byte: one that asks for nothing goes to a node by chance, and Ray spreads none of these
        "max_restarts": 0 if kind is ShardActor else -1,
        "max_task_retries": 0,
        "enable_task_events": False,
        "scheduling_strategy": "SPREAD",
        **placed(nodes),
    }
    return ray.remote(**options)(kind).remote()
