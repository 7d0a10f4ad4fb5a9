"""Who is in an audience as of an instant: how many, the first of them, and what its condition reads of each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
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
from parcours.shard.scans import AudienceAsked
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


def audience_names(program: Program) -> dict[str, str]:
    """The keys of all audiences by their names, sorted."""
    return dict(sorted((plain(key), key) for key in (*program.audiences, *program.saved_audiences)))


def audience_key(program: Program, name: str) -> str:
    """The key of the audience that has this name. Raises CallerError where none has."""
    known = audience_names(program)
    if name not in known:
        raise CallerError(f"there is no audience {quoted(name)}{nearest(name, known)}")
    return known[name]


def condition_of(program: Program, key: str) -> str | None:
    """The condition as it is written; None of an audience that campaigns save."""
    known = program.audiences.get(key)
    return None if known is None else known.condition.text


@dataclass(frozen=True, slots=True)
class AudienceQuestion:
    """Who is in an audience; `sample` of them are shown."""

    name: str
    sample: int

    @property
    def person(self) -> str | None:
        return None

    def asked(self, program: Program, _owner: str | None = None) -> AudienceAsked:
        """Raises CallerError for an audience that there is not."""
        return AudienceAsked(audience_key(program, self.name))

    def count(self) -> AudienceCount:
        return AudienceCount(self.name, self.sample)


class AudienceCount:
    """Counts who is inside, from columns that shards tell for `AudienceAsked`, and keeps the first `sample` of them."""

    def __init__(self, name: str, sample: int) -> None:
        self._name = name
        self._sample = sample
        self._size = 0
        self._members: list[tuple[str, bytes]] = []

    def add(self, rows: Iterable[tuple[str, bytes]]) -> None:
        """Names and columns of further people, in any order."""
        inside = [(person, row) for person, row in rows if read_columns(row).inside[0]]
        self._size += len(inside)
        self._members = nsmallest(self._sample, [*self._members, *inside])

    def shown(self, program: Program, at: int) -> AudienceShown:
        """All that was counted, as of the instant in ms at which `program` was published."""
        key = audience_key(program, self._name)
        asked = audience_columns(program, key)
        sample = tuple(Member(person, _because(asked, read_columns(row))) for person, row in self._members)
        return AudienceShown(plain(key), at, condition_of(program, key), self._size, sample)


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
