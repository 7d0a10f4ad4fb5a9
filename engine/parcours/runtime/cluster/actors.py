"""The actors inside Ray's workers: for a shard, a dispatcher, the exporter, each a thin skin over a plain object.

Constructors do nothing: an exception there would end an actor for good. An actor that Ray has restarted
knows nothing either, and answers ShardUnavailable until the supervisor assigns it again. So does one whose
store failed: it lets go of the shard, for only the store can say what was committed.
"""

from __future__ import annotations

import os
import pickle
from collections.abc import Awaitable
from typing import Any, TypeVar

import ray

from parcours import collector
from parcours.clock import SystemClock
from parcours.dispatch.dispatcher import Dispatcher
from parcours.dispatch.factory import new_dispatcher
from parcours.dispatch.registry import Registry
from parcours.errors import ShardStopped, ShardUnavailable, StoreBroken, StoreBusy
from parcours.insight.exporter.exporter import Exporter
from parcours.journey.publish.publications import PublicationCompiler, Publications
from parcours.routing.plan import Plan
from parcours.runtime.cluster.actor_port import ActorPort
from parcours.runtime.exporting import new_exporter
from parcours.runtime.open_shard import open_shard
from parcours.shard.host import ShardHost
from parcours.shard.messages import decode
from parcours.shard.requests import decode_request, encode_answer
from parcours.store.address import is_durable

T = TypeVar("T")

LOST = "the shard's store lay in the memory of a process that has ended: start again, or use a store on disk"


class ShardActor:
    """Owns one shard. Arguments and answers are bytes."""

    def __init__(self) -> None:
        self._host: ShardHost | None = None
        self._lost = False
        self._dispatchers: dict[str, Any] = {}

    async def assign(
        self, plan: bytes, number: int, expected_epoch: int | None, dispatchers: dict[str, Any], shards: list[Any]
    ) -> int:
        """Open the shard from its store, if that is held under the expected epoch; without one, whatever is there.

        `shards` are the actors of all of them. Returns the epoch under which the shard writes from now on.
        """
        await self.close()
        await self.meet(dispatchers)
        opened = plan_of(plan)
        self._lost = expected_epoch is not None and not is_durable(opened.store)
        if self._lost:
            raise StoreBroken(LOST)

        def wake(channel: str) -> None:
            if channel in self._dispatchers:
                self._dispatchers[channel].wake.remote(number)

        self._host = open_shard(opened, number, SystemClock(opened.settings.clock_jump_max_ms), wake, expected_epoch)
        if not opened.virtual:  # there nobody has anything for another shard
            self._host.peers.meet({peer: ActorPort(shard) for peer, shard in enumerate(shards)})
        self._host.look()
        collector.spare_for_good()
        return self._host.epoch

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

    async def ask(self, request: bytes) -> bytes:
        """The answer of the shard to a request (shard/requests.py)."""
        return encode_answer(await self._answer(decode_request(request).put_to(self._assigned)))

    async def process_id(self) -> int:
        """The actor's process, for whoever looks after the machine."""
        return os.getpid()

    async def close(self) -> None:
        if self._host is not None:
            host, self._host = self._host, None
            await host.close()


def plan_of(data: bytes) -> Plan:
    """The plan that a supervisor has pickled; its project is compiled here."""
    plan: Plan = pickle.loads(data)
    return plan


class DispatcherActor:
    """Sends on one channel."""

    def __init__(self) -> None:
        self._dispatcher: Dispatcher | None = None
        self._compiler = PublicationCompiler()

    async def assign(
        self, plan: bytes, channel: str, name: str, shards: list[Any], publications: bytes, kept_back: list[str]
    ) -> None:
        """Start the channel and pull what is ready. `name` tells this life of the actor from those before."""
        await self.stop()
        opened = plan_of(plan)
        self._compiler = PublicationCompiler(opened.project)
        program = self._compiler.program(decode(publications, Publications))
        self._dispatcher = new_dispatcher(name, channel, opened, program, Registry.installed())
        for journey in kept_back:
            self._dispatcher.keep_back(journey)
        await self._dispatcher.start([ActorPort(shard) for shard in shards])
        for shard in range(len(shards)):
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

    async def trouble(self) -> str | None:
        if self._dispatcher is None:
            raise ShardUnavailable("the dispatcher's actor has not been assigned yet")
        return self._dispatcher.trouble

    async def process_id(self) -> int:
        """The actor's process, for whoever looks after the machine."""
        return os.getpid()

    async def stop(self) -> None:
        if self._dispatcher is not None:
            await self._dispatcher.stop()
            self._dispatcher = None


class ExporterActor:
    """Exports the facts of all shards."""

    def __init__(self) -> None:
        self._exporter: Exporter | None = None
        self._compiler = PublicationCompiler()

    async def assign(self, plan: bytes, shards: list[Any], publications: bytes) -> None:
        """Go on where the shards say."""
        await self.stop()
        opened = plan_of(plan)
        self._compiler = PublicationCompiler(opened.project)
        program = self._compiler.program(decode(publications, Publications))
        self._exporter = new_exporter(opened, program, SystemClock(opened.settings.clock_jump_max_ms))
        self._exporter.start([ActorPort(shard) for shard in shards])

    @property
    def _assigned(self) -> Exporter:
        if self._exporter is None:
            raise ShardUnavailable("the exporter's actor has not been assigned yet")
        return self._exporter

    async def publish(self, publications: bytes) -> None:
        """Know what is about to be published."""
        self._assigned.publish(self._compiler.program(decode(publications, Publications)))

    async def trouble(self) -> str | None:
        return self._assigned.trouble

    async def process_id(self) -> int:
        """The actor's process, for whoever looks after the machine."""
        return os.getpid()

    async def stop(self) -> None:
        if self._exporter is not None:
            await self._exporter.stop()
            self._exporter = None


def start_actor(kind: type[ShardActor] | type[DispatcherActor] | type[ExporterActor]) -> Any:
    """An actor that Ray restarts for ever and whose calls it never repeats: repeating is the router's business."""
    options: dict[str, Any] = {
        "num_cpus": 0,
        "max_restarts": -1,
        "max_task_retries": 0,
        "enable_task_events": False,
    }
    return ray.remote(**options)(kind).remote()
