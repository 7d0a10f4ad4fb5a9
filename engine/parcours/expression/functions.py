"""The function library of expressions, in two tables: called by name, and called as a method of the first argument.

Every function takes values that may be of any kind or missing, and answers MISSING rather than raise.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from string import ascii_lowercase, ascii_uppercase
from typing import Final, NamedTuple, TypeAlias
from zoneinfo import ZoneInfoNotFoundError

import re2

from parcours.expression.operators import bounded
from parcours.expression.values import MISSING, is_number, to_json, to_timestamp
from parcours.expression.zones import zone
from parcours.instants import EPOCH

Function: TypeAlias = Callable[..., object]

_DURATION_PART: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|us|w|d|h|m|s)")
_SECONDS: Final = {"w": 604_800.0, "d": 86_400.0, "h": 3_600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6}

_ASCII_LOWER: Final = str.maketrans(ascii_uppercase, ascii_lowercase)
_ASCII_UPPER: Final = str.maketrans(ascii_lowercase, ascii_uppercase)


def pattern(text: str) -> re2._Regexp[str]:
    """A compiled RE2 pattern. Raises re2.error where the text is not one."""
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


def to_instant(value: object) -> object:
    """ISO 8601 text, or Unix seconds as a whole number, as a timestamp."""
    if type(value) is not int:
        return to_timestamp(value)
    try:
        return EPOCH + timedelta(seconds=value)
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
    if isinstance(value, datetime | timedelta):
        return to_json(value)
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


Kinds: TypeAlias = frozenset[str]

TEXT: Final[Kinds] = frozenset({"string"})
SIZED: Final[Kinds] = frozenset({"string", "list", "object"})
MOMENT: Final[Kinds] = frozenset({"timestamp"})
MOMENT_OR_LENGTH: Final[Kinds] = frozenset({"timestamp", "duration"})


class Signature(NamedTuple):
    """A function with its fewest and most arguments, and the kind of its value.

    takes  the kinds of each argument for which there may be a value, for a method those of the value itself first
    """

    function: Function
    fewest: int
    most: int
    kind: str
    takes: tuple[Kinds, ...]


FUNCTIONS: Final[Mapping[str, Signature]] = {
    "bool": Signature(to_boolean, 1, 1, "boolean", (frozenset({"boolean", "string"}),)),
    "double": Signature(to_double, 1, 1, "number", (frozenset({"number", "string"}),)),
    "duration": Signature(to_duration, 1, 1, "duration", (frozenset({"duration", "string"}),)),
    "int": Signature(to_integer, 1, 1, "number", (frozenset({"number", "string", "timestamp"}),)),
    "matches": Signature(matches, 2, 2, "boolean", (TEXT, TEXT)),
    "size": Signature(size, 1, 1, "number", (SIZED,)),
    "string": Signature(
        to_text, 1, 1, "string", (frozenset({"boolean", "number", "string", "timestamp", "duration"}),)
    ),
    "timestamp": Signature(to_instant, 1, 1, "timestamp", (frozenset({"number", "string", "timestamp"}),)),
}
"""The functions called by name."""

METHODS: Final[Mapping[str, Signature]] = {
    "contains": Signature(_of_texts(lambda text, part: part in text), 1, 1, "boolean", (TEXT, TEXT)),
    "endsWith": Signature(_of_texts(str.endswith), 1, 1, "boolean", (TEXT, TEXT)),
    "lower": Signature(_of_text(str.lower), 0, 0, "string", (TEXT,)),
    "lowerAscii": Signature(_of_text(lambda text: text.translate(_ASCII_LOWER)), 0, 0, "string", (TEXT,)),
    "matches": Signature(matches, 1, 1, "boolean", (TEXT, TEXT)),
    "size": Signature(size, 0, 0, "number", (SIZED,)),
    "startsWith": Signature(_of_texts(str.startswith), 1, 1, "boolean", (TEXT, TEXT)),
    "trim": Signature(_of_text(str.strip), 0, 0, "string", (TEXT,)),
    "upper": Signature(_of_text(str.upper), 0, 0, "string", (TEXT,)),
    "upperAscii": Signature(_of_text(lambda text: text.translate(_ASCII_UPPER)), 0, 0, "string", (TEXT,)),
    "getDate": Signature(_getter(lambda moment: moment.day), 0, 1, "number", (MOMENT, TEXT)),
    "getDayOfMonth": Signature(_getter(lambda moment: moment.day - 1), 0, 1, "number", (MOMENT, TEXT)),
    "getDayOfWeek": Signature(_getter(lambda moment: moment.isoweekday() % 7), 0, 1, "number", (MOMENT, TEXT)),
    "getDayOfYear": Signature(_getter(lambda moment: moment.timetuple().tm_yday - 1), 0, 1, "number", (MOMENT, TEXT)),
    "getFullYear": Signature(_getter(lambda moment: moment.year), 0, 1, "number", (MOMENT, TEXT)),
    "getHours": Signature(
        _getter(lambda moment: moment.hour, _whole(timedelta(hours=1))), 0, 1, "number", (MOMENT_OR_LENGTH,)
    ),
    "getMilliseconds": Signature(
        _getter(lambda moment: moment.microsecond // 1_000, _whole(timedelta(milliseconds=1))),
        0,
        1,
        "number",
        (MOMENT_OR_LENGTH,),
    ),
    "getMinutes": Signature(
        _getter(lambda moment: moment.minute, _whole(timedelta(minutes=1))), 0, 1, "number", (MOMENT_OR_LENGTH,)
    ),
    "getMonth": Signature(_getter(lambda moment: moment.month - 1), 0, 1, "number", (MOMENT, TEXT)),
    "getSeconds": Signature(
        _getter(lambda moment: moment.second, _whole(timedelta(seconds=1))), 0, 1, "number", (MOMENT_OR_LENGTH,)
    ),
}
"""The functions called as a method; their arguments come after the value itself."""
