"""The texts for durations and times of day: lengths as `30s`, `3d` or `1d12h`, times as "09:00", days as `mon`."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Final, Literal, TypeAlias

from pydantic import AfterValidator, BeforeValidator, PlainSerializer, WithJsonSchema

UNITS_MS: Final = {"w": 604_800_000, "d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1_000, "ms": 1}

DURATION_MAX_MS: Final = 10 * 365 * UNITS_MS["d"]
"""Ten years: longer than any journey, and far from where timestamps end."""

_PART: Final = re.compile(r"([0-9]+)(ms|w|d|h|m|s)")
_PATTERN: Final = r"([0-9]+(ms|w|d|h|m|s))+"


def parse_duration(text: str) -> int:
    """The milliseconds of a text such as `1d12h`. Raises ValueError for anything else."""
    if not re.fullmatch(_PATTERN, text):
        raise ValueError("a duration is written like 30s, 20m, 5h, 3d, 2w or 1d12h")
    parts = _PART.findall(text)
    if len({unit for _, unit in parts}) < len(parts):
        raise ValueError("a duration names each unit once")
    total_ms = sum(int(number) * UNITS_MS[unit] for number, unit in parts)
    if total_ms > DURATION_MAX_MS:
        raise ValueError("a duration is ten years at most")
    return total_ms


def format_duration(duration_ms: int) -> str:
    """The shortest text that `parse_duration` reads back as the same; a minus sign in front if negative."""
    rest, parts = abs(duration_ms), list[str]()
    for unit, unit_ms in UNITS_MS.items():
        count, rest = divmod(rest, unit_ms)
        if count:
            parts.append(f"{count}{unit}")
    return ("-" if duration_ms < 0 else "") + ("".join(parts) or "0s")


def _read(value: object) -> int:
    if isinstance(value, timedelta):
        return value // timedelta(milliseconds=1)
    if not isinstance(value, str):
        raise ValueError("a duration is a text with a unit, such as 30s or 3d")
    return parse_duration(value)


def _read_offset(value: object) -> int:
    if isinstance(value, str) and value[:1] in ("-", "+"):
        return parse_duration(value[1:]) * (-1 if value[0] == "-" else 1)
    return _read(value)


Duration: TypeAlias = Annotated[
    int,
    BeforeValidator(_read, str),
    PlainSerializer(format_duration, str),
    WithJsonSchema({"type": "string", "pattern": f"^{_PATTERN}$", "examples": ["20s", "3d", "1d12h"]}),
]
"""Milliseconds, written as text in documents; in Python a timedelta is taken too."""

Offset: TypeAlias = Annotated[
    int,
    BeforeValidator(_read_offset, str),
    PlainSerializer(format_duration, str),
    WithJsonSchema({"type": "string", "pattern": f"^[+-]?{_PATTERN}$", "examples": ["-3d"]}),
]
"""A duration that may be negative."""


def _positive(duration_ms: int) -> int:
    if duration_ms == 0:
        raise ValueError("a duration that is longer than nothing is expected")
    return duration_ms


PositiveDuration: TypeAlias = Annotated[Duration, AfterValidator(_positive)]

Weekday: TypeAlias = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: Final[tuple[Weekday, ...]] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def _some(days: tuple[Weekday, ...]) -> tuple[Weekday, ...]:
    if not days or len(set(days)) < len(days):
        raise ValueError("days names at least one day, and each once")
    return days


Weekdays: TypeAlias = Annotated[tuple[Weekday, ...], AfterValidator(_some)]

_TIME: Final = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")


def _time_of_day(value: str) -> str:
    if not _TIME.fullmatch(value):
        raise ValueError('a time of day is written "09:00", in quotes')
    return value


TimeOfDay: TypeAlias = Annotated[
    str, AfterValidator(_time_of_day), WithJsonSchema({"type": "string", "pattern": f"^({_TIME.pattern})$"})
]

END_OF_DAY: Final = "24:00"


def _end_time(value: str) -> str:
    return value if value == END_OF_DAY else _time_of_day(value)


EndTime: TypeAlias = Annotated[
    str,
    AfterValidator(_end_time),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": f"^({_TIME.pattern}|{END_OF_DAY})$",
            "description": f"A time of day, {END_OF_DAY} for the end of the day",
        }
    ),
]
"""A time of day up to which something lasts; 24:00 is the midnight that ends the day."""


def minute_of(time: str) -> int:
    """Minutes after midnight of a time of day, 1,440 for its end."""
    hours, minutes = time.split(":")
    return int(hours) * 60 + int(minutes)
