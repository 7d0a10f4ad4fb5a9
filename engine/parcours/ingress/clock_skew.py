"""When did an event happen, by a clock that can be believed?

A client says when it happened and when it sent it, both by its own clock, which may be wrong by any amount. The time
between the two is right, and the door knows when it came. Nothing has happened later than it came.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from parcours.config import DAY_MS
from parcours.instants import EPOCH

BACK_MAX_MS: Final = 400 * DAY_MS
"""How far back a correction may lead. A clock that has just begun anew, in 1970, would tell of decades."""

TEXT_MAX: Final = 64
"""Characters of a time; with a zone and all digits of a second there are fewer."""


def meant_ms(original_ms: int, sent_ms: int | None, received_ms: int) -> int:
    """When an event happened, in ms since 1970.

    original_ms, sent_ms  when it happened and was sent, by the client's clock; None if it does not say
    """
    if sent_ms is not None:
        meant = received_ms - (sent_ms - original_ms)
        if meant >= received_ms - BACK_MAX_MS:
            return min(meant, received_ms)
    return min(original_ms, received_ms)


def time_of(text: str) -> datetime | None:
    """The time that a text in ISO 8601 tells, by UTC where it names no zone; None for what is none."""
    if len(text) > TEXT_MAX:
        return None
    try:
        moment = datetime.fromisoformat(text.strip().upper())
    except ValueError:
        return None
    return zoned(moment)


def zoned(moment: datetime) -> datetime:
    """The time with a zone: UTC where it names none."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def cut_ms(moment: datetime) -> int:
    """The time in ms since 1970, finer parts cut off."""
    since = moment - EPOCH  # `floor_ms`, written out: each event that comes by HTTP comes through here
    return since.days * DAY_MS + since.seconds * 1_000 + since.microseconds // 1_000
