"""Values of one type in the type that they have together with those of other sets (united.py), as expressions of Daft.

Daft makes null of a value that a type cannot hold, without a word: with each conversion comes a condition that tells
such values. Within a list there is none, so lists whose elements would have to be converted are refused; elements that
only lack fields are not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from daft import DataType, Expression, lit
from daft import functions as of

from parcours.campaigns.sets.united import WHOLE_MAX, fields_of, too_large
from parcours.errors import SetsRefused
from parcours.wording import quoted


@dataclass(frozen=True, slots=True)
class Unfit:
    """Values that cannot be held: `is_unfit` is true of them and never null, `words` is what is said before one."""

    value: Expression
    is_unfit: Expression
    words: str


@dataclass(frozen=True, slots=True)
class Converted:
    """The values in their new type, and which of them it cannot hold."""

    values: Expression
    unfit: tuple[Unfit, ...] = ()


def converted(name: str, values: Expression, source: Any, target: Any) -> Converted:
    """The values of a column, from one Arrow type to another. Raises SetsRefused for lists that Daft cannot convert."""
    if source == target:
        return Converted(values)
    if pa.types.is_struct(target):
        return _converted_struct(name, values, fields_of(source), fields_of(target))
    kind = data_type(target)
    if pa.types.is_list(target):
        if not _only_lacks_fields(source, target):
            raise SetsRefused(
                f"the lists of the column {quoted(name)} have values of several kinds in these sets, and Daft would "
                "lose without a word what does not fit into one: give them the same type, or use sets: {engine: duckdb}"
            )
        return Converted(values.cast(kind))
    is_unfit = (
        ~of.between(values, -WHOLE_MAX, WHOLE_MAX) if pa.types.is_float64(target) else values.cast(kind).is_null()
    )
    is_unfit = values.not_null() & of.coalesce(is_unfit, lit(False))
    return Converted(values.cast(kind), (Unfit(values, is_unfit, too_large(name, target)),))


def _converted_struct(name: str, values: Expression, source: dict[str, Any], target: dict[str, Any]) -> Converted:
    fields, unfit = dict[str, Expression](), list[Unfit]()
    for field, kind in target.items():
        if field in source:
            found = converted(f"{name}.{field}", values[field], source[field], kind)
            unfit += found.unfit
            fields[field] = found.values
        else:
            fields[field] = missing(kind)
    return Converted(of.when(values.not_null(), of.to_struct(**fields)), tuple(unfit))


def missing(kind: Any) -> Expression:
    """No value of an Arrow type."""
    return lit(None).cast(data_type(kind))


def data_type(kind: Any) -> DataType:
    """An Arrow type as Daft calls it."""
    return DataType.from_arrow_type(kind)


def _only_lacks_fields(source: Any, target: Any) -> bool:
    """Whether one type becomes the other by fields that are missing, in lists and objects at any depth."""
    if source == target:
        return True
    if pa.types.is_list(source) and pa.types.is_list(target):
        return _only_lacks_fields(source.value_type, target.value_type)
    if pa.types.is_struct(source) and pa.types.is_struct(target):
        fields = fields_of(target)
        return all(_only_lacks_fields(kind, fields[name]) for name, kind in fields_of(source).items())
    return False
