"""Which events of a person belong to one visit, or to one run?

A visit goes on until she pauses for longer than `visit_pause`, or until a property, such as the id of a session, has
another value than before. A run has the events from its entry to its end, both instants included, so that the events
by which it was entered and ended are in it.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from operator import itemgetter
from typing import Final, NamedTuple

from parcours.core.paths import pick_at
from parcours.expression.dotted import split_path
from parcours.insight.analyses.happenings import Events

VISIT_PAUSE_MS: Final = 30 * 60_000
"""How long a pause a visit outlasts unless a project says otherwise: what web analytics have agreed on."""

_time: Final = itemgetter(0)


class OpenRun(NamedTuple):
    """When a run of a person was open.

    number      among hers, from 1
    entered_at  in ms
    ended_at    in ms; None while it is open
    """

    number: int
    entered_at: int
    ended_at: int | None


def visits(events: Events, pause_ms: int = VISIT_PAUSE_MS) -> Iterator[Events]:
    """Her visits, numbered from 1: a new one begins after a pause of more than `pause_ms`."""
    happenings = events.happenings
    starts = [
        place for place in range(1, len(happenings)) if happenings[place].at - happenings[place - 1].at > pause_ms
    ]
    return _parted(events, starts)


def visits_by(events: Events, path: str) -> Iterator[Events]:
    """Her visits, numbered from 1: a new one begins with an event whose property at `path` is not that of before.

    An event without the property, or with null there, belongs to the visit at hand.
    """
    keys = split_path(path)
    starts, current = [], None
    for place, happening in enumerate(events.happenings):
        value = pick_at(happening.decoded(), keys)
        if value is None:
            continue
        if current is not None and value != current:
            starts.append(place)
        current = value
    return _parted(events, starts)


def runs(events: Events, opened: Iterable[OpenRun]) -> Iterator[Events]:
    """Her runs as they are handed in, each with the events while it was open; a run without any is left out.

    An event belongs to every run that was open at its instant.
    """
    happenings = events.happenings
    for run in opened:
        first = bisect_left(happenings, run.entered_at, key=_time)
        end = len(happenings) if run.ended_at is None else bisect_right(happenings, run.ended_at, key=_time)
        if first < end:
            yield Events(events.person, run.number, happenings[first:end])


def _parted(events: Events, starts: list[int]) -> Iterator[Events]:
    """The events in parts; `starts` are the places at which a part after the first begins."""
    happenings = events.happenings
    if not happenings:
        return
    for number, (first, end) in enumerate(zip([0, *starts], [*starts, len(happenings)], strict=True), start=1):
        yield Events(events.person, number, happenings[first:end])
