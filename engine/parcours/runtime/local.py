"""The engine in one process: shards and dispatchers on one event loop. For tests, simulation, small services."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from parcours.clock import Clock, SystemClock
from parcours.closing import close_all
from parcours.dispatch.channel_state import ChannelState
from parcours.dispatch.destinations import SnapshotStep
from parcours.dispatch.dispatcher import Dispatcher
from parcours.dispatch.factory import new_dispatcher
from parcours.dispatch.registry import Registry
from parcours.insight.exporter.exporter import Exporter
from parcours.insight.exporter.fact_sender import FactSenders
from parcours.journey.channels import channels_to_start
from parcours.journey.program import Program
from parcours.journey.publish.publications import PublicationCompiler, Publications
from parcours.routing.change_protocol import newest
from parcours.routing.plan import Homes, Plan
from parcours.runtime.exporting import new_exporter, new_fact_senders
from parcours.runtime.local_shard import LocalShard
from parcours.runtime.open_shard import open_shard
from parcours.shard.host import ShardHost
from parcours.store.address import is_durable, prepare


class LocalRuntime:
    """Opens the shards of a plan and keeps them going. `start` and `stop` run on the same loop."""

    def __init__(self, plan: Plan, *, clock: Clock | None = None, registry: Registry | None = None) -> None:
        self._plan = plan
        self._clock = clock or SystemClock(plan.settings.clock_jump_max_ms)
        self._registry = registry
        self._dispatchers: dict[str, Dispatcher] = {}
        self._exporter: Exporter | None = None
        self._fact_senders: FactSenders | None = None
        self._compiler = PublicationCompiler(plan.project)
        self.ports: list[LocalShard] = []
        self.epoch = 0

    async def start(self, homes: Homes | None = None) -> None:
        """Come back from the stores and go on."""
        if homes is not None:
            self._plan = replace(self._plan, homes=await homes)
        prepare(self._plan.store, self._plan.project.name, self._plan.shards)
        comes_back = is_durable(self._plan.store) and not self._plan.virtual
        for number in range(self._plan.shards):
            shard = LocalShard(number, partial(self._open_shard, number), comes_back=comes_back)
            shard.open()
            self.ports.append(shard)
        if self._plan.channels or self._plan.exports or self._plan.facts_to:  # a simulation asks for none of them
            program = self._compiler.program(await newest(self.ports))
            await self._start_dispatchers(program)
            if self._plan.exports:
                self._exporter = new_exporter(self._plan, program, self._clock)
                self._exporter.start(self.ports)
            if self._plan.facts_to:
                self._fact_senders = new_fact_senders(self._plan, program)
                self._fact_senders.start(self.ports)
        for shard in self.ports:
            if not self._plan.virtual:  # there nobody has anything for another shard
                shard.meet(dict(enumerate(self.ports)))
            shard.look()

    def _open_shard(self, number: int, stopped: Callable[[Exception], None]) -> ShardHost:
        wake = partial(self._wake, number)
        return open_shard(self._plan, number, self._clock, wake, registry=self._registry, stopped=stopped)

    async def _start_dispatchers(self, program: Program) -> None:
        """Those that this program needs and that are not there yet."""
        missing = [name for name in channels_to_start(self._plan.channels, program) if name not in self._dispatchers]
        if not missing:
            return  # looking for the installed ones takes longer than all the rest of it
        registry = self._registry or Registry.installed()
        for name in missing:
            self._dispatchers[name] = new_dispatcher(name, name, self._plan, program, registry)
            await self._dispatchers[name].start(self.ports)

    def _wake(self, shard: int, channel: str) -> None:
        if channel in self._dispatchers:
            self._dispatchers[channel].wake(shard)

    async def publish(self, publications: Publications) -> None:
        """Let the dispatchers know what is about to be published."""
        program = self._compiler.program(publications)
        await self._start_dispatchers(program)
        for dispatcher in self._dispatchers.values():
            dispatcher.publish(program)
        if self._exporter is not None:
            self._exporter.publish(program)
        if self._fact_senders is not None:
            self._fact_senders.publish(program)

    async def keep_back(self, journey: str) -> None:
        """Let nothing of a journey leave that is about to be stopped."""
        for dispatcher in self._dispatchers.values():
            dispatcher.keep_back(journey)

    async def let_go(self, journey: str) -> None:
        """It has been stopped, or it goes on."""
        for dispatcher in self._dispatchers.values():
            dispatcher.let_go(journey)

    async def tell_all(self, lane: str, step: SnapshotStep) -> None:
        """Let a destination take a step of a snapshot."""
        await self._dispatchers[lane].tell_all(step)

    async def troubles(self) -> list[str]:
        """What is not in order, and what the dispatchers could not get to work so far."""
        troubles = [shard.trouble for shard in self.ports] + [each.trouble for each in self._dispatchers.values()]
        if self._exporter is not None:
            troubles.append(self._exporter.trouble)
        if self._fact_senders is not None:
            troubles.append(self._fact_senders.trouble)
        return [trouble for trouble in troubles if trouble is not None]

    async def channel_states(self) -> list[ChannelState]:
        """Where each channel stands that is open."""
        return [each.state() for each in self._dispatchers.values()]

    async def stop(self) -> None:
        """Let what is being sent finish, then close the stores."""
        await close_all(
            [
                self._exporter.stop if self._exporter else None,
                *(dispatcher.stop for dispatcher in self._dispatchers.values()),
                self._fact_senders.stop if self._fact_senders else None,
                *(shard.close for shard in self.ports),
            ]
        )
