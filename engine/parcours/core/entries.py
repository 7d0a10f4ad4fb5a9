"""Who enters a journey? The checks of an entry, in order, and the entry itself.

dates -> condition -> open run -> re-entry. An unmet condition is kept for whoever asks why; the
other refusals are moves of the journey, with no run.
"""

from __future__ import annotations

from parcours.core.fact import Moved, Unmet
from parcours.core.paths import keep
from parcours.core.profile import Run
from parcours.core.turn import Turn, correlation_key
from parcours.core.walk import go_to
from parcours.journey.program import Journey, Trigger


def enter_by_event(turn: Turn, journey: Journey, names: tuple[str, ...], properties: dict[str, object]) -> None:
    """Enter the journey if one of the event's names starts it and nothing objects."""
    entry = journey.entry
    if not isinstance(entry, Trigger) or entry.event not in names:
        return None
    if not _within_dates(turn, journey):
        return _refuse(turn, journey, "outside_dates")
    scope = turn.event_scope(properties)
    if entry.when is not None and not entry.when.holds(scope):
        turn.effects.facts.append(
            Unmet(turn.at, turn.person, journey.name, journey.version, entry.event, entry.when.unmet(scope))
        )
        return None
    correlation = correlation_key(journey.correlation.value(scope)) if journey.correlation else None
    return _enter(turn, journey, correlation, entry.event, properties)


def enter_by_read(turn: Turn, journey: Journey) -> None:
    """Enter the journey because its audience was read."""
    if not _within_dates(turn, journey):
        return _refuse(turn, journey, "outside_dates")
    return _enter(turn, journey, None, "read", {})


def _within_dates(turn: Turn, journey: Journey) -> bool:
    return (journey.starts_ms is None or journey.starts_ms <= turn.at) and (
        journey.ends_ms is None or turn.at < journey.ends_ms
    )


def _enter(turn: Turn, journey: Journey, correlation: str | None, why: str, properties: dict[str, object]) -> None:
    profile = turn.profile
    if any(run.journey == journey.name and run.correlation == correlation for run in profile.runs):
        return _refuse(turn, journey, "already_in")
    if _too_soon(turn, journey, correlation):
        return _refuse(turn, journey, "too_soon")
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


def _too_soon(turn: Turn, journey: Journey, correlation: str | None) -> bool:
    """Whether the last run of the same key ended too recently; with no re-entry at all, whether there was one."""
    ended = [
        run.ended_at
        for run in turn.profile.past
        if run.journey == journey.name and run.correlation == correlation and run.ended_at is not None
    ]
    if not ended:
        return False
    return journey.reentry_after_ms is None or turn.at < max(ended) + journey.reentry_after_ms


def _refuse(turn: Turn, journey: Journey, why: str) -> None:
    turn.effects.facts.append(
        Moved(turn.at, turn.person, journey.name, journey.version, None, None, "not_entered", why)
    )
