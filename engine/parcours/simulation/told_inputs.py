"""The inputs of a store as a recording: what they say besides what happens to people.

The first line of the file is a tick that says so, which channels only recorded, and how far the store's time was. The
last one says how many lines are before it, because a file that is cut between two lines looks like a whole one. A
simulation of such a file is the twin of the store: nothing is sent, and no audience is read, for the lines tell what
came of both.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain, repeat
from operator import itemgetter
from typing import Final, NamedTuple

from parcours.core.offers.lessons import Lessons
from parcours.errors import CallerError
from parcours.journey.project import Project
from parcours.journey.publish.publications import Publications, source_of
from parcours.journey.read.documents_json import documents_of
from parcours.segment.line import Unusable, instant
from parcours.segment.told import BEGINNING, EndLine, PublicationLine, TickLine, outside_line

WRITE_ANEW: Final = "write the inputs anew by `parcours store inputs`"


class Change(NamedTuple):
    """A change of what is published: its time in ms, and the number of its line, by which it stands among others."""

    at: int
    number: int
    published: Publications


class LessonTold(NamedTuple):
    """What rankings of offers learned, before everything else of its time."""

    at: int
    number: int
    lessons: Lessons


BEFORE_ALL: Final = -1
"""In the place of the number of a line: before every line of a time."""


@dataclass(slots=True)
class ToldInputs:
    """
    records       the channels that only recorded
    until_ms      how far the time of the store was: timers due before it had fired
    publications  what was published, and by which line, in order once all lines have been heard
    lessons       what rankings of offers learned
    sources       the documents of each publication, of which the first line has them that refers to them
    heard         how many lines there were so far
    end           the number of the last line, None until it has been heard
    """

    records: tuple[str, ...]
    until_ms: int
    publications: list[Change] = field(default_factory=list)
    lessons: list[LessonTold] = field(default_factory=list)
    sources: dict[int, bytes] = field(default_factory=dict)
    heard: int = 0
    end: int | None = None

    def hear(self, line: bytes, number: int) -> bool:
        """Take a line that concerns everybody; whether it is one. All lines are to be heard, but for empty ones.

        Raises Unusable, and CallerError where the file has another number of lines than its last one says.
        """
        if self.end is not None:
            raise CallerError(
                f"line {number:,} follows the end of a store's inputs, which is line {self.end:,}: the file has to "
                "hold those of one store, once, and nothing else"
            )
        self.heard += 1
        told = outside_line(line)
        if isinstance(told, EndLine):
            self._end(told.lines, number)
        if isinstance(told, TickLine) and told.learned is not None:
            at = instant(told.effective_at)
            self.lessons.append(LessonTold(at, BEFORE_ALL, Lessons(at, told.learned)))
        if isinstance(told, PublicationLine):
            self.publications.append(Change(instant(told.effective_at), number, told.publications))
            self.publications.sort(key=lambda change: change[:2])
            self.sources |= told.publications.sources
        return told is not None

    def _end(self, lines: int, number: int) -> None:
        """Raises CallerError."""
        before = self.heard - 1
        if lines != before:
            raise CallerError(
                f"line {number:,} ends the inputs of a store, and says that {lines:,} lines are before it, but there "
                f"are {before:,}: {WRITE_ANEW}"
            )
        self.end = number

    def check_end(self) -> None:
        """To be called when all lines have been heard. Raises CallerError if the last one is not there."""
        if self.end is None:
            raise CallerError(
                f"the inputs of the store are cut off after {self.heard:,} lines, for the last line is missing, which "
                f"says how many there are: {WRITE_ANEW}"
            )

    def begins_ms(self, first_ms: int | None) -> int | None:
        """When what was published first was, or else the time of the first event."""
        return next((each.at for each in self.publications if each.published.ledger.number == 1), first_ms)

    def changes(self, project: Project) -> list[Change | LessonTold]:
        """What was published after the beginning, and what rankings of offers learned, in order.

        Raises CallerError if the store has begun with another project, or if documents are missing.
        """
        changes = [each._replace(published=self._whole(each)) for each in self.publications]
        _check_documents(self.sources)
        first = [each.published for each in changes if each.published.ledger.number == 1]
        if first and _said(first[0].sources[first[0].ledger.publication]) != _said(source_of(project)):
            raise CallerError(
                "these are the inputs of a store that has begun with another project, or an earlier state of this one"
            )
        later = [each for each in changes if each.published.ledger.number > 1]
        return sorted([*later, *self.lessons], key=itemgetter(0, 1))

    def _whole(self, change: Change) -> Publications:
        """What was published, with all documents that its ledger refers to. Raises CallerError."""
        wanted = change.published.ledger.publications()
        if missing := wanted - self.sources.keys():
            raise CallerError(
                f"line {change.number}: what was published as number {min(missing)} is in none of the lines: they are "
                "not all that `parcours store inputs` has written"
            )
        return Publications(change.published.ledger, {number: self.sources[number] for number in sorted(wanted)})


def _check_documents(sources: Mapping[int, bytes]) -> None:
    """Raises CallerError."""
    for number, source in sources.items():
        try:
            documents_of(source)
        except (LookupError, TypeError, ValueError) as error:
            raise CallerError(f"what was published as number {number} cannot be read: {error}") from None


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
    each, blank = iter(lines), 0
    while isinstance(first := next(each, None), bytes) and not first.strip():
        blank += 1
    every = chain(repeat(b"", blank), () if first is None else (first,), each)
    if not isinstance(first, bytes) or not first.startswith(BEGINNING):
        return None, every
    try:
        tick = outside_line(first)
        until_ms = instant(tick.until) if isinstance(tick, TickLine) and tick.until is not None else None
    except Unusable as reason:
        raise CallerError(f"the first line cannot be read: {reason}") from None
    if until_ms is None:
        return None, every
    assert isinstance(tick, TickLine), "as until_ms says"
    return ToldInputs(tick.records, until_ms), every
