"""What is kept while a journey is paused? Whatever would have moved its open runs, each with its own time.

The person goes on: traits, consents, histories, audiences and her runs in other journeys are as up to date as
ever, and what became of a delivery is noted at once. Only the runs of the paused journey stand still. What they
miss lies in the person's own bytes until the journey goes on (pausing.py) or is stopped.
"""

from __future__ import annotations

from typing import Final, TypeAlias

from parcours.core.fact import LimitReached
from parcours.core.occasion import Occasion
from parcours.core.profile import Kept, Run, Timer, TimerKind
from parcours.core.turn import Turn
from parcours.journey.listening import audience_names, inner_event_names
from parcours.journey.program import Journey

Placed: TypeAlias = tuple[Journey, Run]
"""A run with its journey, in the run's version."""

KEPT_TIMERS: Final[frozenset[TimerKind]] = frozenset({"wait", "timeout", "retry", "release"})
"""Timers that move a run or let something leave for it; the others are the person's own."""


def keep_from_paused(turn: Turn, occasion: Occasion, waiting: list[Placed]) -> list[Placed]:
    """Keep the occasion for the runs of paused journeys; the runs that it may move now."""
    concerned = dict.fromkeys(
        journey.name for journey, _ in waiting if turn.is_paused(journey.name) and _may_move(journey, occasion)
    )
    for name in concerned:
        changes = tuple((change.audience, change.change) for change in occasion.changes)
        properties = dict(occasion.properties)
        _keep(turn, Kept(turn.at, name, "occasion", names=occasion.names, properties=properties, changes=changes))
    return [(journey, run) for journey, run in waiting if not turn.is_paused(journey.name)]


def _may_move(journey: Journey, occasion: Occasion) -> bool:
    events, audiences = inner_event_names(journey), audience_names(journey)
    return not events.isdisjoint(occasion.names) or any(each.audience in audiences for each in occasion.changes)


def keep_reaction(turn: Turn, run: Run) -> None:
    """There was a reaction to one of the run's deliveries."""
    if run.ended_at is None:
        _keep(turn, Kept(turn.at, run.journey, "reaction", run=run.number))


def _keep(turn: Turn, kept: Kept) -> None:
    """Of these there may be any number. Timers and claims are as many as the runs and deliveries that have them."""
    most = turn.settings.kept_inputs_max
    if sum(each.kind in ("occasion", "reaction") for each in turn.profile.kept) < most:
        turn.profile.kept.append(kept)
        return
    why = f"{kept.journey!r} is paused and has missed {most} inputs; this one is not kept"
    turn.effects.facts.append(LimitReached(turn.at, turn.person, "kept_inputs_max", why))


def keep_timer(turn: Turn, timer: Timer) -> None:
    """A timer of a run fell due."""
    turn.profile.kept.append(Kept(timer.due, timer.journey, "timer", timer=timer))


def keep_claim(turn: Turn, run: Run, key: str) -> None:
    """A delivery was about to leave; it is kept once, however often a dispatcher comes for it."""
    kept = turn.profile.kept
    if not any(each.kind == "claim" and each.key == key for each in kept):
        kept.append(Kept(turn.at, run.journey, "claim", run=run.number, key=key))
