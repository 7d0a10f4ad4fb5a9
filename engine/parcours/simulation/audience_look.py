"""A look at an audience as of an instant of a simulation: how many are in it, who, and what its condition reads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from parcours.insight.audience_shown import AudienceCount, AudienceShown, audience_key
from parcours.journey.program import Program
from parcours.journey.project import Project
from parcours.routing.ports import ShardPort, until_answered
from parcours.routing.scans import collect, end
from parcours.shard.requests import AwaitScan
from parcours.shard.scans import AudienceAsked, Scan


@dataclass(frozen=True, slots=True)
class AudienceLook:
    """What is to be looked at: `at` in ms, None with the last event. Nothing is simulated after that."""

    audience: str
    at: int | None
    sample: int
    told: Callable[[AudienceShown], None]


@dataclass(frozen=True, slots=True)
class LookDue:
    """It is time to look."""

    at_ms: int
    look: AudienceLook
    recurs: bool = False
    is_endless: bool = False
    after_events: bool = True

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
    for port in ports:
        await until_answered(partial(port.ask, AwaitScan(None, (scan,))))
        async for rows in collect(port, scan.name, slice_people):
            counted.add(rows)
    await end(ports, scan.name)
    look.told(counted.shown(program, key, due.at_ms))
