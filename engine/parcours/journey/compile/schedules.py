"""When something is scheduled: instants and days of documents, and whether a schedule ever falls into its dates."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import islice
from typing import Final

from parcours.expression.expression import from_ms, to_json
from parcours.expression.zones import start_of_day_ms, zone
from parcours.instants import ceil_ms
from parcours.journey.model.recurrence import Recurrence
from parcours.journey.read.finding import Margin

INSTANTS_TRIED_MAX: Final = 20_000
"""Of a rule that began long before its dates; beyond it the check assumes that one falls inside."""


def instant_ms(moment: datetime, timezone: str) -> int:
    """The instant of a time in a document; one without a zone is in the project's."""
    return ceil_ms((moment if moment.tzinfo else moment.replace(tzinfo=zone(timezone))).astimezone(UTC))


def midnight_ms(day: date | None, days_later: int, timezone: str) -> int | None:
    """The beginning of that day, or of one that many days later."""
    return None if day is None else start_of_day_ms(day + timedelta(days=days_later), zone(timezone))


def check_schedule(
    at_ms: int, rule: str | None, starts_ms: int | None, ends_ms: int | None, timezone: str, never: str, margin: Margin
) -> None:
    """Note a schedule of which no instant lies within the dates, in the words of `never`."""

    def has_begun(at_ms: int) -> bool:
        return starts_ms is None or at_ms >= starts_ms

    key, first_ms = "at", at_ms if has_begun(at_ms) else None
    if rule is not None:
        instants = Recurrence(rule, at_ms, timezone).instants()
        tried = islice(instants, INSTANTS_TRIED_MAX)
        key, first_ms = "rule", next((each for each in tried if has_begun(each)), None)
        if first_ms is None and next(instants, None) is not None:
            return
    if first_ms is None and starts_ms is None:
        margin.error(f"this rule never comes true from {shown_instant(at_ms)} on", key, value=rule or "")
    elif first_ms is None or (ends_ms is not None and first_ms >= ends_ms):
        margin.error(never, key)


def shown_instant(at_ms: int) -> object:
    """The instant as an author reads it."""
    return to_json(from_ms(at_ms))
