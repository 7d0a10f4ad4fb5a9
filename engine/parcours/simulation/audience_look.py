"""A look at an audience as of an instant of a simulation: how many are in it, who, and what its condition reads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from heapq import nsmallest
from typing import Final

import msgspec

from parcours.core.columns import PersonColumns, read_columns
from parcours.core.time_text import time_text
from parcours.errors import CallerError
from parcours.expression.definition_keys import plain
from parcours.expression.expression import to_iso
from parcours.expression.history import HistoryCall
from parcours.journey.campaign_columns import ShardColumns, audience_columns
from parcours.journey.program import Program
from parcours.journey.project import Project
from parcours.routing.ports import ShardPort, until_answered
from parcours.routing.scans import collect, end
from parcours.shard.requests import AwaitScan
from parcours.shard.scans import AudienceAsked, Scan
from parcours.wording import nearest, quoted

SAVED: Final = "saved by a campaign"
"""Why somebody is in an audience that has no condition."""


class Member(msgspec.Struct, frozen=True):
    """Somebody in an audience; `because` is what its condition reads, with her values."""

    person: str
    because: tuple[str, ...]


class AudienceShown(msgspec.Struct, frozen=True):
    """
    at         the instant in ms
    condition  as it is written; None of one that campaigns save
    size       how many are in it
    sample     the first of them, by name
    """

    audience: str
    at: int
    condition: str | None
    size: int
    sample: tuple[Member, ...]


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
    program = project.program
    known = sorted(plain(key) for key in (*program.audiences, *program.saved_audiences))
    if look is not None and look.audience not in known:
        raise CallerError(f"there is no audience {quoted(look.audience)}{nearest(look.audience, known)}")


async def look_at(ports: Sequence[ShardPort], program: Program, due: LookDue, slice_people: int) -> None:
    """Everybody stands as at the instant: list who is in the audience, and tell it."""
    look = due.look
    key = next(key for key in (*program.audiences, *program.saved_audiences) if plain(key) == look.audience)
    asked, scan = audience_columns(program, key), Scan("audience", due.at_ms, AudienceAsked(key))
    members: list[tuple[str, bytes]] = []
    size = 0
    for port in ports:
        await until_answered(partial(port.ask, AwaitScan(None, (scan,))))
        async for rows in collect(port, scan.name, slice_people):
            inside = [(person, row) for person, row in rows if read_columns(row).inside[0]]
            size += len(inside)
            members = nsmallest(look.sample, [*members, *inside])
    await end(ports, scan.name)
    known = program.audiences.get(key)
    condition = None if known is None else known.condition.text
    sample = tuple(Member(person, _because(asked, read_columns(row))) for person, row in members)
    look.told(AudienceShown(look.audience, due.at_ms, condition, size, sample))


def _because(asked: ShardColumns, row: PersonColumns) -> tuple[str, ...]:
    _, *audiences = asked.audiences
    if not (asked.paths or asked.histories or asked.consents or audiences):
        return (SAVED,)
    said = [f"profile.{'.'.join(path)} = {_shown(value)}" for path, value in zip(asked.paths, row.traits, strict=True)]
    for call, number in zip(asked.histories, row.histories, strict=True):
        value = _shown(number) if call.window_ms is not None or number is None else time_text(int(number))
        said.append(f"{_call(call)} = {value}")
    for (channel, purpose), given in zip(asked.consents, row.consents, strict=True):
        said.append(f'consent("{channel}", "{purpose}") = {_shown(given)}')
    for audience, inside in zip(audiences, row.inside[1:], strict=True):
        said.append(f'in_audience("{plain(audience)}") = {_shown(inside)}')
    return tuple(said)


def _call(call: HistoryCall) -> str:
    name = "last" if call.window_ms is None else "count" if call.path is None else "sum"
    return f'{name}("{plain(call.event)}"{", …" if call.condition else ""})'


def _shown(value: object) -> str:
    if value is None:
        return "missing"
    if isinstance(value, datetime):
        return str(to_iso(value))
    return msgspec.json.encode(value).decode()
