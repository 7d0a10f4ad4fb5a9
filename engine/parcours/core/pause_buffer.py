"""The pause buffer: inputs of a paused journey's open runs, each with its own time, until it is resumed or stopped.

Only the runs of the paused journey wait. The person's traits, consents, histories, audiences and her runs in other
journeys go on as ever, and what becomes of a delivery is recorded at once. The buffer is part of her profile;
resuming.py applies it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, TypeAlias

from parcours.core.fact import LimitReached
from parcours.core.occasion import Occasion
from parcours.core.paths import keep
from parcours.core.profile import BufferedInput, Run, Timer, TimerKind
from parcours.core.turn import Turn, correlation_key
from parcours.expression.definition_keys import plain
from parcours.expression.expression import Expression
from parcours.journey.listening import inner_audience_names, inner_triggers
from parcours.journey.program import Journey

Placed: TypeAlias = tuple[Journey, Run]
"""A run with its journey in the run's version."""

KEPT_TIMERS: Final[frozenset[TimerKind]] = frozenset({"wait", "timeout", "retry", "release", "part"})
"""Timers that move a run or release a delivery of it; all others belong to the person and fire during a pause."""

REPLAYED: Final = ("occasion", "reaction", "zone")
"""Inputs of the buffer that are applied one by one when the journey is resumed."""

LIKE_EVENTS: Final[frozenset[TimerKind]] = frozenset({"reaction", "click", "place"})
"""Timers that stand for an event of the person."""

_OF_PERSON: Final[frozenset[TimerKind]] = LIKE_EVENTS | {"audience"}
"""Timers that go before others of their instant, as events do."""


def keep_from_paused(turn: Turn, occasion: Occasion, waiting: list[Placed]) -> list[Placed]:
    """Buffer the occasion for runs of paused journeys. Returns the other runs, which may react to it now."""
    paused: dict[str, list[Placed]] = {}
    others: list[Placed] = []
    for journey, run in waiting:
        (paused.setdefault(journey.name, []) if turn.is_paused(journey.name) else others).append((journey, run))
    for name, runs in paused.items():
        _keep_occasion(turn, name, occasion, runs)
    return others


def _keep_occasion(turn: Turn, name: str, occasion: Occasion, runs: list[Placed]) -> None:
    """Buffer the part of an occasion that these runs of one journey may look at, if any of them may react to it."""
    events = {plain(event) for journey, run in runs for event in _events(turn, journey, run, occasion)}
    audiences = {audience for journey, _ in runs for audience in inner_audience_names(journey)}
    changes = tuple((each.audience, each.change) for each in occasion.changes if each.audience in audiences)
    what = ", ".join(sorted(events) or sorted({plain(audience) for audience, _ in changes}))
    if not what:
        return
    properties: dict[str, object] = {}
    if events:
        properties = keep(occasion.properties, frozenset[str]().union(*(_paths(journey) for journey, _ in runs)))
    names = occasion.names if events else ()
    # Resuming orders an occasion that a timer caused (an update after a wait) among timers, by this timer's place; a
    # reaction is an event, and a change of audience by time goes before timers as events do.
    timer = None if turn.timer is None or turn.timer.kind in _OF_PERSON else turn.timer
    given = BufferedInput(turn.at, name, "occasion", timer=timer, names=names, properties=properties, changes=changes)
    _keep(turn, given, what)


def _events(turn: Turn, journey: Journey, run: Run, occasion: Occasion) -> Iterator[str]:
    """The event types of the occasion to which some exit, goal or listener of the run may react."""
    correlation = journey.correlation
    if correlation is not None and is_settled(correlation):
        key = correlation_key(correlation.value(turn.scope(occasion.properties)))
        if key not in (None, run.correlation):
            return
    for trigger in inner_triggers(journey):
        when = trigger.when
        if trigger.event in occasion.names and (
            when is None or not is_settled(when) or when.holds(turn.scope(occasion.properties))
        ):
            yield trigger.event


def is_settled(expression: Expression) -> bool:
    """Whether a condition has the same value now and at the resume, because it reads nothing but the event."""
    of_event = all(path.startswith("event.") for path in expression.paths)
    return of_event and not (expression.series or expression.consents or expression.audiences)


def _paths(journey: Journey) -> frozenset[str]:
    """The paths of an event that the journey reads: those in conditions, and those that a run keeps."""
    conditions = [trigger.when for trigger in inner_triggers(journey)]
    named = {path for each in (journey.correlation, *conditions) if each is not None for path in each.paths}
    return journey.event_paths | {path.removeprefix("event.") for path in named if path.startswith("event.")}


def keep_reaction(turn: Turn, run: Run) -> None:
    """Buffer a reaction to one of the run's deliveries."""
    if run.ended_at is None:
        _keep(turn, BufferedInput(turn.at, run.journey, "reaction", run=run.number), "a reaction")


def keep_zone_change(turn: Turn, journey: str) -> None:
    """Buffer that the person's time zone has changed while deliveries of the journey were held."""
    timer = None if turn.timer is None or turn.timer.kind in _OF_PERSON else turn.timer
    _keep(turn, BufferedInput(turn.at, journey, "zone", timer=timer), "a change of time zone")


def _keep(turn: Turn, kept: BufferedInput, what: str) -> None:
    """Buffer an input, up to `kept_inputs_max` of them. A loss is recorded once for each kind and pause.

    Timers and claims are not counted: there are no more of them than the runs and deliveries that have them.
    """
    own = [each for each in turn.profile.kept if each.journey == kept.journey]
    most = turn.settings.kept_inputs_max
    if sum(each.kind in REPLAYED for each in own) < most:
        turn.profile.kept.append(kept)
    elif not any(each.kind == "lost" and each.key == what for each in own):
        turn.profile.kept.append(BufferedInput(turn.at, kept.journey, "lost", key=what))
        why = f"{kept.journey!r} is paused and keeps {most} inputs of a person: from now on it misses {what}"
        turn.effects.facts.append(LimitReached(turn.at, turn.person, "kept_inputs_max", why, kept.journey))


def keep_timer(turn: Turn, timer: Timer) -> None:
    """Buffer a timer of a run that fell due."""
    turn.profile.kept.append(BufferedInput(timer.due, timer.journey, "timer", timer=timer))


def keep_claim(turn: Turn, journey: str, run: int, key: str) -> None:
    """Buffer the claim of a delivery of a run, or of none (0), once, however often a dispatcher comes for it."""
    kept = turn.profile.kept
    if not any(each.kind == "claim" and each.key == key for each in kept):
        kept.append(BufferedInput(turn.at, journey, "claim", run=run, key=key))
