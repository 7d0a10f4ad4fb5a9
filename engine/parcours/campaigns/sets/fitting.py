"""The cells of a column as values of its declared kind, many at once: Arrow reads what is plainly written.

What it cannot read in the very sense of cells.py goes through that, cell by cell, and so do all cells beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from parcours.campaigns.sets.cells import DECIMAL_DIGITS_MAX, Unfit, Value, decimals_of, parser
from parcours.instants import EPOCH
from parcours.wording import shown_value

_TYPES: Final[Mapping[str, Any]] = {
    "string": pa.string(),
    "integer": pa.int64(),
    "number": pa.float64(),
    "boolean": pa.bool_(),
    "timestamp": pa.timestamp("us", tz="UTC"),
    "date": pa.date32(),
}

_PLAIN: Final[Mapping[str, str]] = {
    "integer": r"^-?[0-9]{1,18}$",
    "number": r"^-?[0-9]{1,15}(\.[0-9]{1,15})?$",
    "timestamp": r"^[12][0-9]{3}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{3}|\.[0-9]{6})?Z$",
    "date": r"^[12][0-9]{3}-[0-9]{2}-[0-9]{2}$",
}
"""Texts that mean to Arrow what they mean to cells.py, or that neither can read."""

_PER_DAY: Final[Mapping[str, int]] = {"s": 86_400, "ms": 86_400_000, "us": 86_400_000_000}
_FIRST_DAY, _LAST_DAY = ((day - EPOCH.date()).days for day in (date.min, date.max))


@dataclass(frozen=True, slots=True)
class Fitted:
    """The values of a column, and the places of those cells that did not fit, in rising order: they have none."""

    values: Any
    bad: tuple[int, ...] = ()


def arrow_type(kind: str) -> Any:
    """How a column of a declared kind is stored."""
    decimals = decimals_of(kind)
    return _TYPES[kind] if decimals is None else pa.decimal128(DECIMAL_DIGITS_MAX, decimals)


def fitted_texts(kind: str, texts: Any) -> Fitted:
    """The values of an Arrow array of texts."""
    filled = pc.if_else(pc.equal(texts, ""), pa.scalar(None, pa.string()), texts)
    if kind == "string":
        return Fitted(filled)
    plain = _plain(kind)
    if plain is not None and pc.all(pc.match_substring_regex(filled, plain)).as_py() in (True, None):
        try:
            return Fitted(filled.cast(arrow_type(kind)))
        except pa.ArrowInvalid:
            return fitted_values(kind, filled.to_pylist())  # such as the 30th of February
    return fitted_values(kind, filled.to_pylist())


def fitted_values(kind: str, cells: Iterable[object]) -> Fitted:
    """The values of cells as JSON or Arrow give them."""
    parse = parser(kind)
    values: list[Value | None] = []
    bad: list[int] = []
    for place, cell in enumerate(cells):
        try:
            values.append(parse(cell))
        except Unfit:
            values.append(None)
            bad.append(place)
    return Fitted(pa.array(values, arrow_type(kind)), tuple(bad))


def fits_type(kind: str, given: Any) -> bool:
    """Whether a column of an Arrow type may hold values of a kind. Single ones may be too large all the same."""
    if pa.types.is_dictionary(given):
        given = given.value_type
    whole = pa.types.is_integer(given) or (pa.types.is_decimal(given) and given.scale <= 0)
    if kind == "integer":
        return bool(whole)
    if kind == "number":
        return bool(whole or pa.types.is_floating(given) or pa.types.is_decimal(given))
    if decimals_of(kind) is not None:
        return bool(whole or pa.types.is_decimal(given))
    return bool(_SAME[kind](given))


def _is_text(given: Any) -> bool:
    return bool(pa.types.is_string(given) or pa.types.is_large_string(given) or pa.types.is_string_view(given))


_SAME: Final[Mapping[str, Any]] = {
    "string": _is_text,
    "boolean": pa.types.is_boolean,
    "timestamp": pa.types.is_timestamp,
    "date": pa.types.is_date,
}


def fitted_array(kind: str, given: Any) -> Fitted:
    """The values of an Arrow array whose type `fits_type`. Raises ValueError for texts that are not UTF-8."""
    if pa.types.is_dictionary(given.type):
        given = given.dictionary_decode()
    if kind == "string":
        texts = given.cast(pa.string())
        try:
            texts.validate(full=True)
        except pa.ArrowInvalid as error:
            raise ValueError("a text is not UTF-8") from error
        return fitted_texts(kind, texts)
    if kind in ("timestamp", "date"):
        return _fitted_time(kind, given)
    if kind == "number":
        return _fitted_number(given)
    try:
        return Fitted(given.cast(arrow_type(kind)))
    except pa.ArrowInvalid:
        return fitted_values(kind, given.to_pylist())


def _fitted_number(given: Any) -> Fitted:
    """NaN is no value, as it is in files of pandas; an infinite number does not fit."""
    numbers = given.cast(pa.float64(), safe=False)
    return _without(pc.if_else(pc.is_nan(numbers), pa.scalar(None, pa.float64()), numbers), pc.is_inf(numbers))


def _fitted_time(kind: str, given: Any) -> Fitted:
    """Times and dates of the years 1 to 9999, which are all that can be written down; to the microsecond."""
    if kind == "date":
        counted, per_day = given.cast(pa.date32()).cast(pa.int32()), 1
    elif given.type.unit == "ns":  # 64 bits of them do not leave these years
        return Fitted(given.cast(pa.timestamp("ns")).cast(pa.timestamp("us"), safe=False).cast(arrow_type(kind)))
    else:
        counted, per_day = given.cast(pa.timestamp(given.type.unit)).cast(pa.int64()), _PER_DAY[given.type.unit]
    outside = pc.or_(pc.less(counted, _FIRST_DAY * per_day), pc.greater_equal(counted, (_LAST_DAY + 1) * per_day))
    fitted = _without(counted, outside)
    unit = pa.date32() if kind == "date" else pa.timestamp(given.type.unit)
    return Fitted(fitted.values.cast(unit).cast(arrow_type(kind)), fitted.bad)


def _without(values: Any, are_bad: Any) -> Fitted:
    bad = pc.indices_nonzero(pc.fill_null(are_bad, False)).to_pylist()
    return Fitted(pc.if_else(are_bad, pa.scalar(None, values.type), values) if bad else values, tuple(bad))


def _plain(kind: str) -> str | None:
    decimals = decimals_of(kind)
    if decimals is None:
        return _PLAIN.get(kind)
    return rf"^-?[0-9]{{1,18}}(\.[0-9]{{1,{decimals}}})?$" if decimals else r"^-?[0-9]{1,18}$"


def type_words(given: Any) -> str:
    """An Arrow type in the words of tables.yaml, as far as they go."""
    decimal = f"decimal({given.scale})" if pa.types.is_decimal(given) else None
    same = next((kind for kind in ("string", "boolean", "timestamp", "date") if fits_type(kind, given)), None)
    number = "integer" if pa.types.is_integer(given) else "number" if pa.types.is_floating(given) else None
    return decimal or same or number or shown_value(str(given))
