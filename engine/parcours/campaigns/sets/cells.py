"""Which value has a cell of a table, by the kind of its column?

    string      a text as it is
    integer     a whole number of 64 bits; 3.0 is 3
    number      a finite number
    decimal(N)  a number that has N decimals at most, zeros at the end aside: nothing is rounded
    boolean     true and false, 1 and 0
    timestamp   ISO 8601; without a zone it is in UTC
    date        ISO 8601; of a date with a time the date alone

An empty text is no value, whatever the kind. Of all kinds but `string`, a text may have blanks around it, and upper and
lower case are the same. A number, boolean or null may also come as such, as JSON and Parquet have them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Context, Decimal
from math import isfinite, isnan
from typing import Final, TypeAlias

Value: TypeAlias = str | int | float | Decimal | bool | datetime | date


class Unfit(Exception):
    """A cell does not fit the kind of its column."""


Parse: TypeAlias = Callable[[object], Value | None]
"""The value of a cell, None for one that has none. Raises Unfit."""

INTEGER_DIGITS_MAX: Final = 19
"""Of a number with 64 bits."""

DECIMAL_DIGITS_MAX: Final = 38
"""Of a decimal as columns hold it, before and after the point."""

_INTEGER_MIN, _INTEGER_MAX = -(2**63), 2**63 - 1
_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,9})?")
_BOOLEANS: Final[Mapping[str, bool]] = {"true": True, "false": False, "1": True, "0": False}
_EXACTLY: Final = Context(prec=2 * DECIMAL_DIGITS_MAX)


def decimals_of(kind: str) -> int | None:
    """How many decimals a kind has, such as `decimal(2)`; None if it is another kind."""
    return int(kind[len("decimal(") : -1]) if kind.startswith("decimal(") else None


def parser(kind: str) -> Parse:
    """What makes values of the cells of a column."""
    decimals = decimals_of(kind)
    of_kind = _OF_KIND[kind] if decimals is None else lambda cell: _decimal(cell, decimals)

    def parse(cell: object) -> Value | None:
        if isinstance(cell, str) and kind != "string":
            cell = cell.strip()
        elif isinstance(cell, float) and isnan(cell):
            return None
        return None if cell is None or cell == "" else of_kind(cell)

    return parse


def _string(cell: object) -> str:
    if not isinstance(cell, str):
        raise Unfit
    return cell


def _exact(cell: object) -> Decimal:
    """The number that a cell is or spells."""
    if isinstance(cell, str) and _NUMBER.fullmatch(cell):
        return Decimal(cell)
    if isinstance(cell, int | Decimal) and not isinstance(cell, bool):
        number = Decimal(cell)
    elif isinstance(cell, float):
        number = Decimal(repr(cell))
    else:
        raise Unfit
    if not number.is_finite():
        raise Unfit
    return number


def _integer(cell: object) -> int:
    number = _exact(cell)
    if number and number.adjusted() >= INTEGER_DIGITS_MAX:  # 1e999999999 would take all memory as an integer
        raise Unfit
    if number != number.to_integral_value() or not _INTEGER_MIN <= int(number) <= _INTEGER_MAX:
        raise Unfit
    return int(number)


def _number(cell: object) -> float:
    number = cell if isinstance(cell, float) else float(_exact(cell))
    if not isfinite(number):
        raise Unfit
    return number


def _decimal(cell: object, decimals: int) -> Decimal:
    number = _exact(cell)
    if number and number.adjusted() + decimals >= DECIMAL_DIGITS_MAX:
        raise Unfit
    rounded = number.quantize(Decimal(1).scaleb(-decimals), context=_EXACTLY) if number else Decimal(0)
    if rounded != number:
        raise Unfit
    return rounded


def _boolean(cell: object) -> bool:
    if isinstance(cell, bool):
        return cell
    if isinstance(cell, str) and (known := _BOOLEANS.get(cell.lower())) is not None:
        return known
    raise Unfit


def _timestamp(cell: object) -> datetime:
    moment = _moment(cell)
    try:
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except OverflowError as error:
        raise Unfit from error


def _date(cell: object) -> date:
    return _moment(cell).date()


def _moment(cell: object) -> datetime:
    if not isinstance(cell, str):
        raise Unfit
    try:
        return datetime.fromisoformat(cell)
    except ValueError as error:
        raise Unfit from error


_OF_KIND: Final[Mapping[str, Callable[[object], Value]]] = {
    "string": _string,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "timestamp": _timestamp,
    "date": _date,
}
