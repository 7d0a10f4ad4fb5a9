"""The explanation of one person's deliveries: her facts, ordered by journey and run, and what they leave open.

Pure: it takes facts from a simulation or a store's journal and needs nothing else. With the compiled journeys, which
are optional, it also tells what a run waits for, which journeys never concerned the person, and which rule decided a
tie.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

import msgspec

from parcours.core.fact import DeliveryReached, Fact, LimitReached, Moved, Unmatched, Unmet
from parcours.insight.outline import awaited, starts_by
from parcours.insight.sentences import AFTER_A_PAUSE, ONCE_ONLY
from parcours.insight.summary import INTERNAL_OUTCOMES
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
    """A state or mark of a delivery."""

    at: int
    sequence: int
    outcome: str
    gate: str | None = None
    reason: str | None = None
    code: str | None = None


class DeliveryStory(msgspec.Struct, kw_only=True):
    """The history of one delivery, in the order of happening. visit counts from 1 per run, step and channel."""

    key: str
    step: str
    visit: int
    channel: str
    message: str
    to: str | None
    states: list[Reached] = []


class RunStory(msgspec.Struct, kw_only=True):
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
    waits_for: list[str] = []
    moves: list[Move] = []
    deliveries: list[DeliveryStory] = []


class JourneyStory(msgspec.Struct, kw_only=True):
    """One person's history in one journey. starts_by is what would have started it.

    state  of the journey itself: open, closed, paused or stopped
    """

    journey: str
    state: str = "open"
    starts_by: str | None = None
    refusals: list[Refusal] = []
    runs: list[RunStory] = []


class Explanation(msgspec.Struct, kw_only=True):
    """The whole explanation of one person. notes are unmatched reactions, and limits that were reached."""

    person: str
    journeys: list[JourneyStory] = []
    notes: list[tuple[int, str]] = []


def explain(
    facts: Iterable[Fact], person: str, journeys: Iterable[Journey] = (), states: Mapping[str, str] | None = None
) -> Explanation:
    """Explain one person; facts of other people are ignored.

    facts     those of the person in the order of happening
    journeys  the compiled journeys in all versions, the newest one of each first, for what facts do not say
    states    of journeys that are not open
    """
    outlines = {(journey.name, journey.version): journey for journey in journeys}
    explanation = Explanation(person=person)
    stories: dict[str, JourneyStory] = {}
    for (name, _), outline in outlines.items():
        stories.setdefault(name, JourneyStory(journey=name, starts_by=starts_by(outline)))
    for sequence, fact in enumerate(each for each in facts if each.person == person):
        if isinstance(fact, Moved):
            _move(stories.setdefault(fact.journey, JourneyStory(journey=fact.journey)), fact, sequence, outlines)
        elif isinstance(fact, DeliveryReached):
            if fact.outcome == "retried" or fact.outcome not in INTERNAL_OUTCOMES:
                _deliver(stories.setdefault(fact.journey, JourneyStory(journey=fact.journey)), fact, sequence)
        elif isinstance(fact, Unmet):
            story = stories.setdefault(fact.journey, JourneyStory(journey=fact.journey))
            refusal = Refusal(at=fact.at, version=fact.version, why="unmet", event=fact.event, detail=fact.why)
            story.refusals.append(refusal)
        elif isinstance(fact, Unmatched):
            explanation.notes.append((fact.at, f"{fact.reaction} was a reaction to nothing: {fact.why}"))
        elif isinstance(fact, LimitReached):
            explanation.notes.append((fact.at, f"the limit {fact.setting} was reached: {fact.why}"))
    explanation.journeys = list(stories.values())
    for story in explanation.journeys:
        story.state = (states or {}).get(story.journey, story.state)
    return explanation


def _run_of(story: JourneyStory, version: int, number: int) -> RunStory:
    for run in reversed(story.runs):
        if run.run == number:
            return run
    story.runs.append(RunStory(journey=story.journey, version=version, run=number))
    return story.runs[-1]


def _move(story: JourneyStory, fact: Moved, sequence: int, outlines: Mapping[tuple[str, int], Journey]) -> None:
    outline = outlines.get((fact.journey, fact.version))
    if fact.run is None:
        detail = _reentry(outline) if fact.why == "too_soon" else None
        story.refusals.append(Refusal(at=fact.at, version=fact.version, why=fact.why or fact.what, detail=detail))
        return
    run = _run_of(story, fact.version, fact.run)
    tie = _tie(run, fact, outline)
    run.moves.append(Move(at=fact.at, sequence=sequence, step=fact.step, what=fact.what, why=fact.why, tie=tie))
    match fact.what:
        case "reached":
            run.step, run.until_ms, run.waits_for = fact.step, None, []
        case "waiting":
            run.until_ms = None if fact.why is None else _ms(fact.why)
            run.waits_for = awaited(outline, run.step)
        case "ended" | "exited" | "parked":
            run.state, run.until_ms, run.waits_for = fact.what, None, []
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


def _deliver(story: JourneyStory, fact: DeliveryReached, sequence: int) -> None:
    run = _run_of(story, fact.version, fact.run)
    delivery = next((each for each in reversed(run.deliveries) if each.key == fact.key), None)
    if delivery is None:
        visit = 1 + sum(each.step == fact.step and each.channel == fact.channel for each in run.deliveries)
        delivery = DeliveryStory(
            key=fact.key, step=fact.step, visit=visit, channel=fact.channel, message=fact.message, to=fact.to
        )
        run.deliveries.append(delivery)
    delivery.states.append(
        Reached(at=fact.at, sequence=sequence, outcome=fact.outcome, gate=fact.gate, reason=fact.reason, code=fact.code)
    )


def _ms(text: str) -> int | None:
    """The due time in a waiting fact; None where it is none."""
    try:
        return floor_ms(datetime.fromisoformat(text))
    except ValueError:
        return None
