"""The explanation of one person's deliveries: her facts, ordered by journey and run, and what they leave open.

Pure: it takes facts from a simulation or a store's journal and needs nothing else. With the compiled journeys, which
are optional, it also tells what a run waits for, which journeys never concerned the person, and which rule decided a
tie.

What happened under a name that was merged into the person stands with it. A run that has gone on as hers is one run,
whatever name and number it had before.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

import msgspec
from msgspec.structs import replace

from parcours.config import Settings
from parcours.core.counted import INTERNAL_OUTCOMES
from parcours.core.fact import (
    CopyReached,
    Decided,
    DeliveryReached,
    Fact,
    LimitReached,
    Merged,
    Moved,
    NotMerged,
    OfferMarked,
    RunMerged,
    Unmatched,
    Unmet,
    ZoneUnknown,
)
from parcours.core.profile import Profile
from parcours.core.synced import Synced
from parcours.insight.offer_words import DecisionStory, decision_story
from parcours.insight.outline import awaited, starts_by
from parcours.insight.score_stories import ScoreStory, score_stories
from parcours.insight.sentences import AFTER_A_PAUSE, ONCE_ONLY, is_of_place, sentence
from parcours.insight.whose_facts import told_of
from parcours.instants import floor_ms
from parcours.journey.program import Journey, Program

_NOTED = Unmatched | LimitReached | ZoneUnknown | CopyReached | Synced | Decided | OfferMarked
"""The facts that concern no journey, each told as a line of its own."""

TIE_WAIT = "at the very instant at which the wait would have been over: an event goes before a timer"
TIE_EXIT = "the step listened for it as well: an exit goes before a listener"


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """An entry that was refused. why is unmet, already_in, too_soon, outside_dates ...; detail says more in words.

    name  that of a move
    """

    at: int
    version: int
    why: str
    event: str | None = None
    detail: str | None = None
    name: str | None = None


class Move(msgspec.Struct, frozen=True, kw_only=True):
    """One move of a run. tie tells which rule decided where two things met at one instant.

    sequence orders what happened to the person, over moves and deliveries.
    name      the name under which it happened, if that was merged into hers later
    """

    at: int
    sequence: int
    step: str | None
    what: str
    why: str | None = None
    tie: str | None = None
    name: str | None = None


class Reached(msgspec.Struct, frozen=True, kw_only=True):
    """A state or mark of a delivery, or what a machine did with it, which is neither. name is that of a move."""

    at: int
    sequence: int
    outcome: str
    gate: str | None = None
    reason: str | None = None
    code: str | None = None
    machine: bool = False
    name: str | None = None


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
    name        whose it was by its number, if it ended before it could be the person's
    """

    journey: str
    version: int
    run: int
    name: str | None = None
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


class AskedFor(msgspec.Struct, frozen=True, kw_only=True):
    """Another name by which the person was asked for; since when it is hers and by what call, as far as it is told."""

    name: str
    since: int | None = None
    call: str | None = None


class SetStory(msgspec.Struct, frozen=True, kw_only=True):
    """Where the person is in the sets of one step of a campaign's run: its outputs, and why, in words."""

    campaign: str
    run: int
    step: str
    at: int
    outputs: tuple[str, ...] = ()
    why: str = ""


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """The whole explanation of one person.

    sets       of each run of a campaign, where its sets are known
    scores     what each says of her, as of one instant, where it is known how she stands
    places     where she is now, and why nothing was told of positions, in words, where her profile is at hand
    asked_for  None if she was asked for by the name under which she lives
    unlinked   the namespaces whose ids are never linked to anybody: of each such call there is no fact
    notes      unmatched reactions, limits, unknown time zones, copies with her data for seeds, decisions as one line,
               what became of offers, what destinations were told of her, merges, and each id that was not merged
    decisions  the same decisions in their parts
    """

    person: str
    asked_for: AskedFor | None = None
    unlinked: tuple[str, ...] = ()
    journeys: tuple[JourneyStory, ...] = ()
    notes: tuple[tuple[int, str], ...] = ()
    decisions: tuple[DecisionStory, ...] = ()
    sets: tuple[SetStory, ...] = ()
    scores: tuple[ScoreStory, ...] = ()
    places: tuple[str, ...] = ()


class _OpenRun(msgspec.Struct, kw_only=True):
    """A run while its facts are still being read. `first` orders runs by what happened to each first."""

    story: RunStory
    first: int
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
    runs: dict[tuple[str | None, int], _OpenRun] = {}
    of_deliveries: dict[str, _OpenRun] = {}

    def run(self, version: int, number: int, name: str | None, sequence: int) -> _OpenRun:
        run = self.runs.get((name, number))
        if run is None:
            story = RunStory(journey=self.story.journey, version=version, run=number, name=name)
            run = self.runs[name, number] = _OpenRun(story=story, first=sequence)
        return run

    def arrive(self, merged: RunMerged, number: int, fact: Merged, sequence: int) -> None:
        """A run goes on as the person's, under this number."""
        run = self.run(merged.version, merged.number, fact.name, sequence)
        self.runs[None, number] = self.runs.pop((fact.name, merged.number))
        run.story = replace(run.story, run=number, name=None, step=merged.step)
        why = f"{fact.name} run {merged.number}"
        run.moves.append(Move(at=fact.at, sequence=sequence, step=merged.step, what="merged", why=why))

    def told(self, states: Mapping[str, str]) -> JourneyStory:
        runs = tuple(run.told() for run in sorted(self.runs.values(), key=lambda run: run.first))
        state = states.get(self.story.journey, self.story.state)
        return replace(self.story, state=state, refusals=tuple(self.refusals), runs=runs)


