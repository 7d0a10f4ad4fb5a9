"""Which functions can an expression call? Two tables: by name alone, and as a method of their first argument.

Every function takes values that may be of any kind or missing, and answers MISSING rather than raise.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from string import ascii_lowercase, ascii_uppercase
from typing import Final, TypeAlias
from zoneinfo import ZoneInfoNotFoundError

import re2

from parcours.journey.operators import bounded
from parcours.journey.values import MISSING, is_number, to_iso, to_timestamp
from parcours.journey.zones import zone

Function: TypeAlias = Callable[..., object]

_DURATION_PART: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|us|w|d|h|m|s)")
_SECONDS: Final = {"w": 604_800.0, "d": 86_400.0, "h": 3_600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6}

_ASCII_LOWER: Final = str.maketrans(ascii_uppercase, ascii_lowercase)
_ASCII_UPPER: Final = str.maketrans(ascii_lowercase, ascii_uppercase)


def pattern(text: str) -> re2._Regexp[str]:
    """A compiled RE2 pattern. Raises re2.error where the text is none."""
    options = re2.Options()
    options.log_errors = False
    return re2.compile(text, options)


def matches(text: object, expression: object) -> object:
    """Whether RE2 finds the pattern anywhere in the text."""
    if not isinstance(text, str) or not isinstance(expression, str):
        return MISSING
    try:
        return pattern(expression).search(text) is not None
    except (re2.error, UnicodeError):
        return MISSING


def to_duration(value: object) -> object:
    """Text such as `90m`, `1.5h`, `1d12h` or `-30s` as a duration."""
    if isinstance(value, timedelta):
        return value
    if not isinstance(value, str):
        return MISSING
    digits = value.removeprefix("-")
    parts = _DURATION_PART.findall(digits)
    if not parts or "".join(number + unit for number, unit in parts) != digits:
        return MISSING
    try:
        total = timedelta(seconds=sum(float(number) * _SECONDS[unit] for number, unit in parts))
        return -total if value.startswith("-") else total
    except OverflowError:
        return MISSING


def size(value: object) -> object:
    """The number of characters, elements or keys."""
    return len(value) if isinstance(value, str | list | dict) else MISSING


def to_integer(value: object) -> object:
    """A number cut to an integer, a whole number written as text, or a timestamp as seconds since 1970."""
    try:
        if isinstance(value, datetime):
            return int(value.timestamp() // 1)
        if is_number(value) or isinstance(value, str):
            return bounded(int(value))  # type: ignore[call-overload]  # a number or text, as just checked
    except (ValueError, OverflowError):
        return MISSING
    return MISSING


def to_double(value: object) -> object:
    """A number, or one written as text, as a double."""
    if not (is_number(value) or isinstance(value, str)):
        return MISSING
    try:
        return bounded(float(value))  # type: ignore[arg-type]  # a number or text, as just checked
    except (ValueError, OverflowError):
        return MISSING


def to_text(value: object) -> object:
    """Text for a scalar: `true`, `42`, a timestamp in ISO 8601, a duration in seconds."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return to_iso(value)
    if isinstance(value, timedelta):
        return f"{value.total_seconds():g}s"
    return str(value) if isinstance(value, str) or is_number(value) else MISSING


def to_boolean(value: object) -> object:
    """A boolean, or the texts `true` and `false`."""
    if isinstance(value, bool):
        return value
    return {"true": True, "false": False}.get(value, MISSING) if isinstance(value, str) else MISSING


def _of_texts(decide: Callable[[str, str], object]) -> Function:
    def call(text: object, other: object) -> object:
        return decide(text, other) if isinstance(text, str) and isinstance(other, str) else MISSING

    return call


def _of_text(change: Callable[[str], str]) -> Function:
    def call(text: object) -> object:
        return change(text) if isinstance(text, str) else MISSING

    return call


def _getter(of_moment: Callable[[datetime], int], of_duration: Callable[[timedelta], int] | None = None) -> Function:
    def call(value: object, zone_name: object = "UTC") -> object:
        if isinstance(value, timedelta) and of_duration is not None:
            return of_duration(value)
        if not isinstance(value, datetime) or not isinstance(zone_name, str):
            return MISSING
        try:
            return of_moment(value.astimezone(zone(zone_name)))
        except (ZoneInfoNotFoundError, OverflowError):
            return MISSING

    return call


def _whole(unit: timedelta) -> Callable[[timedelta], int]:
    """How many whole units a duration holds, cut towards zero."""
    return lambda value: value // unit if value >= timedelta(0) else -(-value // unit)


FUNCTIONS: Final[Mapping[str, tuple[Function, int, int]]] = {
    "bool": (to_boolean, 1, 1),
    "double": (to_double, 1, 1),
    "duration": (to_duration, 1, 1),
    "int": (to_integer, 1, 1),
    "matches": (matches, 2, 2),
    "size": (size, 1, 1),
    "string": (to_text, 1, 1),
    "timestamp": (to_timestamp, 1, 1),
}
"""By name: the function, its fewest and its most arguments."""

METHODS: Final[Mapping[str, tuple[Function, int, int]]] = {
    "contains": (_of_texts(lambda text, part: part in text), 1, 1),
    "endsWith": (_of_texts(str.endswith), 1, 1),
    "lower": (_of_text(str.lower), 0, 0),
    "lowerAscii": (_of_text(lambda text: text.translate(_ASCII_LOWER)), 0, 0),
    "matches": (matches, 1, 1),
    "size": (size, 0, 0),
    "startsWith": (_of_texts(str.startswith), 1, 1),
    "trim": (_of_text(str.strip), 0, 0),
    "upper": (_of_text(str.upper), 0, 0),
    "upperAscii": (_of_text(lambda text: text.translate(_ASCII_UPPER)), 0, 0),
    "getDate": (_getter(lambda moment: moment.day), 0, 1),
    "getDayOfMonth": (_getter(lambda moment: moment.day - 1), 0, 1),
    "getDayOfWeek": (_getter(lambda moment: moment.isoweekday() % 7), 0, 1),
    "getDayOfYear": (_getter(lambda moment: moment.timetuple().tm_yday - 1), 0, 1),
    "getFullYear": (_getter(lambda moment: moment.year), 0, 1),
    "getHours": (_getter(lambda moment: moment.hour, _whole(timedelta(hours=1))), 0, 1),
    "getMilliseconds": (
        _getter(lambda moment: moment.microsecond // 1_000, _whole(timedelta(milliseconds=1))),
        0,
        1,
    ),
    "getMinutes": (_getter(lambda moment: moment.minute, _whole(timedelta(minutes=1))), 0, 1),
    "getMonth": (_getter(lambda moment: moment.month - 1), 0, 1),
    "getSeconds": (_getter(lambda moment: moment.second, _whole(timedelta(seconds=1))), 0, 1),
}
"""As a method: the function, and its fewest and most arguments after the value itself."""
