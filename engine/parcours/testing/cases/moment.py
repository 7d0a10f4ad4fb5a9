"""Moments in a test: `+2h` after its start, or a time with a zone."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Final, TypeAlias

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

from parcours.expression.duration import format_duration, parse_duration
from parcours.instants import MILLISECOND, floor_ms

_WRITTEN: Final = "a moment is written +20s or +1d12h after the start, or 2026-03-02T09:00:00Z"


def parse_instant(text: str) -> datetime:
    """A time with a zone. Raises ValueError for anything else."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(_WRITTEN) from None
    if moment.tzinfo is None:
        raise ValueError("a time needs its zone, as in 2026-03-02T09:00:00Z")
    return moment


def _read_instant(value: object) -> object:
    return parse_instant(value) if isinstance(value, str) else value


Instant: TypeAlias = Annotated[
    datetime,
    BeforeValidator(_read_instant),
    WithJsonSchema({"type": "string", "format": "date-time", "examples": ["2026-03-02T09:00:00Z"]}),
]
"""A time with its zone."""


def _read(value: object) -> object:
    if isinstance(value, datetime):
        return value
    if isinstance(value, timedelta):
        return value // MILLISECOND
    if not isinstance(value, str):
        raise ValueError(_WRITTEN)
    if value.startswith("+"):
        return parse_duration(value[1:])
    return parse_instant(value)


def _write(value: int | datetime) -> str:
    return value.isoformat() if isinstance(value, datetime) else f"+{format_duration(value)}"


Moment: TypeAlias = Annotated[
    int | datetime,
    BeforeValidator(_read),
    PlainSerializer(_write, str),
    WithJsonSchema({"type": "string", "examples": ["+0s", "+1d12h", "2026-03-02T09:00:00Z"]}),
]
"""Milliseconds after the start of the test, or a time; in Python a timedelta or a datetime is taken too."""


def at_ms(moment: int | datetime, start_ms: int) -> int:
    """The moment in milliseconds since the epoch."""
    return floor_ms(moment) if isinstance(moment, datetime) else start_ms + moment


def since(at: int, start_ms: int) -> str:
    """A time as a test writes it: `+1d2h`, or `-5s` for one before the start."""
    return format_duration(at - start_ms) if at < start_ms else f"+{format_duration(at - start_ms)}"
