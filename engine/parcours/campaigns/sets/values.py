"""Values by which sets are compared and ordered, as DuckDB compares them: one struct for every kind.

    k  the kind, in the order of `KINDS`
    n  of a number the double next to it
    r  of a number that is no double, where it lies beside others next to the same one: below 0 if it is less than the
       double, above 0 if it is greater, and in the order of magnitude; of a timestamp or duration its microseconds, of
       a boolean 0 or 1
    t  of a number that is no double its digits, of a text the text; of a list or object a text that is the same for
       equal ones

Of one kind, structs are equal and in order as values are, whole numbers of any size, decimals and doubles together:
3 is 3.0 and `Decimal("3.0")`, while the double 0.1 is a bit more than `Decimal("0.1")`. DuckDB alone takes the whole
number 9007199254740993 for the double 9007199254740992.0. A missing value is null, and so is one that is no number.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final, TypeAlias

import pyarrow as pa

from parcours.instants import EPOCH

KINDS: Final = ("number", "string", "timestamp", "boolean", "duration", "list", "object")
"""Where as many values of a column are of one kind as of another, the column is of the first of them."""

FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    "number": ("n", "r", "t"),
    "string": ("t",),
    "timestamp": ("r",),
    "boolean": ("r",),
    "duration": ("r",),
    "list": ("t",),
    "object": ("t",),
}
"""In which fields values of a kind differ."""

VALUE: Final = pa.struct([("k", pa.int8()), ("n", pa.float64()), ("r", pa.int64()), ("t", pa.string())])

_NUMBER, _STRING, _TIMESTAMP, _BOOLEAN, _DURATION, _LIST, _OBJECT = range(len(KINDS))

_MICROSECOND: Final = timedelta(microseconds=1)

_BIAS: Final = 2**61
"""Above every order of magnitude that a decimal can have."""

_LACK: Final = str.maketrans("0123456789", "9876543210")

Key: TypeAlias = tuple[int, float, int, str]

_MISSING: Final[Key] = (-1, 0.0, 0, "")


def value_column(values: Iterable[object]) -> Any:
    """The values as an Arrow array of structs; None is missing. Raises TypeError for what no expression gives."""
    keys = [value_key(value) for value in values]
    fields = zip(*(_MISSING if key is None else key for key in keys), strict=True) if keys else [()] * len(VALUE)
    arrays = [pa.array(each, field.type) for each, field in zip(fields, VALUE, strict=True)]
    return pa.StructArray.from_arrays(arrays, fields=[*VALUE], mask=pa.array([key is None for key in keys], pa.bool_()))


def value_key(value: object) -> Key | None:
    """One value as (k, n, r, t)."""
    match value:
        case None:
            return None
        case bool():
            return _BOOLEAN, 0.0, int(value), ""
        case str():
            return _STRING, 0.0, 0, value
        case float():
            return None if math.isnan(value) else (_NUMBER, value + 0.0, 0, "")  # -0.0 + 0.0 is 0.0
        case int() | Decimal():
            return _exact(value)
        case datetime():
            return _TIMESTAMP, 0.0, (value - EPOCH) // _MICROSECOND, ""
        case timedelta():
            return _DURATION, 0.0, value // _MICROSECOND, ""
        case list() | tuple():
            return _LIST, 0.0, 0, _canonical(value)
        case Mapping():
            return _OBJECT, 0.0, 0, _canonical(value)
        case _:
            raise TypeError(f"a value of the kind {type(value).__name__} is compared with nothing")


def _exact(value: int | Decimal) -> Key | None:
    if isinstance(value, Decimal) and value.is_nan():
        return None
    try:
        number = float(value) + 0.0
    except OverflowError:  # of a whole number; a decimal that is too large becomes infinite by itself
        number = math.inf if value > 0 else -math.inf
    if number == value:
        return _NUMBER, number, 0, ""
    return _NUMBER, number, *_beside(Decimal(value), is_greater=value > number)


def _beside(value: Decimal, *, is_greater: bool) -> tuple[int, str]:
    """Where a number lies among others that are next to the same double and on the same side of it.

    All of them have one sign. A longer number is greater, and of equally long ones the one with greater digits; below
    zero it is the other way round, so there digits are told by what they lack to 9, and an end that follows on 9.
    """
    _, digits, _ = value.as_tuple()
    magnitude = value.adjusted()
    text = "".join(map(str, digits)).rstrip("0")
    if value < 0:
        magnitude, text = -magnitude, text.translate(_LACK) + ":"
    return magnitude + _BIAS if is_greater else magnitude - _BIAS, text


def _canonical(value: object) -> str:
    return json.dumps(_plain(value), ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _plain(value: object) -> object:
    """What JSON writes, so that equal values are the same text; whatever JSON has no word for is a text behind NUL."""
    match value:
        case Mapping():
            return {str(name): _plain(each) for name, each in value.items()}
        case list() | tuple():
            return [_plain(each) for each in value]
        case None | bool():
            return value
        case str():
            return f"\0{value}" if value.startswith("\0") else value
        case _:
            key = value_key(value)
            kind, number, rest, text = _MISSING if key is None else key
            return number if kind == _NUMBER and rest == 0 else f"\0{kind} {number} {rest} {text}"
