"""Values of one type in the type that they have together with those of other sets (united.py), as SQL of DuckDB."""

from __future__ import annotations

from typing import Any, Final

import pyarrow as pa

from parcours.campaigns.sets.database import identifier, literal
from parcours.campaigns.sets.united import WHOLE_MAX, fields_of, too_large

_NAMES: Final[dict[Any, str]] = {
    pa.int8(): "TINYINT",
    pa.int64(): "BIGINT",
    pa.float64(): "DOUBLE",
    pa.string(): "VARCHAR",
    pa.bool_(): "BOOLEAN",
    pa.timestamp("us", tz="UTC"): "TIMESTAMPTZ",
    pa.date32(): "DATE",
}


def converted(name: str, column: str, source: Any, target: Any, depth: int = 0) -> str:
    """The values of a column, as SQL, in the type that it has together with others.

    A value that this type cannot hold as it is ends the query with `duckdb.InvalidInputException`.
    """
    if source == target:
        return column
    if pa.types.is_struct(target):
        given = fields_of(source)
        fields = ", ".join(
            f"{identifier(field)} := "
            + converted(f"{name}.{field}", f"{column}.{identifier(field)}", given[field], kind, depth)
            if field in given
            else f"{identifier(field)} := {missing(kind)}"
            for field, kind in fields_of(target).items()
        )
        return f"CASE WHEN {column} IS NOT NULL THEN struct_pack({fields}) END"
    if pa.types.is_list(target):
        element = f"element{depth}"
        inner = converted(name, element, source.value_type, target.value_type, depth + 1)
        return f"list_transform({column}, lambda {element}: {inner})"
    unfit = (
        f"{column} NOT BETWEEN {-WHOLE_MAX} AND {WHOLE_MAX}"
        if pa.types.is_float64(target)
        else f"{column} IS NOT NULL AND TRY_CAST({column} AS {_type(target)}) IS NULL"
    )
    refused = f"error({literal(too_large(name, target))} || {column})"
    return f"CASE WHEN {unfit} THEN {refused} ELSE TRY_CAST({column} AS {_type(target)}) END"


def missing(kind: Any) -> str:
    """No value of a type."""
    return f"CAST(NULL AS {_type(kind)})"


def _type(kind: Any) -> str:
    """An Arrow type as DuckDB calls it."""
    if pa.types.is_struct(kind):
        return f"STRUCT({', '.join(f'{identifier(name)} {_type(each)}' for name, each in fields_of(kind).items())})"
    if pa.types.is_list(kind):
        return f"{_type(kind.value_type)}[]"
    if pa.types.is_decimal128(kind):
        return f"DECIMAL({kind.precision}, {kind.scale})"
    return _NAMES[kind]
