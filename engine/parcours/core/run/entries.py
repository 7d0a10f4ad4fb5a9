"""Entry into a journey: its checks in order, and the start of the run.

paused -> dates -> condition -> exit audience -> open run -> re-entry. An unmet condition is recorded as a fact of its
own; the other refusals are recorded as moves of the journey, without a run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from parcours.core.archive import last_end, unfinished
from parcours.core.fact import LimitReached, Moved, Unmet
from parcours.core.input import ReadReached
from parcours.core.occasion import Occasion
from parcours.core.paths import keep
from parcours.core.profile import Run, Timer
from parcours.core.read_mark import ReadMark
from parcours.core.run.walk import go_to
from parcours.core.turn import Turn, correlation_key
from parcours.expression.expression import Scope
from parcours.journey.listening import entry_triggers
from parcours.journey.program import AudienceTrigger, Journey, Program, Trigger


def enter(turn: Turn, occasion: Occasion) -> None:
    """Enter the journeys whose entry the occasion triggers, unless some check objects."""
    scope = None
    for journey in _entered_by(turn.program, occasion):
        entry = journey.entry
        if isinstance(entry, AudienceTrigger):
            _try_to_enter(turn, journey, entry.name, turn.scope())
            continue
        if scope is None or scope.profile is not turn.profile.traits:
            scope = turn.scope(occasion.properties)
            scope.found = {}
        names = occasion.names
        _try_to_enter(turn, journey, [each for each in entry_triggers(journey) if each.event in names], scope)


def _entered_by(program: Program, occasion: Occasion) -> Sequence[Journey]:
    """The journeys that the occasion may start, in the order in which they react."""
    by_cause, causes = program.entered_by, (occasion.names, occasion.changes)
    found = [by_cause[cause] for each in causes for cause in each if cause in by_cause]
    if len(found) < 2:
        return found[0] if found else ()
    names = {journey.name for journeys in found for journey in journeys}
    return [journey for journey in program.journeys if journey.name in names]


def enter_later(turn: Turn, given: ReadReached) -> None:
    """Enter the journey at the time that the read of its audience gave her."""
    profile = turn.profile
    profile.sequence += 1
    profile.timers.append(Timer(max(given.enter_at, turn.at), profile.sequence, "read", given.journey))
    if given.read_at is not None:
        mark = next((mark for mark in profile.reads if mark.at == given.read_at), ReadMark(given.read_at, ()))
        others = [each for each in profile.reads if each.at != mark.at]
        profile.reads = [*others, ReadMark(mark.at, mark.inside, (*mark.entered, given.journey))]


def enter_by_read(turn: Turn, journey: Journey) -> None:
    """Enter the journey because its audience was read."""
    _try_to_enter(turn, journey, "read", turn.scope())


def _try_to_enter(turn: Turn, journey: Journey, why: str | list[Trigger], scope: Scope) -> None:
    """Pause, dates, condition, exit audience, open run, re-entry: the first that objects decides.

    why    the cause, or the triggers that the event goes by, of which the first whose condition holds starts the run
    scope  of the event, or of none
    """
    if turn.is_paused(journey.name):
        return refuse(turn, journey, "paused")
    if not _within_dates(turn, journey):
        return refuse(turn, journey, "outside_dates")
    if isinstance(why, list):
        met = _first_met(why, scope)
        if met is None:
            return _tell_unmet(turn, journey, why, scope)
        why = met.name
    if in_exit_audience(turn, journey):
        return refuse(turn, journey, "exit_audience")
    correlation = correlation_key(journey.correlation.value(scope)) if journey.correlation else None
    return _enter(turn, journey, correlation, why, scope.event)


def _first_met(triggers: Sequence[Trigger], scope: Scope) -> Trigger | None:
    for each in triggers:
        if each.when is None or each.when.holds(scope):
            return each
    return None


def _tell_unmet(turn: Turn, journey: Journey, triggers: Sequence[Trigger], scope: Scope) -> None:
    for each in triggers:
        if each.when is not None:
            unmet = each.when.unmet(scope)
            turn.effects.facts.append(Unmet(turn.at, turn.person, journey.name, journey.version, each.name, unmet))


def in_exit_audience(turn: Turn, journey: Journey) -> bool:
    """Whether the person is in an audience that ends runs by being entered: she cannot enter it any more."""
    audiences = turn.profile.audiences
    return bool(audiences) and any(
        isinstance(trigger, AudienceTrigger) and trigger.change == "entered" and audiences.get(trigger.audience, False)
        for trigger in journey.exits
    )


def _within_dates(turn: Turn, journey: Journey) -> bool:
    return (journey.starts_ms is None or journey.starts_ms <= turn.at) and (
        journey.ends_ms is None or turn.at < journey.ends_ms
    )


def _enter(turn: Turn, journey: Journey, correlation: str | None, why: str, properties: Mapping[str, object]) -> None:
    profile = turn.profile
    if any(run.journey == journey.name and run.correlation == correlation for run in profile.runs):
        return refuse(turn, journey, "already_in")
    if _too_soon(turn, journey, correlation):
        return refuse(turn, journey, "too_soon")
    if unfinished(turn) >= turn.settings.open_runs_max:
        return tell_limit(turn, journey)
    number = profile.counts.get(journey.name, 0) + 1
    profile.counts[journey.name] = number
    run = Run(
        journey=journey.name,
        version=journey.version,
        number=number,
        correlation=correlation,
        entered_at=turn.at,
        entry=keep(properties, journey.entry_paths),
        event=keep(properties, journey.event_paths),
    )
    profile.runs.append(run)
    turn.record(run, "entered", why)
    return go_to(turn, journey, run, journey.first)


def tell_limit(turn: Turn, journey: Journey) -> None:
    """Record that the person did not enter because of runs that are not over."""
    most = turn.settings.open_runs_max
    besides = "" if len(turn.profile.runs) >= most else ", or with a delivery under way"
    why = f"{journey.name!r} was not entered, with {most} runs open{besides}"
    turn.effects.facts.append(LimitReached(turn.at, turn.person, "open_runs_max", why))


def _too_soon(turn: Turn, journey: Journey, correlation: str | None) -> bool:
    """Whether the last run of this key ended within the re-entry pause, or there was one and re-entry is `never`."""
    pause_ms = journey.reentry_after_ms
    if pause_ms == 0:
        return False
    ended_at = last_end(turn, journey.name, correlation)
    if ended_at is None or pause_ms is None:
        return ended_at is not None
    return turn.at < ended_at + pause_ms and turn.gates_at <= ended_at + turn.settings.run_memory_ms


def refuse(turn: Turn, journey: Journey, why: str) -> None:
    """Record that the person did not enter, and why."""
    turn.effects.facts.append(
        Moved(turn.at, turn.person, journey.name, journey.version, None, None, "not_entered", why)
    )
