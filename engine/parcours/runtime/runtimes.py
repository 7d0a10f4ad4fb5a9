"""The choice of a runtime: `local` in this process, or `ray` on a cluster; the same engine in both."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol, TypeAlias

from parcours.clock import Clock
from parcours.dispatch.channel_state import ChannelState
from parcours.dispatch.destinations import SnapshotStep
from parcours.errors import SettingInvalid
from parcours.journey.publish.publications import Publications
from parcours.routing.plan import Homes, Plan
from parcours.routing.ports import ShardPort
from parcours.runtime.local import LocalRuntime
from parcours.wording import shown_value

RuntimeName: TypeAlias = Literal["local", "ray"]


class Runtime(Protocol):
    """Opens a plan's shards and keeps them going. Its methods run on the event loop of whoever uses the ports."""

    @property
    def ports(self) -> Sequence[ShardPort]: ...

    @property
    def epoch(self) -> int:
        """Under which the engine is kept, once it has been started; 0 where nobody can succeed whoever keeps it."""
        ...

    async def start(self, homes: Homes | None = None) -> None:
        """Open the shards. `homes` are awaited in place of the plan's, as late as possible: what takes long goes on."""
        ...

    async def troubles(self) -> list[str]:
        """What is not in order, and what channels could not get to work so far."""
        ...

    async def channel_states(self) -> list[ChannelState]:
        """Where each channel stands that is open, as far as whoever sends on it answers."""
        ...

    async def publish(self, publications: Publications) -> None:
        """Let whoever sends know what is about to be published; the shards are told after that."""
        ...

    async def keep_back(self, journey: str) -> None:
        """A journey is about to be stopped: from now on nothing of it leaves, before any shard has heard of it."""
        ...

    async def let_go(self, journey: str) -> None:
        """It has been stopped, or it goes on: what was kept back goes back to the shards, which know."""
        ...

    async def tell_all(self, lane: str, step: SnapshotStep) -> None:
        """Let a destination take a step of a snapshot. Raises SnapshotFailed, ShardUnavailable."""
        ...

    async def stop(self) -> None: ...


def open_runtime(name: str, plan: Plan, clock: Clock | None = None) -> Runtime:
    """A runtime that has not been started yet. A clock of one's own is for the local runtime only."""
    if name == "local":
        return LocalRuntime(plan, clock=clock)
    if name != "ray" or clock is not None:
        raise SettingInvalid(f"runtime {shown_value(name)}: there are local and ray, and only local takes a clock")
    from parcours.runtime.cluster.runtime import (
        ClusterRuntime,  # Ray takes a second to import, and local needs none of it
    )

    return ClusterRuntime(plan)
