"""Snapshots: at the instants that destinations.yaml names by `full` a destination is told of all its members at once.

They are those of one instant, which all shards agree on soon after the one that is named: a scan takes whoever is a
member then, while everybody goes on, and slice by slice they are handed to the destination's dispatcher. What becomes
of people meanwhile is told as ever, and holds beside the snapshot, for it is later. An instant that passes while no
engine runs is not made up for, and of several that have passed meanwhile one counts.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from typing import Final, TypeAlias

from parcours.clock import Clock
from parcours.core.delivery.delivery_key import key_of
from parcours.core.time_text import time_text
from parcours.destination import Member
from parcours.dispatch.destinations import SnapshotStep
from parcours.errors import ParcoursError
from parcours.journey.destinations import Destination, lane_of
from parcours.journey.model.recurrence import instants_from
from parcours.journey.program import Program
from parcours.routing.passing_scans import PassingScans
from parcours.routing.ports import ShardPort
from parcours.routing.scans import ScanGone, collect
from parcours.shard.scans import MembersAsked, read_member

log = logging.getLogger("parcours")

LOOK_EVERY_S: Final = 1.0
"""How often it is looked whether an instant has passed: the clock may jump."""

TAKEN_WITHIN_S: Final = 3_600.0
"""A destination that takes longer for all members is cut off: shards keep who was one of everybody who changes."""

TellAll: TypeAlias = Callable[[str, SnapshotStep], Awaitable[None]]
"""Lets the destination of a lane take a step of a snapshot."""


class Snapshots:
    """Lives on the loop of its host.

    undisturbed   keeps what is published from changing, and numbers attempts to make all shards stand still
    slice_people  how many people a shard looks at in one call
    lanes         of the destinations that are told anything
    """

    def __init__(
        self,
        ports: Sequence[ShardPort],
        undisturbed: Callable[[], AbstractAsyncContextManager[int]],
        clock: Clock,
        slice_people: int,
        lanes: Collection[str],
        tell_all: TellAll,
    ) -> None:
        self._ports = ports
        self._scans = PassingScans("members", ports, undisturbed, clock)
        self._clock = clock
        self._slice_people = slice_people
        self._lanes = lanes
        self._tell_all = tell_all
        self._program: Program | None = None
        self._task: asyncio.Task[None] | None = None
        self._troubles: dict[str, str] = {}
        self._following: dict[str, tuple[object, int | None]] = {}
        """By destination its schedule and the next instant of that: to find one may mean to count through thousands."""

    def troubles(self) -> list[str]:
        """Which destinations were not told of all members when they should have been last."""
        return [*self._troubles.values()]

    def renew(self, program: Program) -> None:
        """This program holds from now on. Nothing goes on here as long as it has no such destination."""
        self._program = program
        if self._task is None and self._scheduled():
            self._task = asyncio.ensure_future(self._go_on())

    async def stop(self) -> None:
        """End at once: what is under way does not come about."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._scans.stop()

    def _scheduled(self) -> list[Destination]:
        known = {} if self._program is None else self._program.destinations
        return [each for each in known.values() if each.full is not None and lane_of(each.name) in self._lanes]

    async def _go_on(self) -> None:
        looked_ms = self._clock.now_ms()
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            since_ms, looked_ms = looked_ms, self._clock.now_ms()
            for destination in self._scheduled():
                if self._is_due(destination, since_ms, looked_ms):
                    await self._try(destination.name)

    def _is_due(self, destination: Destination, since_ms: int, now_ms: int) -> bool:
        """Whether one of its instants lies behind `since_ms` and not behind now."""
        assert self._program is not None and destination.full is not None, "it is scheduled"
        schedule = *destination.full, self._program.timezone
        known, following = self._following.get(destination.name, (None, None))
        if known != schedule:
            following = next(instants_from(*schedule, since_ms), None)
        is_due = following is not None and following <= now_ms
        if is_due:
            following = next(instants_from(*schedule, now_ms), None)
        self._following[destination.name] = schedule, following
        return is_due

    async def _try(self, name: str) -> None:
        try:
            await self.take(name)
        except (ParcoursError, ScanGone) as error:
            self._troubles[name] = f"the destination {name!r} was not told of all members: {error}"
            log.warning("%s", self._troubles[name])
        else:
            self._troubles.pop(name, None)

    async def take(self, name: str) -> int:
        """Tell the destination of all members; returns as of which instant, in ms. Raises ParcoursError, ScanGone."""
        lane = lane_of(name)
        async with self._scans.there(lambda: [MembersAsked(name)], TAKEN_WITHIN_S) as (at, (scan,)):
            snapshot = time_text(at)
            try:
                await self._tell_all(lane, SnapshotStep("begin", snapshot))
                for port in self._ports:
                    async for rows in collect(port, scan.name, self._slice_people):
                        if members := tuple(self._members(name, snapshot, rows)):
                            await self._tell_all(lane, SnapshotStep("add", snapshot, members))
                await self._tell_all(lane, SnapshotStep("finish", snapshot))
            except BaseException:
                with suppress(ParcoursError):
                    await self._tell_all(lane, SnapshotStep("abandon", snapshot))
                raise
        return at

    def _members(self, name: str, snapshot: str, rows: Sequence[tuple[str, bytes]]) -> list[Member]:
        assert self._program is not None, "renew comes first"
        project, found = self._program.project, []
        for person, row in rows:
            member = read_member(row)
            if member is not None:
                key, fields = member
                change = key_of(person, ("snapshot", project, name, snapshot))
                found.append(Member(change, snapshot, name, "member", key, fields, snapshot=snapshot))
        return found
