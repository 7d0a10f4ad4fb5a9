"""The verdict on a test: expectations that were not met, each with the nearest facts and the reasons."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias, assert_never

from parcours.channel import CALL
from parcours.core.counted import INTERNAL_OUTCOMES
from parcours.core.fact import Decided, DeliveryReached, Fact, Merged, Moved
from parcours.insight.explain import JourneyStory, RunStory, explain
from parcours.insight.explain_text import standing
from parcours.insight.sentences import refused, sentence, unstarted
from parcours.journey.program import Program
from parcours.testing.cases.content import differences
from parcours.testing.cases.decisions import decision_differences, decision_words
from parcours.testing.cases.document import (
    DAYS,
    Case,
    DecisionExpected,
    DeliveryExpected,
    Expected,
    MoveExpected,
    Never,
    NeverExpected,
    SetsExpected,
)
from parcours.testing.cases.moment import at_ms, since
from parcours.testing.cases.people import name_of
from parcours.testing.cases.play import Played
from parcours.testing.cases.sets import sizes_words, unlike
from parcours.testing.clocks import in_window

NEAREST_MAX = 5
"""Facts shown beside an expectation that was not met: enough to see the slip, few enough to read."""

REASONS_MAX = 8

Counted: TypeAlias = DeliveryReached | Moved | Decided
"""What expectations count."""


@dataclass(frozen=True, slots=True)
class Failure:
    """One expectation that was not met.

    place     its place in `expect`
    expected  the expectation in words
    found     the nearest facts, as lines
    reasons   why the rest did not happen, as lines
    """

    place: int
    expected: str
    found: tuple[str, ...]
    reasons: tuple[str, ...] = ()


def judge(program: Program, case: Case, played: Played) -> list[Failure]:
    """The expectations that were not met."""
    bench = _Bench(program, case, played)
    judged = (bench.judge(place, expected) for place, expected in enumerate(case.expect))
    return [failure for failure in judged if failure is not None]


def unjudged(case: Case, played: Played) -> dict[int, int]:
    """How many deliveries each `never` expectation could not judge, the local time being unknown; by its place."""
    counts = {
        place: sum(local is None for _, local in _concerned(played, expected))
        for place, expected in enumerate(case.expect)
        if isinstance(expected, NeverExpected)
    }
    return {place: count for place, count in counts.items() if count}


def _concerned(played: Played, expected: NeverExpected) -> Iterator[tuple[DeliveryReached, datetime | None]]:
    """The matching deliveries that were sent, each with the person's local time."""
    never = expected.never
    for fact, local in played.clocks.along(played.facts):
        if (
            fact.outcome == "sent"
            and expected.who in (None, fact.person)
            and never.journey in (None, fact.journey)
            and never.channel in (None, fact.channel)
            and (fact.channel != CALL or never.channel is not None)  # a call reaches nobody
        ):
            yield fact, local


