"""Which type has a column that several sets have? The one that holds the values of all of them as they are.

Of equal types it is that one. Whole numbers and decimals become decimals with the most places, whole numbers and
doubles become doubles; an object has the fields of all, and a list what its elements become together. Nothing else can
be held by one column, and no value is rounded: what would be is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import reduce
from typing import Any, Final

import pyarrow as pa

from parcours.campaigns.sets.cells import DECIMAL_DIGITS_MAX
from parcours.errors import SetsRefused
from parcours.wording import quoted

WHOLE_MAX: Final = 2**53
"""Doubles hold each whole number up to it."""

_WORDS: Final[tuple[tuple[Callable[[Any], bool], str], ...]] = (
    (pa.types.is_int64, "integer"),
    (pa.types.is_float64, "number"),
    (pa.types.is_string, "string"),
    (pa.types.is_boolean, "boolean"),
    (pa.types.is_timestamp, "timestamp"),
    (pa.types.is_date, "date"),
    (pa.types.is_struct, "object"),
    (pa.types.is_list, "list"),
)


def united_names(names: Iterable[str]) -> tuple[str, ...]:
    """Each name once. Raises SetsRefused for two that only upper and lower case tell apart, which no file has."""
    found: dict[str, str] = {}
    for name in names:
        if (known := found.setdefault(name.casefold(), name)) != name:
            raise SetsRefused(
                f"upper and lower case do not tell columns apart, and the sets have {quoted(known)} and {quoted(name)}"
            )
    return tuple(found.values())


def united_type(name: str, types: Iterable[Any]) -> Any:
    """The Arrow type of a column with that name. Raises SetsRefused if none holds all values."""
    return reduce(lambda one, other: _united(name, one, other), types)


def _united(name: str, one: Any, other: Any) -> Any:
    if one == other:
        return one
    if pa.types.is_struct(one) and pa.types.is_struct(other):
        return _united_struct(name, fields_of(one), fields_of(other))
    if pa.types.is_list(one) and pa.types.is_list(other):
        return pa.list_(_united(name, one.value_type, other.value_type))
    if _is_exact(one) and _is_exact(other):
        return pa.decimal128(DECIMAL_DIGITS_MAX, max(_places(one), _places(other)))
    if {one, other} == {pa.int64(), pa.float64()}:
        return pa.float64()
    raise SetsRefused(
        f"the sets have the column {quoted(name)} as {_word(one)} and as {_word(other)}, and no column holds "
        "both as they are: give both the same type in tables.yaml, or one of them another name"
    )


def _united_struct(name: str, one: dict[str, Any], other: dict[str, Any]) -> Any:
    fields = {}
    for field in united_names((*one, *other)):
        types = [each[field] for each in (one, other) if field in each]
        fields[field] = united_type(f"{name}.{field}", types)
    return pa.struct(fields)


def fields_of(kind: Any) -> dict[str, Any]:
    """The types of an object's fields by their names."""
    return {field.name: field.type for field in kind}


def too_large(name: str, target: Any) -> str:
    """What is said, before the value, of one that the type it has together with others cannot hold as it is."""
    return f"the column {quoted(name)} has a value that is too large for {_word(target)}, which another set has there: "


def _is_exact(kind: Any) -> bool:
    return bool(pa.types.is_int64(kind) or pa.types.is_decimal128(kind))


def _places(kind: Any) -> int:
    return 0 if pa.types.is_int64(kind) else int(kind.scale)


def _word(kind: Any) -> str:
    """What an author calls a type."""
    if pa.types.is_decimal128(kind):
        return f"decimal({_places(kind)})"
    return next((word for is_kind, word in _WORDS if is_kind(kind)), str(kind))
