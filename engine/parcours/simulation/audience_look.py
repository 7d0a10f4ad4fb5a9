"""A look at an audience as of an instant of a simulation: how many are in it, who, and what its condition reads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from parcours.insight.audience_shown import AudienceCount, AudienceShown, audience_key
from parcours.journey.program import Program
from parcours.journey.project import Project
from parcours.routing.ports import ShardPort
from parcours.routing.scans import collect_held, end
from parcours.shard.scans import AudienceAsked, Scan


@dataclass(frozen=True, slots=True)
class AudienceLook:
    """What is to be looked at: `at` in ms, None with the last event. Nothing is simulated after that."""

    audience: str
    at: int | None
    sample: int
    told: Callable[[AudienceShown], None]


class DueOnce:
    """What comes once, and after the events of its instant."""

    __slots__ = ()
    recurs: ClassVar[bool] = False
    is_endless: ClassVar[bool] = False
    after_events: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class LookDue(DueOnce):
    """It is time to look."""

    at_ms: int
    look: AudienceLook

    @property
    def name(self) -> str:
        return self.look.audience


def check_look(project: Project, look: AudienceLook | None) -> None:
    """Raises CallerError for an audience that the project does not have."""
    if look is not None:
        audience_key(project.program, look.audience)


async def look_at(ports: Sequence[ShardPort], program: Program, due: LookDue, slice_people: int) -> None:
    """Everybody stands as at the instant: list who is in the audience, and tell it."""
    look, key = due.look, audience_key(program, due.look.audience)
    scan, counted = Scan("audience", due.at_ms, AudienceAsked(key)), AudienceCount(due.look.sample)
    async for rows in collect_held(ports, scan, slice_people):
        counted.add(rows)
    await end(ports, scan.name)
    look.told(counted.shown(program, key, due.at_ms))
