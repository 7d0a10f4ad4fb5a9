"""Rehearsals: the ways of a few named people through the journeys, step by step, with waits shortened if asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Final

from parcours.core.fact import Fact, Moved
from parcours.core.identity import person_name
from parcours.core.time_text import time_text
from parcours.dispatch.recorded_rendering import RecordedRendering
from parcours.errors import CallerError
from parcours.insight.sentences import READS_ENDED, sentence
from parcours.journey.project import Project
from parcours.journey.read.finding import Finding
from parcours.journey.read.yaml_files import is_yaml
from parcours.segment.line import Call, Unusable, instant, read_call
from parcours.simulation.simulation import simulate
from parcours.testing.cases.document import PEOPLE_MAX
from parcours.testing.cases.moment import since
from parcours.testing.cases.people import name_of
from parcours.testing.cases.play import play
from parcours.testing.cases.read import read_rehearsal
from parcours.testing.cases.sets import failures
from parcours.testing.shortened import shortened

LINES_MAX: Final = 100_000
"""The limit of lines, those of a hundred people: more are a case for a simulation."""


def rehearse(project: Project, people: Path, shorten_ms: int | None) -> tuple[list[str], list[Finding]]:
    """The ways of the people in a YAML or NDJSON file, as lines, and what is wrong with the file.

    shorten_ms  the longest that anybody waits, as `shortened` has it; None: as long as is written
    Raises CallerError for a file of events that names nobody or too many people.
    """
    shown = project if shorten_ms is None else shortened(project, shorten_ms)
    if not is_yaml(people):
        return list(_of_events(shown, people)), []
    rehearsal, findings = read_rehearsal(project, people)
    if rehearsal is None:
        return [], findings
    played = play(shown, rehearsal)
    refused = [f"given[{place}] could not be used: {reason}" for place, reason in played.refused]
    told = [*refused, *failures(played.lines), *_reads_ended(played.reads_ended, "`until` in the file")]
    names = [name_of(who, project.program) for who in rehearsal.people]
    return [*ways(names, played.facts, played.start_ms), *told], findings


def _reads_ended(journeys: Sequence[str], until: str) -> Iterator[str]:
    if journeys:
        yield READS_ENDED.format(journeys=", ".join(journeys), until=until)


def _of_events(project: Project, path: Path) -> Iterator[str]:
    with path.open("rb") as file:
        lines = [line for line in islice(file, LINES_MAX) if line.strip()]
    calls = [call for call in map(_call, lines) if call is not None]
    names = dict.fromkeys(filter(None, (person_name(call.user_id, call.anonymous_id) for call in calls)))
    if not 1 <= len(names) <= PEOPLE_MAX:
        raise CallerError(f"{path} names {len(names)} people; it takes one to {PEOPLE_MAX} to follow them one by one.")
    refused: list[str] = []
    result = simulate(
        project,
        lines,
        rendering=RecordedRendering.of(project, keep=False),
        rejected=lambda number, reason: refused.append(f"line {number}: {reason}"),
    )
    yield from ways(list(names), result.facts, min(instant(call.timestamp) for call in calls))
    yield from refused
    yield from failures(result.failed)
    yield from _reads_ended(result.reads_ended, "`until` in a file of people")


def _call(line: bytes) -> Call | None:
    """The call in a line; None for a line without one or without a time, which the simulation rejects."""
    try:
        call = read_call(line)
        instant(call.timestamp)
    except Unusable:
        return None
    return call


def ways(people: list[str], facts: Sequence[Fact], start_ms: int) -> Iterator[str]:
    """The way of each person: her facts in the order of happening, with the time since the start."""
    for number, person in enumerate(people):
        if number:
            yield ""
        yield person
        own = [fact for fact in facts if fact.person == person]
        told = [(fact, words) for fact in own if (words := sentence(fact)) is not None]
        for fact, words in told:
            run = f" (run {fact.run})" if isinstance(fact, Moved) and fact.what == "entered" else ""
            yield f"  {time_text(fact.at)}  {since(fact.at, start_ms):<12} {words}{run}"
        if not told:
            yield "  nothing happened"
