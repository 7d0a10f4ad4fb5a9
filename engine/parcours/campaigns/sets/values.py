"""Values by which sets are compared and ordered, as DuckDB compares them: one struct for every kind.

    k  the kind, in the order of `KINDS`
    n  of a number the double next to it
    r  what that leaves of a whole number; of a timestamp or duration its microseconds, of a boolean 0 or 1
    t  of a text the text; of a list or object JSON that is the same for equal ones

Of one kind, structs are equal and in order as values are: DuckDB alone takes the whole number 9007199254740993 for
the double 9007199254740992.0. A missing value is null, and so is one that is no number. Decimals count by the double
next to them.
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

VALUE: Final = pa.struct([("k", pa.int8()), ("n", pa.float64()), ("r", pa.int64()), ("t", pa.string())])

_MICROSECOND: Final = timedelta(microseconds=1)

Key: TypeAlias = tuple[int, float, int, str]


def value_column(values: Iterable[object]) -> Any:
    """The values as an Arrow array of structs; None is missing. Raises TypeError for what no expression gives."""
    keys = [value_key(value) for value in values]
    return pa.array(
        [None if key is None else dict(zip("knrt", key, strict=True)) for key in keys],
        VALUE,
    )


def value_key(value: object) -> Key | None:
    """One value as (k, n, r, t)."""
    match value:
        case None:
            return None
        case bool():
            return KINDS.index("boolean"), 0.0, int(value), ""
        case int() | float() | Decimal():
            return _number(value)
        case str():
            return KINDS.index("string"), 0.0, 0, value
        case datetime():
            return KINDS.index("timestamp"), 0.0, (value - EPOCH) // _MICROSECOND, ""
        case timedelta():
            return KINDS.index("duration"), 0.0, value // _MICROSECOND, ""
        case list() | tuple():
            return KINDS.index("list"), 0.0, 0, _canonical(value)
        case Mapping():
            return KINDS.index("object"), 0.0, 0, _canonical(value)
        case _:
            raise TypeError(f"a value of the kind {type(value).__name__} is compared with nothing")


def _number(value: float | Decimal) -> Key | None:
    number = float(value)
    if math.isnan(number):
        return None
    rest = value - int(number) if isinstance(value, int) else 0
    return KINDS.index("number"), number + 0.0, rest, ""  # -0.0 + 0.0 is 0.0


def _canonical(value: object) -> str:
    return json.dumps(_plain(value), ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _plain(value: object) -> object:
    """What JSON writes, so that equal values are the same text: 3.0 is 3."""
    match value:
        case Mapping():
            return {str(name): _plain(each) for name, each in value.items()}
        case list() | tuple():
            return [_plain(each) for each in value]
        case float() if value.is_integer():
            return int(value)
        case datetime() | timedelta() | Decimal():
            return str(value)
        case _:
            return value
