"""The runner of a project's tests: each is played and gets its verdict."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from parcours.core.fact import Unmatched
from parcours.dispatch.recorded_rendering import RecordedRendering, Remark
from parcours.insight.sentences import READS_ENDED
from parcours.journey.program import Program
from parcours.journey.project import Project
from parcours.testing.cases.document import (
    Case,
    DecisionExpected,
    Expected,
    NeverExpected,
    ReactionGiven,
    SetsExpected,
)
from parcours.testing.cases.judge import Failure, judge, unjudged
from parcours.testing.cases.moment import at_ms
from parcours.testing.cases.people import name_of
from parcours.testing.cases.play import Played, play
from parcours.testing.cases.read import LocatedTest
from parcours.testing.cases.sets import failures


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of one test.

    failures  the expectations that were not met
    refused   calls that could not be used: (place in `given`, reason)
    unjudged  deliveries whose local time is unknown: (place in `expect`, how many)
    unmatched reactions that concern no delivery: (place in `given`, why)
    failed    runs of campaigns that ended because a step could not be made, in words
    remarks   what the channels' checks have told of what was sent
    reads_ended  the journeys whose reads recur without end, and ended with what is given, `until` being left out
    """

    placed: LocatedTest
    failures: tuple[Failure, ...]
    refused: tuple[tuple[int, str], ...]
    unjudged: tuple[tuple[int, int], ...] = ()
    remarks: tuple[Remark, ...] = ()
    reads_ended: tuple[str, ...] = ()
    unmatched: tuple[tuple[int, str], ...] = ()
    failed: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        return not (self.failures or self.refused or self.failed)


def run_cases(project: Project, cases: Iterable[LocatedTest]) -> Iterator[Verdict]:
    """The verdict on each test, as it is reached. Raises ProjectInvalid for a content that its channel rejects."""
    rendering = RecordedRendering.of(project)
    for placed in cases:
        played = play(project, placed.case, rendering)
        unmet = judge(project.program, placed.case, played)
        beyond = unjudged(placed.case, played)
        remarks, ended = tuple(played.remarks), _concerning(placed.case, played.reads_ended, failed=bool(unmet))
        refused, nothing = tuple(played.refused), tuple(_unmatched(project.program, placed.case, played))
        failed = tuple(failures(played.lines))
        yield Verdict(placed, tuple(unmet), refused, tuple(beyond.items()), remarks, ended, nothing, failed)


def _unmatched(program: Program, case: Case, played: Played) -> Iterator[tuple[int, str]]:
    """The reactions that concern no delivery, by their place in `given`."""
    why = {(fact.person, fact.at, fact.reaction): fact.why for fact in played.facts if isinstance(fact, Unmatched)}
    for place, given in enumerate(case.given):
        if isinstance(given, ReactionGiven):
            key = name_of(given.who, program), at_ms(given.at, played.start_ms), given.reaction
            if key in why:
                yield place, why[key]


def _concerning(case: Case, reads_ended: Iterable[str], *, failed: bool) -> tuple[str, ...]:
    """The journeys whose end of reads may matter: all of them to a failure, to what is met those that it names."""
    named = {_named(each) for each in case.expect}
    return tuple(journey for journey in reads_ended if failed or journey in named)


def _named(expected: Expected) -> str | None:
    """The journey, or campaign, that an expectation names."""
    if isinstance(expected, SetsExpected):
        return expected.campaign
    if isinstance(expected, DecisionExpected):
        return None
    return expected.never.journey if isinstance(expected, NeverExpected) else expected.journey


def verdict_lines(verdict: Verdict) -> Iterator[str]:
    """One line for the test, what could not be judged, and for a failure what was expected, what happened and why."""
    placed = verdict.placed
    word = "passed" if verdict.passed else "FAILED"
    yield f"{word}  {placed.file}:{placed.line}  {placed.case.test}"
    for place, reason in verdict.refused:
        yield f"  given[{place}] could not be used: {reason}"
    yield from (f"  {each}" for each in verdict.failed)
    for place, why in verdict.unmatched:
        yield f"  given[{place}] changed nothing: {why}"
    for place, count in verdict.unjudged:
        deliveries = "1 delivery was" if count == 1 else f"{count:,} deliveries were"
        yield f"  line {placed.lines[place]}: {deliveries} not judged: an update step had set the person's time zone"
    for message, channel, text in verdict.remarks:
        yield f"  {channel} of {message}: {text}"
    if verdict.reads_ended:
        yield f"  {READS_ENDED.format(journeys=', '.join(verdict.reads_ended), until='`until` in the test')}"
    for failure in verdict.failures:
        yield f"  line {placed.lines[failure.place]}: expected: {failure.expected}"
        yield from _listed("happened", failure.found or ("nothing of the kind",))
        yield from _listed("because", failure.reasons)


def _listed(heading: str, lines: Iterable[str]) -> Iterator[str]:
    for number, line in enumerate(lines):
        yield f"    {heading + ':' if number == 0 else '':<10} {line}"
