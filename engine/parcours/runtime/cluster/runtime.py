"""The engine on Ray: one actor a shard, one a channel, and a supervisor over them."""

from __future__ import annotations

import asyncio
import logging
import os
import uuid
from collections.abc import Sequence
from dataclasses import replace

import ray

from parcours.background import in_thread
from parcours.closing import close_all
from parcours.dispatch.channel_state import ChannelState
from parcours.dispatch.destinations import SnapshotStep
from parcours.errors import StoreBroken
from parcours.journey.publish.publications import Publications
from parcours.routing.plan import Homes, Plan
from parcours.runtime.cluster.actor_port import ActorPort, Whereabouts
from parcours.runtime.cluster.naming import namespace_of
from parcours.runtime.cluster.placing import check_nodes
from parcours.runtime.cluster.supervisor import Supervisor
from parcours.shard.figures import here
from parcours.store.address import claims_at, prepare

log = logging.getLogger("parcours")

OBJECT_STORE_BYTES = 200_000_000
"""Room for batches between processes. Ray's own default is a third of the machine."""

ENVIRONMENT = {
    "RAY_worker_niceness": "0",  # actors would run at nice 15, and a busy router would starve them
    "RAY_memory_monitor_refresh_ms": "0",  # the monitor would end a shard for the memory of others
    "RAY_kill_worker_timeout_milliseconds": "500",  # one that is frozen would keep its shard's store for 5 s more
    "RAY_USAGE_STATS_ENABLED": "0",  # nothing is reported to anybody
    "RAY_DEDUP_LOGS": "0",
    "DAFT_ANALYTICS_ENABLED": "0",  # nor by Daft, whose actors have the environment of their machine's Ray
}
"""What Ray reads when it starts, and actors of others. A value that is set already stays."""


class ClusterRuntime:
    """Runs a plan on the Ray cluster of this process, starting one on this machine if there is none."""

    def __init__(self, plan: Plan, *, stays: bool = False) -> None:
        """stays: its actors stay when this process goes, and whoever takes over goes on with them."""
        self._plan = plan
        self._stays = stays
        name = plan.project.name
        self._namespace = namespace_of(name) if stays else f"{namespace_of(name)}/{uuid.uuid4().hex}"
        self._supervisor: Supervisor | None = None
        self._started_ray = False
        self.epoch = 0
        """Under which the engine is kept, once it has been started."""
        self.ports: Sequence[ActorPort] = ()

    async def start(self, homes: Homes | None = None) -> None:
        prepare(self._plan.store, self._plan.project.name, self._plan.shards)
        self._started_ray = await asyncio.to_thread(start_ray)
        await in_thread(check_nodes, self._plan.settings.actor_nodes)
        if homes is not None:
            self._plan = replace(self._plan, homes=await homes)
        plan, namespace = self._plan, self._namespace
        claims = claims_at(plan.store, plan.shards)
        self.epoch = await in_thread(claims.take_over, here())
        whereabouts = Whereabouts(plan.store, plan.shards, namespace)
        self._supervisor = Supervisor(plan, self.epoch, whereabouts, stays=self._stays)
        self.ports = self._supervisor.ports
        await self._supervisor.start(await in_thread(claims.shards) if self._stays else ())

    async def tell_all(self, lane: str, step: SnapshotStep) -> None:
        """Let a destination take a step of a snapshot."""
        assert self._supervisor is not None, "start comes first"
        await self._supervisor.tell_all(lane, step)

    async def troubles(self) -> list[str]:
        """What is not in order, and what the dispatchers could not get to work so far."""
        return [] if self._supervisor is None else await self._supervisor.troubles()

    async def channel_states(self) -> list[ChannelState]:
        """Where each channel stands whose dispatcher answers."""
        return [] if self._supervisor is None else await self._supervisor.channel_states()

    async def publish(self, publications: Publications) -> None:
        """Let the dispatchers know what is about to be published."""
        assert self._supervisor is not None, "start comes first"
        await self._supervisor.publish(publications)

    async def keep_back(self, journey: str) -> None:
        """Let nothing of a journey leave that is about to be stopped."""
        assert self._supervisor is not None, "start comes first"
        await self._supervisor.keep_back(journey)

    async def let_go(self, journey: str) -> None:
        """It has been stopped, or it goes on."""
        assert self._supervisor is not None, "start comes first"
        self._supervisor.let_go(journey)

    async def process_ids(self) -> dict[str, int]:
        """The process of each actor that the plan runs in, by a name in words."""
        assert self._supervisor is not None, "start comes first"
        return await self._supervisor.process_ids()

    async def leave(self) -> None:
        """Look after nothing any more, and end nothing: somebody else does, or will."""
        await close_all([self._supervisor.leave if self._supervisor else None, self._give_up])

    async def withdraw(self) -> None:
        """Leave, and end what it has started; that is somebody else's where one has taken over meanwhile."""
        await close_all([self._end_own, self.leave])

    async def _end_own(self) -> None:
        claims = claims_at(self._plan.store, self._plan.shards)
        if self._supervisor is not None and (await in_thread(claims.keeper)).epoch == self.epoch:
            await self._supervisor.withdraw()

    async def stop(self) -> None:
        """End the actors, and Ray if this runtime started it."""
        supervisor = self._supervisor
        stops = [supervisor.stop if supervisor else None, self._give_up, ray.shutdown if self._started_ray else None]
        await close_all(stops)

    async def _give_up(self) -> None:
        """Let others know that nobody keeps the engine now; whoever keeps it since then goes on."""
        if self.epoch:
            try:
                await in_thread(claims_at(self._plan.store, self._plan.shards).give_up, self.epoch)
            except StoreBroken as error:
                log.warning("the store does not hear that nobody keeps the engine now: %s", error)


def start_ray() -> bool:
    """Start Ray on this machine unless this process is connected already; True if it was started here."""
    if ray.is_initialized():
        return False
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    ray.init(
        address="local",  # that of somebody else on this machine is no business of ours
        include_dashboard=False,
        object_store_memory=OBJECT_STORE_BYTES,
        logging_level=logging.ERROR,
        log_to_driver=False,
        namespace="parcours",
    )
    return True