class _Bench:
    def __init__(self, program: Program, case: Case, played: Played) -> None:
        self._program = program
        self._journeys = (*program.journeys, *program.taking)
        self._people = tuple(name_of(who, program) for who in case.people)
        self._played = played

    def judge(self, place: int, expected: Expected) -> Failure | None:
        if isinstance(expected, SetsExpected):
            return self._sets(place, expected)
        if expected.who is not None:
            expected = expected.model_copy(update={"who": name_of(expected.who, self._program)})  # as facts have it
        match expected:
            case DeliveryExpected():
                return self._delivery(place, expected)
            case MoveExpected():
                return self._move(place, expected)
            case DecisionExpected():
                return self._decision(place, expected)
            case NeverExpected():
                return self._never(place, expected)
            case _:
                assert_never(expected)

    def _delivery(self, place: int, expected: DeliveryExpected) -> Failure | None:
        wanted = {
            name: getattr(expected, name) for name in ("journey", "step", "channel", "message", "outcome", "gate", "to")
        }
        facts = [
            fact
            for fact in self._played.facts
            if isinstance(fact, DeliveryReached) and fact.outcome not in INTERNAL_OUTCOMES
        ]
        words = f"{expected.who or 'somebody'} gets {_asked(expected)}"

        def differs(fact: Counted) -> list[str]:
            assert isinstance(fact, DeliveryReached), "only deliveries were asked for"
            return differences(self._played.contents.get(fact.key), expected)

        return self._counted(place, expected, wanted, facts, words, differs)

    def _decision(self, place: int, expected: DecisionExpected) -> Failure | None:
        wanted = {"decision": expected.decision, "placement": expected.placement}
        facts = [fact for fact in self._played.facts if isinstance(fact, Decided)]

        def differs(fact: Counted) -> list[str]:
            assert isinstance(fact, Decided), "only decisions were asked for"
            return decision_differences(fact, expected)

        return self._counted(place, expected, wanted, facts, decision_words(expected), differs)

    def _move(self, place: int, expected: MoveExpected) -> Failure | None:
        wanted = {"journey": expected.journey, "step": expected.step, "what": expected.move, "why": expected.why}
        facts = list(_moves(self._played.facts))
        step = f"{expected.journey}.{expected.step}" if expected.step else expected.journey
        why = f" ({expected.why})" if expected.why else ""
        words = f"{expected.who or 'somebody'} {expected.move} {step}{why}"
        return self._counted(place, expected, wanted, facts, words)

    def _counted(
        self,
        place: int,
        expected: DeliveryExpected | MoveExpected | DecisionExpected,
        wanted: Mapping[str, object],
        facts: Sequence[Counted],
        words: str,
        differs: Callable[[Counted], list[str]] = lambda fact: [],
    ) -> Failure | None:
        """Compare the number of matching facts with the number expected.

        differs  the differences in a fact whose fields all match, as lines
        """
        at = None if expected.at is None else at_ms(expected.at, self._played.start_ms)
        wanted = {
            name: value for name, value in {"person": expected.who, "at": at, **wanted}.items() if value is not None
        }
        alike = [fact for fact in facts if _likeness(fact, wanted) == len(wanted)]
        same = [fact for fact in alike if not differs(fact)]
        if len(same) == expected.times or (expected.times is None and same):
            return None
        words += f" at {since(at, self._played.start_ms)}" if at is not None else ""
        words += "" if expected.times is None else f", {_times(expected.times)}"
        if expected.times is not None and len(same) > expected.times:
            return Failure(place, words, tuple(self._lines(same)))
        if len(alike) > len(same):  # only its content differs, for which a journey has no reasons
            lines = [line for fact in alike[:NEAREST_MAX] for line in self._told(fact, differs(fact))]
            return Failure(place, words, tuple(lines))
        others = [fact for fact in facts if expected.who in (None, fact.person) and fact not in same]
        nearest = [*same, *sorted(others, key=_by_likeness(wanted, at))[:NEAREST_MAX]]
        told = tuple(self._lines(nearest))
        if isinstance(expected, DecisionExpected):
            return Failure(place, words, told)  # a decision says itself what spoke against each offer
        reasons = self._reasons(expected.who, expected.journey, expected.step)
        return Failure(place, words, told, tuple(reasons)[:REASONS_MAX])

    def _told(self, fact: Fact, differing: Iterable[str]) -> Iterator[str]:
        yield from self._lines([fact])
        yield from (f"  {line}" for line in differing)

    def _sets(self, place: int, expected: SetsExpected) -> Failure | None:
        campaign = next(each for each in self._program.campaigns if each.name == expected.campaign)
        found = unlike(campaign, self._played.lines, expected)
        words = f"in run {expected.run} of {expected.campaign} {sizes_words(expected.sets)}"
        return Failure(place, words, tuple(found)) if found else None

    def _never(self, place: int, expected: NeverExpected) -> Failure | None:
        never, days = expected.never, [DAYS.index(day) for day in expected.never.days]
        found = [
            (fact, local)
            for fact, local in _concerned(self._played, expected)
            if local is not None and in_window(local, *never.between, days)
        ]
        if not found:
            return None
        words = f"nothing{_scope(never)} for {expected.who or 'anybody'} between {_window(never)}"
        lines = [
            f"{line}, when the clock of {fact.person} showed {local:%a %H:%M}"
            for fact, local in found[:NEAREST_MAX]
            for line in self._lines([fact])
        ]
        return Failure(place, words, tuple(lines))

    def _lines(self, facts: Iterable[Fact]) -> Iterator[str]:
        for fact in facts:
            who = f"{fact.person} " if len(self._people) > 1 else ""
            yield f"{since(fact.at, self._played.start_ms)}  {who}{sentence(fact)}"

    def _reasons(self, who: str | None, journey: str | None, step: str | None) -> Iterator[str]:
        """Why the journey did not bring the person to the step."""
        for person in self._people if who is None else (who,):
            prefix = f"{person}: " if len(self._people) > 1 else ""
            for story in explain(self._played.facts, person, self._journeys).journeys:
                concerned = journey == story.journey if journey else bool(story.runs or story.refusals)
                for reason in self._of_story(story, step) if concerned else ():
                    yield prefix + reason

    def _of_story(self, story: JourneyStory, step: str | None) -> Iterator[str]:
        for refusal in story.refusals:
            by = f" by {refusal.event}" if refusal.event else ""
            at = since(refusal.at, self._played.start_ms)
            yield f"{at}  did not enter {story.journey}{by}: {refused(refusal.why, refusal.detail)}"
        if not story.runs and not story.refusals:
            yield f"did not enter {story.journey}: {unstarted(story.starts_by, story.state)}"
        for run in story.runs:
            if step is None or not _was_at(run, step):
                never = f" never came to {step} and" if step else ""
                yield f"run {run.run} of {story.journey}{never} is {self._standing(run)}"

    def _standing(self, run: RunStory) -> str:
        if run.until_ms is None:
            return standing(run)
        listens = f" for {' or '.join(run.waits_for)}" if run.waits_for else ""
        return f"at {run.step}, waiting{listens} until {since(run.until_ms, self._played.start_ms)}"


