"""A look at everybody as of an instant of a simulation: who is in an audience, or who would get which offer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from parcours.insight.people_question import PeopleQuestion
from parcours.journey.program import Program
from parcours.journey.project import Project
from parcours.routing.ports import ShardPort
from parcours.routing.scans import collect_held, end
from parcours.shard.person_requests import Locate
from parcours.shard.scans import Scan


@dataclass(frozen=True, slots=True)
class PeopleLook:
    """What is to be looked at: `at` in ms, None with the last event. Nothing is simulated after that.

    told  is given the answer to the question
    """

    question: PeopleQuestion[Any]
    at: int | None
    told: Callable[[Any], None]


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
    look: PeopleLook

    @property
    def name(self) -> str:
        return self.look.question.name


def check_look(project: Project, look: PeopleLook | None) -> None:
    """Raises CallerError for what the project does not have."""
    if look is not None:
        look.question.asked(project.program)


async def look_at(ports: Sequence[ShardPort], program: Program, due: LookDue, slice_people: int) -> None:
    """Everybody stands as at the instant: ask, and tell the answer."""
    question = due.look.question
    owner = None if question.person is None else await _owner(ports, question.person)
    scan, counted = Scan("look", due.at_ms, question.asked(program, owner)), question.count()
    async for rows in collect_held(ports, scan, slice_people):
        counted.add(rows)
    await end(ports, scan.name)
    due.look.told(counted.shown(program, due.at_ms))


async def _owner(ports: Sequence[ShardPort], name: str) -> str:
    """Under which name the person of a name lives."""
    for port in ports:
        located = await port.ask(Locate(name))
        if located.is_here:
            return located.owner
    return name
