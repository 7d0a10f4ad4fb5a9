"""What is to be run, and how: everything a runtime needs to know, in one frozen object."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from parcours.clock import Clock
from parcours.config import Settings
from parcours.core.turn import Crowd
from parcours.journey.project import Project
from parcours.shard.host import ShardHost
from parcours.shard.shard import Shard
from parcours.store.address import open_store


@dataclass(frozen=True, slots=True)
class Plan:
    """
    project   the checked project
    shards    how many shards share its people
    store     the store's address
    channels  settings by channel, secrets resolved; deliveries leave on these
    records   channels that only record: the shard accepts their deliveries itself
    virtual   time is that of the events, and passes only when told to
    crowd     how simulated people react, under virtual time
    """

    project: Project
    shards: int
    store: str
    channels: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    records: tuple[str, ...] = ()
    virtual: bool = False
    crowd: Crowd | None = None
    settings: Settings = field(default_factory=Settings)


def open_shard(
    plan: Plan, number: int, clock: Clock, wake: Callable[[str], None], epoch: int | None = None
) -> ShardHost:
    """Open one of the plan's shards from its store; without an epoch it takes the next one."""
    store = open_store(plan.store, number)
    shard = Shard(
        number,
        plan.shards,
        plan.project.program,
        store,
        plan.settings,
        virtual=plan.virtual,
        records=plan.records,
        crowd=plan.crowd,
    )
    shard.open(store.epoch() + 1 if epoch is None else epoch, clock.now_ms())
    return ShardHost(shard, store, clock, wake)


def channels_used(project: Project) -> tuple[str, ...]:
    """The channels that the project's messages have content for, by name."""
    return tuple(sorted({name for message in project.program.messages.values() for name in message.contents}))
