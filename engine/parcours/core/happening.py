"""An event of a person, or the passing of time: what is remembered of it, and then its phases (phases.py)."""

from __future__ import annotations

from parcours.core.audiences import lacks_an_answer, look_after, look_again
from parcours.core.delivery import inbox
from parcours.core.delivery.marking import note_conversions
from parcours.core.input import EventHappened
from parcours.core.occasion import Occasion, names_of
from parcours.core.profile import is_unknown
from parcours.core.run.kept_scores import renew_with, set_timers
from parcours.core.run.phases import go_through
from parcours.core.scored import tell_came_true
from parcours.core.series import remember
from parcours.core.turn import Turn
from parcours.core.whereabouts import take_positions, tell_place
from parcours.journey.program import AudienceTrigger


def take_event(turn: Turn, given: EventHappened) -> None:
    """Apply an event: histories first, then audiences, then the phases for the event and its audience changes."""
    if turn.program.events.keys().isdisjoint(given.names):
        return  # it has no declared type and meets no rule
    timestamp = turn.at if given.timestamp is None else given.timestamp
    has_audiences = bool(turn.program.audiences)
    unknown = has_audiences and is_unknown(turn.profile)
    asked = [series for name in given.names for series in turn.program.series.get(name, ())]
    lost = [series for series in asked if remember(turn, series, timestamp, given.properties)]
    if turn.program.places:
        take_positions(turn, given.names, given.properties, timestamp)
    # An event changes audiences by a history, by a score that is kept as a trait, by making the person known, or by
    # coming at the instant of a change by time. Those that a publication could not fill are filled with any.
    renewed = bool(turn.program.renewed_by) and renew_with(turn, given.names)
    changes: tuple[AudienceTrigger, ...] = ()
    if has_audiences and (unknown or renewed or lost or time_turns_now(turn)):
        changes = look_again(turn, unknown=unknown)
    elif has_audiences and (asked or lacks_an_answer(turn)):
        changes = look_after(turn, given.names)
    if turn.program.predicting:
        tell_came_true(turn, given.names, given.properties)
    if turn.profile.inbox:
        inbox.take_back_by(turn, given.names, given.properties)
    if turn.profile.offers is not None:
        note_conversions(turn, given.names, given.properties)
    go_through(turn, Occasion(given.names, given.properties, changes))
    set_timers(turn)


def enter_or_leave(turn: Turn) -> None:
    """Tell that she has entered a place, or left one: an event of this instant."""
    told = tell_place(turn)
    if told is None:
        return let_time_turn(turn)
    return _take_own_event(turn, *told)


def follow_marks(turn: Turn) -> None:
    """Let what became of her offers by this input happen, in order. What that brings about comes last.

    It ends, for each proposition has each mark once.
    """
    while turn.happened:
        (name, properties), *others = turn.happened
        turn.happened = tuple(others)
        _take_own_event(turn, name, properties)


def _take_own_event(turn: Turn, name: str, properties: dict[str, object]) -> None:
    """Apply an event that nobody has sent, under its name and those of the rule-based types that it meets."""
    names = names_of(name, properties, turn.at, turn.program)
    take_event(turn, EventHappened(turn.at, names, properties))


def time_turns_now(turn: Turn) -> bool:
    """Whether an audience timer is due at this very instant: its change then belongs to the phases of this input."""
    if not turn.program.audiences:
        return False
    return any(timer.kind == "audience" and timer.due <= turn.at for timer in turn.profile.timers)


def let_time_turn(turn: Turn) -> None:
    """Let an input that does nothing else be the one that takes along the changes that time brings at its instant."""
    if time_turns_now(turn):
        follow_audiences(turn, unknown=False)


def follow_audiences(turn: Turn, *, unknown: bool) -> None:
    """Compare audiences after a change of the person, and go through the phases for those she entered or left."""
    changes = look_again(turn, unknown=unknown) if turn.program.audiences else ()
    if changes:
        go_through(turn, Occasion(changes=changes))
