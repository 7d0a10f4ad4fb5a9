"""What is to be run, and how: everything a runtime needs to know, in one frozen object."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from parcours.channel import CALL
from parcours.clock import Clock
from parcours.config import Settings
from parcours.core.identity import SLOTS
from parcours.core.turn import Crowd
from parcours.errors import SettingInvalid
from parcours.journey.program import CallAction, Journey, Program, Send
from parcours.journey.project import Project
from parcours.shard.host import ShardHost
from parcours.shard.outbox import Answering, accept
from parcours.shard.shard import Shard
from parcours.shard.timekeeping import LiveTime, VirtualTime
from parcours.store.address import check_address, open_store

SHARDS_MAX = SLOTS
"""A shard without a hash slot would own nobody."""


class RecordedAnswers(Protocol):
    """Looks at what deliveries say that are only recorded. It travels with the plan to wherever a shard is opened."""

    def answering(self, program: Program) -> Answering:
        """By what a delivery is answered. Raises ProjectInvalid where the program holds what no delivery can say."""
        ...


@dataclass(frozen=True, slots=True)
class Plan:
    """
    project   the checked project
    shards    how many shards share its people
    store     the store's address
    channels  settings by channel, secrets resolved; deliveries leave on these
    records   channels that only record: the shard accepts their deliveries itself. Outbound calls are of the
              channel `call`, which has no settings
    virtual   time is that of the events, and passes only when told to
    crowd     how simulated people react, under virtual time
    rendering    reads what is only recorded; None: nobody does, and all of it counts as sent
    """

    project: Project
    shards: int
    store: str
    channels: Mapping[str, Mapping[str, object]] = field(default_factory=dict, repr=False)
    records: tuple[str, ...] = ()
    virtual: bool = False
    crowd: Crowd | None = None
    settings: Settings = field(default_factory=Settings)
    rendering: RecordedAnswers | None = None

    def __post_init__(self) -> None:
        """Raises SettingInvalid for what no shard can be opened with."""
        check_shards(self.shards)
        check_address(self.store)


def check_shards(shards: object) -> None:
    """Raises SettingInvalid unless it is a number of shards that people can be divided into."""
    if not isinstance(shards, int) or isinstance(shards, bool) or not 1 <= shards <= SHARDS_MAX:
        raise SettingInvalid(f"shards={shards!r}: a whole number from 1 to {SHARDS_MAX} is expected")


def open_shard(
    plan: Plan, number: int, clock: Clock, wake: Callable[[str], None], expected_epoch: int | None = None
) -> ShardHost:
    """Open one of the plan's shards from its store, which has to be held under the expected epoch, if there is one."""
    program = plan.project.program
    answer = accept if plan.rendering is None else plan.rendering.answering(program)
    store = open_store(plan.store, number)
    shard = Shard(
        number,
        plan.shards,
        program,
        store,
        plan.settings,
        time=VirtualTime() if plan.virtual else LiveTime(),
        records=plan.records,
        answer=answer,
        crowd=plan.crowd,
        project=plan.project,
    )
    try:
        shard.open(clock.now_ms(), expected_epoch=expected_epoch)
    except BaseException:
        store.close()  # whoever tries again finds it free
        raise
    return ShardHost(shard, store, clock, wake)


def channels_of(journey: Journey) -> tuple[str, ...]:
    """The channels on which a journey sends, by name; `call` among them if it calls out."""
    steps = journey.steps.values()
    named = {channel for step in steps if isinstance(step, Send) for channel in step.to}
    return tuple(sorted(named | ({CALL} if any(isinstance(step, CallAction) for step in steps) else set())))


def channels_to_start(plan: Plan, program: Program) -> tuple[str, ...]:
    """The plan's channels that need a dispatcher: `call` only once a version calls out that is published.

    Nothing else can lie in an outbox, for a version stays published as long as a delivery of its runs is to leave.
    """
    calls = any(CALL in channels_of(journey) for journey in program.versions())
    return tuple(channel for channel in plan.channels if channel != CALL or calls)


def channels_used(project: Project) -> tuple[str, ...]:
    """The channels that the project's messages have content for, by name; `call` among them if a journey calls out."""
    program = project.program
    calls = any(isinstance(step, CallAction) for journey in program.journeys for step in journey.steps.values())
    named = {name for message in program.messages.values() for name in message.contents}
    return tuple(sorted(named | ({CALL} if calls else set())))
