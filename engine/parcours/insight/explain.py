"""The explanation of one person's deliveries: her facts, ordered by journey and run, and what they leave open.

Pure: it takes facts from a simulation or a store's journal and needs nothing else. With the compiled journeys, which
are optional, it also tells what a run waits for, which journeys never concerned the person, and which rule decided a
tie.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

import msgspec
from msgspec.structs import replace

from parcours.core.fact import (
    DeliveryReached,
    Fact,
    LimitReached,
    Merged,
    Moved,
    NotMerged,
    Unmatched,
    Unmet,
    ZoneUnknown,
)
from parcours.core.totals import INTERNAL_OUTCOMES
from parcours.insight.outline import awaited, starts_by
from parcours.insight.sentences import AFTER_A_PAUSE, ONCE_ONLY, sentence
from parcours.instants import floor_ms
from parcours.journey.program import Journey

TIE_WAIT = "at the very instant at which the wait would have been over: an event goes before a timer"
TIE_EXIT = "the step listened for it as well: an exit goes before a listener"


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """An entry that was refused. why is unmet, already_in, too_soon, outside_dates ...; detail says more in words."""

    at: int
    version: int
    why: str
    event: str | None = None
    detail: str | None = None


class Move(msgspec.Struct, frozen=True, kw_only=True):
    """One move of a run. tie tells which rule decided where two things met at one instant.

    sequence orders what happened to the person, over moves and deliveries.
    """

    at: int
    sequence: int
    step: str | None
    what: str
    why: str | None = None
    tie: str | None = None


class Reached(msgspec.Struct, frozen=True, kw_only=True):
    """A state or mark of a delivery, or what a machine did with it, which is neither."""

    at: int
    sequence: int
    outcome: str
    gate: str | None = None
    reason: str | None = None
    code: str | None = None
    machine: bool = False


class DeliveryStory(msgspec.Struct, frozen=True, kw_only=True):
    """The history of one delivery, in the order of happening. visit counts from 1 per run, step and channel."""

    key: str
    step: str
    visit: int
    channel: str
    message: str
    to: str | None
    states: tuple[Reached, ...] = ()


class RunStory(msgspec.Struct, frozen=True, kw_only=True):
    """The history of one run.

    state       open, ended, exited or parked
    step        its current or last step
    until_ms    when its wait ends, None if it waits for ever or does not wait
    waits_for   what it listens for there, in words
    """

    journey: str
    version: int
    run: int
    state: str = "open"
    step: str | None = None
    until_ms: int | None = None
    waits_for: tuple[str, ...] = ()
    moves: tuple[Move, ...] = ()
    deliveries: tuple[DeliveryStory, ...] = ()


class JourneyStory(msgspec.Struct, frozen=True, kw_only=True):
    """One person's history in one journey. starts_by is what would have started it.

    state  of the journey itself: open, closed, paused or stopped
    """

    journey: str
    state: str = "open"
    starts_by: str | None = None
    refusals: tuple[Refusal, ...] = ()
    runs: tuple[RunStory, ...] = ()


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """The whole explanation of one person.

    notes  unmatched reactions, limits, unknown time zones, and each id that was not merged into hers, once
    """

    person: str
    journeys: tuple[JourneyStory, ...] = ()
    notes: tuple[tuple[int, str], ...] = ()


class _OpenRun(msgspec.Struct, kw_only=True):
    """A run while its facts are still being read."""

    story: RunStory
    moves: list[Move] = []
    deliveries: dict[str, tuple[DeliveryStory, list[Reached]]] = {}
    visits: dict[tuple[str, str], int] = {}

    def stands(self, **changes: object) -> None:
        """It stands like this now; what it waited for is over."""
        self.story = replace(self.story, **{"until_ms": None, "waits_for": (), **changes})

    def told(self) -> RunStory:
        deliveries = tuple(replace(each, states=tuple(states)) for each, states in self.deliveries.values())
        return replace(self.story, moves=tuple(self.moves), deliveries=deliveries)


class _OpenJourney(msgspec.Struct, kw_only=True):
    """A journey while the facts of the person are still being read."""

    story: JourneyStory
    refusals: list[Refusal] = []
    runs: dict[int, _OpenRun] = {}

    def run(self, version: int, number: int) -> _OpenRun:
        run = self.runs.get(number)
        if run is None:
            story = RunStory(journey=self.story.journey, version=version, run=number)
            run = self.runs[number] = _OpenRun(story=story)
        return run

    def told(self, states: Mapping[str, str]) -> JourneyStory:
        runs = tuple(run.told() for run in self.runs.values())
        state = states.get(self.story.journey, self.story.state)
        return replace(self.story, state=state, refusals=tuple(self.refusals), runs=runs)


def explain(
    facts: Iterable[Fact], person: str, journeys: Iterable[Journey] = (), states: Mapping[str, str] | None = None
) -> Explanation:
    """Explain one person; facts of other people are ignored.

    facts     those of the person in the order of happening
    journeys  the compiled journeys in all versions, the newest one of each first, for what facts do not say
    states    of journeys that are not open
    """
    outlines = {(journey.name, journey.version): journey for journey in journeys}
    notes: list[tuple[int, str]] = []
    told: dict[str, _OpenJourney] = {}
    apart: set[tuple[str, str]] = set()
    for (name, _), outline in outlines.items():
        told.setdefault(name, _OpenJourney(story=JourneyStory(journey=name, starts_by=starts_by(outline))))
    for sequence, fact in enumerate(each for each in facts if each.person == person):
        if isinstance(fact, Moved):
            _move(_of(told, fact.journey), fact, sequence, outlines)
        elif isinstance(fact, DeliveryReached):
            if fact.outcome == "retried" or fact.outcome not in INTERNAL_OUTCOMES:
                _deliver(_of(told, fact.journey).run(fact.version, fact.run), fact, sequence)
        elif isinstance(fact, Unmet):
            refusal = Refusal(at=fact.at, version=fact.version, why="unmet", event=fact.event, detail=fact.why)
            _of(told, fact.journey).refusals.append(refusal)
        elif isinstance(fact, Unmatched | LimitReached | ZoneUnknown | Merged):
            notes.append((fact.at, sentence(fact) or ""))
        elif isinstance(fact, NotMerged):
            link = fact.call, fact.other_id
            if link not in apart:  # a web page identifies its visitor by both ids again and again
                notes.append((fact.at, sentence(fact) or ""))
            apart.add(link)
    stories = tuple(each.told(states or {}) for each in told.values())
    return Explanation(person=person, journeys=stories, notes=tuple(notes))


def _of(told: dict[str, _OpenJourney], journey: str) -> _OpenJourney:
    return told.setdefault(journey, _OpenJourney(story=JourneyStory(journey=journey)))


def _move(journey: _OpenJourney, fact: Moved, sequence: int, outlines: Mapping[tuple[str, int], Journey]) -> None:
    outline = outlines.get((fact.journey, fact.version))
    if fact.run is None:
        detail = _reentry(outline) if fact.why == "too_soon" else None
        journey.refusals.append(Refusal(at=fact.at, version=fact.version, why=fact.why or fact.what, detail=detail))
        return
    run = journey.run(fact.version, fact.run)
    tie = _tie(run.story, fact, outline)
    run.moves.append(Move(at=fact.at, sequence=sequence, step=fact.step, what=fact.what, why=fact.why, tie=tie))
    match fact.what:
        case "reached":
            run.stands(step=fact.step)
        case "waiting":
            until_ms = None if fact.why is None else _ms(fact.why)
            run.stands(until_ms=until_ms, waits_for=tuple(awaited(outline, run.story.step)))
        case "ended" | "exited" | "parked":
            run.stands(state=fact.what)
        case _:
            pass


def _reentry(outline: Journey | None) -> str | None:
    """What kept the person from entering again; None for a journey that is not known."""
    if outline is None:
        return None
    return ONCE_ONLY if outline.reentry_after_ms is None else AFTER_A_PAUSE


def _tie(run: RunStory, fact: Moved, outline: Journey | None) -> str | None:
    if fact.what == "matched" and run.until_ms == fact.at:
        return TIE_WAIT
    if fact.what == "exited" and fact.why is not None and fact.why in awaited(outline, run.step):
        return TIE_EXIT
    return None


def _deliver(run: _OpenRun, fact: DeliveryReached, sequence: int) -> None:
    if fact.key not in run.deliveries:
        place = (fact.step, fact.channel)
        run.visits[place] = run.visits.get(place, 0) + 1
        story = DeliveryStory(
            key=fact.key,
            step=fact.step,
            visit=run.visits[place],
            channel=fact.channel,
            message=fact.message,
            to=fact.to,
        )
        run.deliveries[fact.key] = (story, [])
    _, states = run.deliveries[fact.key]
    states.append(
        Reached(
            at=fact.at,
            sequence=sequence,
            outcome=fact.outcome,
            gate=fact.gate,
            reason=fact.reason,
            code=fact.code,
            machine=fact.machine,
        )
    )


def _ms(text: str) -> int | None:
    """The due time in a waiting fact; None where it is none."""
    try:
        return floor_ms(datetime.fromisoformat(text))
    except ValueError:
        return None
