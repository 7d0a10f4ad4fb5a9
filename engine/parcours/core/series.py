"""Recording of event histories: an event adds its time and value to each series that it belongs to."""

from __future__ import annotations

from collections.abc import Mapping

from parcours.config import Settings
from parcours.core.fact import LimitReached
from parcours.core.paths import pick
from parcours.core.series_entries import SeriesEntries
from parcours.core.turn import Turn
from parcours.expression.definition_keys import plain
from parcours.journey.program import Series


def remember(turn: Turn, series: Series, timestamp: int, properties: Mapping[str, object]) -> bool:
    """Add an event to a series if it meets the series' condition, at its own timestamp unless that is in the future.

    Returns whether an entry is lost by that which some window may still hold.
    """
    if series.condition is not None and not series.condition.holds(turn.scope(properties)):
        return False
    value = 1.0 if series.property is None else pick(properties, series.property)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    entries = turn.profile.series.setdefault(series.key, SeriesEntries())
    entries.add(min(timestamp, turn.at), value)
    return _trim(turn, series, entries, turn.settings)


def _trim(turn: Turn, series: Series, entries: SeriesEntries, settings: Settings) -> bool:
    """Drop entries that no window reaches, but never the newest, and the oldest entry beyond the limit."""
    outside = len(entries)
    if series.window_ms is not None:
        outside = entries.until(_asked_from(turn) - series.window_ms)
    entries.drop(min(outside, len(entries) - 1))
    if len(entries) <= settings.series_entries_max:
        return False
    entries.drop(1)
    why = f"the oldest entry of {plain(series.event)!r} was dropped"
    turn.effects.facts.append(LimitReached(turn.at, turn.person, "series_entries_max", why))
    return True


def _asked_from(turn: Turn) -> int:
    """The earliest instant at which a condition may still be evaluated: a resume does so at the times of the pause."""
    paused = turn.program.paused
    if not paused:
        return turn.at
    return min([turn.at, *(paused[run.journey] for run in turn.profile.runs if run.journey in paused)])
