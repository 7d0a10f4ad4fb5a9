"""What was tried out as a test: what was done and seen in a sandbox, at the times that it takes where nothing is short.

In the sandbox waits are cut and skipped, so its times say little. What is done is therefore done again under virtual
time, with waits as they are written: before each thing time passes until the runs have moved as they had in the
sandbox, and then for as long as somebody has looked on. What was seen becomes the expectations, each at the instant at
which it happened then. The test is run before it is shown, and what is otherwise than it was seen is marked.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final, TypeAlias

from parcours.core.counted import INTERNAL_OUTCOMES
from parcours.core.delivery.feedback import OUTCOMES
from parcours.core.fact import DeliveryReached, Fact, Moved
from parcours.core.time_text import time_text
from parcours.dispatch.recorded_rendering import Said
from parcours.errors import CallerError
from parcours.instants import floor_ms, to_moment
from parcours.journey.program import Program
from parcours.journey.project import Project
from parcours.journey.read.finding import Finding, errors
from parcours.testing.cases.moment import since
from parcours.testing.cases.people import identified, ids, name_of
from parcours.testing.cases.read import read_cases_of
from parcours.testing.cases.run import Verdict, run_cases, verdict_lines
from parcours.testing.explore.reproduction import flow
from parcours.testing.virtual_project import VirtualProject

STEPS_MAX: Final = 500
"""Timers that are let pass until the runs have moved as they had: more are in no trial that somebody watches."""

FILE: Final = "tests/kept.yaml"
"""What the text is called while it is judged."""

SEEN_MOVES: Final = ("entered", "not_entered", "goal", "exited", "ended", "parked")
"""Moves that are expected of a test: what lies between follows from the journey."""

MARK: Final = "differs:"
"""Begins the line below what is otherwise than it was seen."""

FIRST_SEEN: Final = ("subject", "title", "text", "body")
"""The fields of a message of which a test has the first that says something."""

SECOND_MS: Final = 1_000

What: TypeAlias = tuple[object, ...]
"""What a fact tells, without its time."""


@dataclass(frozen=True, slots=True)
class Done:
    """Something that was done in a sandbox.

    call   of the event format, without whose it is
    given  what a test says of it, without its time
    """

    at_ms: int
    who: str
    call: Mapping[str, Any]
    given: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Tried:
    """What has come of a sandbox.

    people    the traits of each
    facts     of these people, those of each in the order of happening
    contents  what their deliveries said, by key
    """

    title: str
    people: Mapping[str, Mapping[str, Any]]
    start_ms: int
    done: Sequence[Done]
    facts: Sequence[Fact]
    contents: Mapping[str, Said] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class KeptTest:
    """
    text       of a file in tests/, what differs being marked in it
    differing  what is otherwise than it was seen, or doubtful, as lines; none if the test passes and nothing is
    """

    text: str
    differing: tuple[str, ...]


def kept_test(project: Project, tried: Tried) -> KeptTest:
    """The trial as a test of the project, whose waits are as they are written. Takes a while: it is lived through."""
    start_ms = tried.start_ms // SECOND_MS * SECOND_MS
    with VirtualProject(project, to_moment(start_ms)) as virtual:
        again = _Again(virtual, tried, project.program)
        given = again.live_through()
        happened = _Happened(virtual)
    lines = _written(tried, start_ms, given, happened.until_ms, _expected(tried, happened, start_ms))
    cases, findings = read_cases_of(project, "\n".join(lines), FILE)
    verdicts = list(run_cases(project, cases))
    told = [str(finding) for finding in findings]
    told += [line for each in verdicts for line in list(verdict_lines(each))[1:]]
    return KeptTest(_marked(lines, findings, verdicts), tuple(told))


class _Again:
    """Does under virtual time what was done in the sandbox."""

    def __init__(self, virtual: VirtualProject, tried: Tried, program: Program) -> None:
        self._virtual, self._tried, self._program = virtual, tried, program
        self._names = [name_of(who, program) for who in tried.people]

    def live_through(self) -> list[tuple[int, Done]]:
        """What was done, each with its time now, in ms."""
        for who, traits in self._tried.people.items():
            self._virtual.happen(identified(who, traits, self._program))
        moves = deque(sorted(_moves(self._tried.facts), key=lambda fact: fact.at))
        wanted, last_ms, given = Counter[What](), self._tried.start_ms, list[tuple[int, Done]]()
        for done in self._tried.done:
            while moves and moves[0].at < done.at_ms:
                last_ms = max(last_ms, moves[0].at)
                wanted[_what_moved(moves.popleft())] += 1
            has_passed = self._catch_up(wanted)
            self._look_on(max(done.at_ms - last_ms, SECOND_MS if has_passed else 0))
            given.append((self._virtual.now_ms(), done))
            self._do(done)
            last_ms = max(last_ms, done.at_ms)
        self._catch_up(wanted + Counter(map(_what_moved, moves)))
        return given

    def _do(self, done: Done) -> None:
        try:
            self._virtual.happen({**done.call, **ids(done.who, self._program)})
        except CallerError:
            return  # the test says so, too, once it is run

    def _catch_up(self, wanted: Counter[What]) -> bool:
        """Let timers pass until the runs have moved so; whether any had to."""
        for number in range(STEPS_MAX):
            if not wanted - Counter(map(_what_moved, _moves(self._virtual.facts()))):
                return number > 0
            if (due_ms := self._due_ms()) is None:
                return number > 0
            self._pass(due_ms - self._virtual.now_ms())
        return True

    def _look_on(self, for_ms: int) -> None:
        """Let whole seconds pass, and no timer with them: in the sandbox none had.

        Of an event and a timer of one instant the event comes first, so behind a timer some time has to pass.
        """
        if for_ms < SECOND_MS:
            return
        due_ms = self._due_ms()
        left_ms = for_ms if due_ms is None else min(for_ms, due_ms - self._virtual.now_ms() - 1)
        self._pass(left_ms if left_ms < SECOND_MS else left_ms // SECOND_MS * SECOND_MS)

    def _pass(self, for_ms: int) -> None:
        self._virtual.advance(timedelta(milliseconds=max(0, for_ms)))

    def _due_ms(self) -> int | None:
        people = [self._virtual.profile(name) for name in self._names]
        return min((each.next_due for each in people if each is not None and each.next_due is not None), default=None)


GIVEN_FROM: Final = 5
"""The line of the first thing given."""


def _written(
    tried: Tried, start_ms: int, given: Sequence[tuple[int, Done]], until_ms: int, expected: Sequence[Mapping[str, Any]]
) -> list[str]:
    """The lines of the test."""
    told = [{"at": since(at, start_ms), "who": done.who, **done.given} for at, done in given]
    return [
        f"- test: {flow(tried.title)}",
        f"  people: {flow(tried.people)}",
        f"  start: {time_text(start_ms)}",
        *(["  given:"] if told else []),
        *(f"    - {flow(each)}" for each in told),
        f"  until: {since(until_ms, start_ms)}",
        "  expect:",
        *(f"    - {flow(each)}" for each in expected),
    ]


def _marked(lines: Sequence[str], findings: Sequence[Finding], verdicts: Sequence[Verdict]) -> str:
    """The test with what differs below the line that it is about."""
    marks: dict[int, str] = {}
    for verdict in verdicts:
        for failure in verdict.failures:
            marks[verdict.placed.lines[failure.place]] = "; ".join(failure.found) or "nothing of the kind happens"
        for place, reason in (*verdict.refused, *verdict.unmatched):
            marks[GIVEN_FROM + place] = reason
    marks |= {finding.line: finding.message for finding in errors(findings)}
    told: list[str] = []
    for number, line in enumerate(lines, 1):
        told.append(line)
        if number in marks:
            told.append(f"    # {MARK} {' '.join(marks[number].split())}")
    return "".join(f"{line}\n" for line in told)


def _moves(facts: Iterable[Fact]) -> Iterator[Moved]:
    """The moves of runs; that one waits says until when, which is what differs."""
    return (fact for fact in facts if isinstance(fact, Moved) and fact.what != "waiting")


def _what_moved(fact: Moved) -> What:
    return fact.person, fact.what, fact.journey, fact.step, fact.why


def _what_seen(fact: Fact) -> What | None:
    """Of what is expected of a test; None for all else."""
    match fact:
        case DeliveryReached() if fact.outcome not in INTERNAL_OUTCOMES and _is_ours(fact):
            return fact.person, fact.journey, fact.step, fact.channel, fact.message, fact.outcome, fact.gate, fact.to
        case Moved() if fact.what in SEEN_MOVES:
            return _what_moved(fact)
        case _:
            return None


def _is_ours(fact: DeliveryReached) -> bool:
    """Whether the engine has brought the outcome about, and no reaction that was told to it."""
    return fact.outcome not in OUTCOMES or fact.reason is not None


class _Happened:
    """What has happened under virtual time: when each thing did, and what was said then."""

    def __init__(self, virtual: VirtualProject) -> None:
        self.until_ms = virtual.now_ms()
        self._times: defaultdict[What, deque[int]] = defaultdict(deque)
        for fact in virtual.facts():
            if (what := _what_seen(fact)) is not None:
                self._times[what].append(fact.at)
        self._said = {
            (each.who, each.journey, each.step, each.channel, each.message, floor_ms(each.at)): each.content
            for each in virtual.sent()
        }

    def take(self, fact: Fact) -> int | None:
        """When the next like this happened, None if no more did."""
        times = self._times.get(_what_seen(fact) or ())
        return times.popleft() if times else None

    def said(self, fact: DeliveryReached, at_ms: int) -> Said:
        """What it said then."""
        return self._said.get((fact.person, fact.journey, fact.step, fact.channel, fact.message, at_ms), {})


def _expected(tried: Tried, happened: _Happened, start_ms: int) -> list[Mapping[str, Any]]:
    """What was seen, each at the time at which it has happened now."""
    listed: list[Mapping[str, Any]] = []
    sent: Counter[tuple[str, str]] = Counter()
    for fact in sorted((fact for fact in tried.facts if _what_seen(fact) is not None), key=lambda fact: fact.at):
        entry, at_ms = _entry(fact), happened.take(fact)
        if at_ms is not None:
            entry["at"] = since(at_ms, start_ms)
        if isinstance(fact, DeliveryReached) and fact.outcome == "sent":
            sent[fact.person, fact.channel] += 1
            if at_ms is not None:
                entry |= _content(tried.contents.get(fact.key, {}), happened.said(fact, at_ms))
        if entry not in listed:
            listed.append(entry)
    listed += [{"who": who, "channel": channel, "times": times} for (who, channel), times in sent.items()]
    return listed or [{"who": who, "outcome": "sent", "times": 0} for who in tried.people]


def _content(seen: Said, said: Said) -> dict[str, Any]:
    """What of a message is seen first, where that is the same at the other time: a template may write the date."""
    for name in FIRST_SEEN:
        text = seen.get(name)
        if isinstance(text, str) and text:
            return {"content": {name: text}} if said.get(name) == text else {}
    return {}


def _entry(fact: Fact) -> dict[str, Any]:
    told: dict[str, str | None]
    match fact:
        case DeliveryReached():
            sent = fact.outcome == "sent"
            told = {"journey": fact.journey, "step": fact.step, "channel": fact.channel, "message": fact.message}
            told |= {"outcome": None if sent else fact.outcome, "gate": fact.gate, "to": fact.to if sent else None}
        case Moved():
            told = {"journey": fact.journey, "step": fact.step, "what": fact.what, "why": fact.why}
        case _:
            raise AssertionError("nothing else is expected of a test")
    return {"who": fact.person, **{name: value for name, value in told.items() if value is not None}}