def explain(
    facts: Iterable[Fact],
    person: str,
    journeys: Iterable[Journey] = (),
    states: Mapping[str, str] | None = None,
    *,
    used: bool = False,
    names: Collection[str] = (),
    asked_for: str | None = None,
    unlinked: Iterable[str] = (),
) -> Explanation:
    """Explain one person; facts of other people are ignored.

    facts      those of the person, and of those who were merged into her, in the order of happening for each name
    journeys   the compiled journeys in all versions, the newest one of each first, for what facts do not say
    states     of journeys that are not open
    used       whether what was before a merge counts: otherwise nothing is told of it
    names      those that are hers now, as far as it is known
    asked_for  the name by which she was asked for, if it is another one
    unlinked   the namespaces whose ids are never linked to anybody
    """
    told_facts = told_of(facts, person, used=used, names=names)
    outlines = {(journey.name, journey.version): journey for journey in journeys}
    notes: list[tuple[int, str]] = []
    decisions: list[DecisionStory] = []
    told: dict[str, _OpenJourney] = {}
    apart: set[tuple[str, str, str]] = set()
    for (journey, _), outline in outlines.items():
        told.setdefault(journey, _OpenJourney(story=JourneyStory(journey=journey, starts_by=starts_by(outline))))
    for sequence, fact in enumerate(told_facts):
        name = None if fact.person == person else fact.person
        if isinstance(fact, Moved):
            _move(_of(told, fact.journey), fact, name, sequence, outlines)
        elif isinstance(fact, DeliveryReached):
            if fact.outcome == "retried" or fact.outcome not in INTERNAL_OUTCOMES:
                _deliver(_of(told, fact.journey), fact, name, sequence)
        elif isinstance(fact, Unmet):
            refusal = Refusal(
                at=fact.at, version=fact.version, why="unmet", event=fact.event, detail=fact.why, name=name
            )
            _of(told, fact.journey).refusals.append(refusal)
        elif isinstance(fact, _NOTED) or is_of_place(fact):
            notes.append((fact.at, _note(fact, name)))
            if isinstance(fact, Decided):
                decisions.append(decision_story(fact, name))
        elif isinstance(fact, Merged):
            notes.append((fact.at, _note(fact, name)))
            for run in fact.runs:
                if run.to is not None:
                    _of(told, run.journey).arrive(run, run.to, fact, sequence)
        elif isinstance(fact, NotMerged):
            link = fact.call, fact.other_id, fact.reason
            if link not in apart:  # a web page identifies its visitor by both ids again and again
                notes.append((fact.at, _note(fact, name)))
            apart.add(link)
    stories = tuple(each.told(states or {}) for each in told.values())
    other = None if asked_for is None or asked_for == person else _asked_for(asked_for, told_facts)
    return Explanation(
        person=person,
        asked_for=other,
        unlinked=tuple(unlinked),
        journeys=stories,
        notes=tuple(notes),
        decisions=tuple(decisions),
    )


def with_scores(
    explanation: Explanation, profile: Profile, program: Program, at: int, settings: Settings
) -> Explanation:
    """The explanation with what scores say of its person at an instant, at which her profile has to stand."""
    return replace(explanation, scores=score_stories(profile, at, program, settings))


def _note(fact: Fact, name: str | None) -> str:
    return f"{name}: {sentence(fact)}" if name else sentence(fact) or ""


def _asked_for(name: str, facts: Iterable[Fact]) -> AskedFor:
    merged = [fact for fact in facts if isinstance(fact, Merged) and fact.name == name]
    return AskedFor(name=name, since=merged[-1].at, call=merged[-1].call) if merged else AskedFor(name=name)


def _of(told: dict[str, _OpenJourney], journey: str) -> _OpenJourney:
    return told.setdefault(journey, _OpenJourney(story=JourneyStory(journey=journey)))


def _move(
    journey: _OpenJourney,
    fact: Moved,
    name: str | None,
    sequence: int,
    outlines: Mapping[tuple[str, int], Journey],
) -> None:
    outline = outlines.get((fact.journey, fact.version))
    if fact.run is None:
        detail = _reentry(outline) if fact.why == "too_soon" else None
        refused = Refusal(at=fact.at, version=fact.version, why=fact.why or fact.what, detail=detail, name=name)
        journey.refusals.append(refused)
        return
    run = journey.run(fact.version, fact.run, name, sequence)
    tie = _tie(run.story, fact, outline)
    move = Move(at=fact.at, sequence=sequence, step=fact.step, what=fact.what, why=fact.why, tie=tie, name=name)
    run.moves.append(move)
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


def _deliver(journey: _OpenJourney, fact: DeliveryReached, name: str | None, sequence: int) -> None:
    run = journey.of_deliveries.get(fact.key)
    if run is None:
        run = journey.run(fact.version, fact.run, name, sequence)
        journey.of_deliveries[fact.key] = run
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
            name=name,
        )
    )


def _ms(text: str) -> int | None:
    """The due time in a waiting fact; None where it is none."""
    try:
        return floor_ms(datetime.fromisoformat(text))
    except ValueError:
        return None
