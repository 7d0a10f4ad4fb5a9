"""Snapshots under virtual time: everybody is held at the instant, and each member is told of by a fact."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from parcours.core.delivery.delivery_key import key_of
from parcours.core.fact import Fact
from parcours.core.synced import Synced
from parcours.core.time_text import time_text
from parcours.journey.model.recurrence import instants_from, is_endless
from parcours.journey.program import Program
from parcours.routing.ports import ShardPort
from parcours.routing.scans import collect_held, end
from parcours.shard.scans import MembersAsked, Scan, read_member


@dataclass(frozen=True, slots=True, order=True)
class SnapshotDue:
    """It is time to tell a destination of all its members, after the events of the instant."""

    at_ms: int
    name: str
    rule: str | None
    after_events: ClassVar[bool] = True

    @property
    def recurs(self) -> bool:
        return self.rule is not None

    @property
    def is_endless(self) -> bool:
        return self.rule is not None and is_endless(self.rule)


class UpcomingSnapshots:
    """Those of the program's destinations, in order; of one instant by name."""

    def __init__(self, program: Program) -> None:
        self._scheduled = [each for each in program.destinations.values() if each.full is not None]
        self._timezone = program.timezone
        self.begin(0)

    def begin(self, at_ms: int) -> None:
        """Time begins then: whatever was to come before it does not."""
        self._instants = {
            each.name: (each.full[1], instants_from(*each.full, self._timezone, at_ms - 1))
            for each in self._scheduled
            if each.full is not None
        }
        self._next = [due for name in self._instants if (due := self._following(name)) is not None]

    def first(self) -> SnapshotDue | None:
        """The earliest one, None if there is none."""
        return min(self._next, default=None)

    def done(self, due: SnapshotDue) -> None:
        """It has been taken: the next one of its destination is to come."""
        self.drop(due)
        if (following := self._following(due.name)) is not None:
            self._next.append(following)

    def drop(self, due: SnapshotDue) -> None:
        """Neither this one nor any other of its destination is to come."""
        self._next.remove(due)

    def _following(self, name: str) -> SnapshotDue | None:
        rule, instants = self._instants[name]
        at_ms = next(instants, None)
        return None if at_ms is None else SnapshotDue(at_ms, name, rule)


async def members_told(ports: Sequence[ShardPort], program: Program, due: SnapshotDue, slice_people: int) -> list[Fact]:
    """Whom the destination has as of the instant."""
    scan, told = Scan(f"members {due.name}", due.at_ms, MembersAsked(due.name)), list[Fact]()
    parts = "snapshot", program.project, due.name, time_text(due.at_ms)
    async for rows in collect_held(ports, scan, slice_people):
        for person, row in rows:
            member = read_member(row)
            if member is not None:
                key, fields = member
                told.append(Synced(due.at_ms, person, due.name, "member", key, fields, "sent", key_of(person, parts)))
    await end(ports, scan.name)
    return told
