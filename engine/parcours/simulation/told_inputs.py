"""The inputs of a store as a recording: what they say besides what happens to people.

The first line of the file is a tick that says so, which channels only recorded, and how far the store's time was. A
simulation of such a file is the twin of the store: nothing is sent, and no audience is read, for the lines tell what
came of both.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import NamedTuple

from parcours.errors import CallerError
from parcours.instants import ceil_ms
from parcours.journey.project import Project
from parcours.journey.publish.publications import Publications, source_of
from parcours.segment.line import Unusable
from parcours.segment.told import PublicationLine, TickLine, read_told

OUTSIDE = (b'{"type":"tick",', b'{"type":"publication",')
"""How lines begin that may concern nobody; `parcours store inputs` writes them so."""


class Change(NamedTuple):
    """A change of what is published: its time in ms, and the number of its line, by which it stands among others."""

    at: int
    number: int
    published: Publications


@dataclass(slots=True)
class ToldInputs:
    """
    records       the channels that only recorded
    until_ms      how far the time of the store was: timers due before it had fired
    publications  what was published, and by which line, in order once all lines have been heard
    """

    records: tuple[str, ...]
    until_ms: int
    publications: list[Change] = field(default_factory=list)

    def hear(self, line: bytes, number: int) -> bool:
        """Take a line that concerns nobody; whether it is one. Raises Unusable."""
        if not line.startswith(OUTSIDE):
            return False
        told = read_told(line)
        if isinstance(told, PublicationLine):
            if told.effective_at is None:
                raise Unusable("a publication without its time")
            self.publications.append(Change(ceil_ms(told.effective_at), number, told.publications))
            self.publications.sort(key=lambda change: change[:2])
        return isinstance(told, PublicationLine) or (isinstance(told, TickLine) and told.user_id is None)

    def begins_ms(self, first_ms: int | None) -> int | None:
        """When what was published first was, or else the time of the first event."""
        return next((each.at for each in self.publications if each.published.ledger.number == 1), first_ms)

    def changes(self, project: Project) -> list[Change]:
        """What was published after the beginning. Raises CallerError if the store has begun with another project."""
        first = [each.published.sources[1] for each in self.publications if each.published.ledger.number == 1]
        if first and _said(first[0]) != _said(source_of(project)):
            raise CallerError(
                "these are the inputs of a store that has begun with another project, or an earlier state of this one"
            )
        return [each for each in self.publications if each.published.ledger.number > 1]


def _said(source: bytes) -> object:
    """What the documents of a project say: whoever has checked their contents has written nulls where nothing is."""
    return _without_nulls(json.loads(source))


def _without_nulls(value: object) -> object:
    if isinstance(value, dict):
        return {name: _without_nulls(each) for name, each in value.items() if each is not None}
    return [_without_nulls(each) for each in value] if isinstance(value, list) else value


def told_inputs(lines: Iterable[object]) -> tuple[ToldInputs | None, Iterator[object]]:
    """What these lines begin to tell if they are the inputs of a store, else None; and all the lines.

    Raises CallerError for a beginning that cannot be read.
    """
    each = iter(lines)
    first = next(each, None)
    if first is None:
        return None, iter(())
    every = chain([first], each)
    if not isinstance(first, bytes) or not first.startswith(OUTSIDE):
        return None, every
    try:
        tick = read_told(first)
    except Unusable as reason:
        raise CallerError(f"the first line cannot be read: {reason}") from None
    if not isinstance(tick, TickLine) or tick.until is None:
        return None, every
    return ToldInputs(tick.records, ceil_ms(tick.until)), every