def _moves(facts: Iterable[Fact]) -> Iterator[Moved]:
    """All moves of runs, those too that go on as another person's."""
    for fact in facts:
        if isinstance(fact, Moved):
            yield fact
        elif isinstance(fact, Merged):
            yield from fact.arrivals()


def _likeness(fact: Counted, wanted: Mapping[str, object]) -> int:
    """The number of expected fields that match."""
    return sum(getattr(fact, name) == value for name, value in wanted.items())


def _by_likeness(wanted: Mapping[str, object], at: int | None) -> Callable[[Counted], tuple[int, int]]:
    """Orders facts by the number of matching fields, then by how near in time they are."""
    what = {name: value for name, value in wanted.items() if name != "at"}
    return lambda fact: (-_likeness(fact, what), abs(fact.at - (fact.at if at is None else at)))


def _was_at(run: RunStory, step: str) -> bool:
    return any(move.step == step and move.what == "reached" for move in run.moves)


def _asked(expected: DeliveryExpected) -> str:
    place = ".".join(filter(None, (expected.journey, expected.step)))
    parts = [
        expected.message or _unnamed(expected.channel),
        f"by {expected.channel}" if expected.message and expected.channel else "",
        f"from {place}" if place else "",
        f"to {expected.to}" if expected.to else "",
        expected.outcome,
        f"by the gate {expected.gate!r}" if expected.gate else "",
        f"with the {' and '.join(dict.fromkeys([*expected.content, *expected.contains]))} expected"
        if expected.content or expected.contains
        else "",
    ]
    return " ".join(filter(None, parts))


def _unnamed(channel: str | None) -> str:
    if channel is None:
        return "a message"
    return "a call" if channel == CALL else f"{channel} message"


def _times(times: int) -> str:
    return {0: "never", 1: "once", 2: "twice"}.get(times, f"{times} times")


def _scope(never: Never) -> str:
    on = f" by {never.channel}" if never.channel else ""
    return on + (f" from {never.journey}" if never.journey else "")


def _window(never: Never) -> str:
    first, last = (f"{minute // 60:02}:{minute % 60:02}" for minute in never.between)
    days = "" if never.days == DAYS else f" on {', '.join(never.days)}"
    return f"{first} and {last}{days}"
