"""The operators of expressions, for two values of any kind: they never raise, and prefer "missing" to a guess."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final, TypeAlias

from parcours.expression.values import MISSING, NUMBERS, kind_of

INTEGER_MAX: Final = 2**63 - 1
INTEGER_MIN: Final = -(2**63)
"""Integers are 64 bits wide, as in CEL; what leaves that range is missing."""

NESTING_MAX: Final = 64
"""Levels into which equality looks; deeper data counts as different rather than exhausting the stack."""

BinaryFunction: TypeAlias = Callable[[object, object], object]
Compare: TypeAlias = Callable[[Any, Any], bool]

_ORDERED: Final = frozenset({"number", "string", "boolean", "timestamp", "duration"})


def equal(left: object, right: object, depth: int = 0) -> bool:
    """Whether two values are equal, looking into lists and objects. 1 equals 1.0, but not true."""
    kind = kind_of(left)
    if kind != kind_of(right) or kind == "missing" or depth > NESTING_MAX:
        return False
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(
            same(mine, theirs, depth + 1) for mine, theirs in zip(left, right, strict=True)
        )
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key], depth + 1) for key in left)
    return left == right


def same(left: object, right: object, depth: int) -> bool:
    """Equality inside a list or an object, where null equals null."""
    return (left is None and right is None) or equal(left, right, depth)


def unequal(left: object, right: object) -> bool:
    """Whether two values of one kind differ; false for missing values and for a mix of kinds."""
    return kind_of(left) == kind_of(right) != "missing" and not equal(left, right)


def contained(item: object, container: object) -> bool:
    """`in`: an element of a list, or a key of an object."""
    if isinstance(container, list):
        return any(equal(item, each) for each in container)
    return isinstance(container, dict) and type(item) is str and item in container


def _ordering(compare: Compare) -> Compare:
    def decide(left: object, right: object) -> bool:
        kind = kind_of(left)
        return kind in _ORDERED and kind == kind_of(right) and compare(left, right)

    return decide


COMPARISONS: Final[Mapping[str, Compare]] = {
    "==": equal,
    "!=": unequal,
    "<": _ordering(operator.lt),
    "<=": _ordering(operator.le),
    ">": _ordering(operator.gt),
    ">=": _ordering(operator.ge),
    "in": contained,
}

SCALAR_COMPARISONS: Final[Mapping[str, Compare]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
"""The comparisons for two values that are known to be of one scalar kind."""


def bounded(value: object) -> object:
    """A result of arithmetic, or MISSING where it exceeds 64 bits or is not a finite number."""
    if type(value) is int:
        return value if INTEGER_MIN <= value <= INTEGER_MAX else MISSING
    if type(value) is float:
        return value if math.isfinite(value) else MISSING
    return value


def _numeric(compute: Callable[[float, float], float]) -> BinaryFunction:
    def decide(left: object, right: object) -> object:
        if type(left) not in NUMBERS or type(right) not in NUMBERS:
            return MISSING
        try:
            value = compute(left, right)  # type: ignore[arg-type]  # both are numbers
        except (ArithmeticError, ValueError):
            return MISSING
        return value if type(value) is int and INTEGER_MIN <= value <= INTEGER_MAX else bounded(value)

    return decide


def _quotient(left: float, right: float) -> float:
    if isinstance(left, int) and isinstance(right, int):
        magnitude = abs(left) // abs(right)
        return magnitude if (left < 0) == (right < 0) else -magnitude
    return left / right


def _remainder(left: float, right: float) -> float:
    if isinstance(left, int) and isinstance(right, int):
        magnitude = abs(left) % abs(right)
        return -magnitude if left < 0 else magnitude
    return math.fmod(left, right)


_add_numbers: Final = _numeric(operator.add)
_subtract_numbers: Final = _numeric(operator.sub)
multiply: Final = _numeric(operator.mul)
divide_whole: Final = _numeric(_quotient)
divide_exactly: Final = _numeric(operator.truediv)
remainder: Final = _numeric(_remainder)


def add(left: object, right: object) -> object:
    """Numbers add; texts and lists join; a duration moves a timestamp or another duration."""
    if isinstance(left, str) and isinstance(right, str):
        return left + right
    if isinstance(left, list) and isinstance(right, list):
        return left + right
    try:
        if isinstance(left, datetime | timedelta) and isinstance(right, timedelta):
            return left + right
        if isinstance(left, timedelta) and isinstance(right, datetime):
            return right + left
    except OverflowError:
        return MISSING
    return _add_numbers(left, right)


def subtract(left: object, right: object) -> object:
    """Numbers subtract; two timestamps give a duration; a duration moves a timestamp back."""
    try:
        if isinstance(left, datetime) and isinstance(right, datetime):
            return left - right
        if isinstance(left, datetime | timedelta) and isinstance(right, timedelta):
            return left - right
    except OverflowError:
        return MISSING
    return _subtract_numbers(left, right)


def negate(value: object) -> object:
    """Minus a number or a duration."""
    if isinstance(value, timedelta):
        return subtract(timedelta(0), value)
    return _subtract_numbers(0, value)


ARITHMETIC: Final[Mapping[str, BinaryFunction]] = {
    "+": add,
    "-": subtract,
    "*": multiply,
    "/": divide_whole,
    "exact /": divide_exactly,
    "%": remainder,
}
"""The arithmetic operators by sign. Integers divide to an integer, unless one is declared a number (whose 81.0 may
come as 81).
"""


def index(container: object, key: object) -> object:
    """An element of a list by its number from 0, or of an object by its key."""
    value: object = MISSING
    if isinstance(container, list) and type(key) is int and 0 <= key < len(container):
        value = container[key]
    elif isinstance(container, dict) and type(key) is str:
        value = container.get(key, MISSING)
    return MISSING if value is None else value
