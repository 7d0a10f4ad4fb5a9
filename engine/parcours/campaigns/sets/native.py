"""Values of any kind as a column of one type of DuckDB's own: of the kind that most of them have (values.py)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from parcours.campaigns.sets.database import Database
from parcours.campaigns.sets.values import KINDS

_NATIVE: Final = {
    "number": "{value}.n",
    "string": "{value}.t",
    "timestamp": "CAST(make_timestamp({value}.r) AS TIMESTAMPTZ)",
    "boolean": "{value}.r = 1",
}
"""The value of a struct, as SQL. Lists, objects and durations have no order and no sum."""

_TYPE: Final = {"number": "DOUBLE", "string": "VARCHAR", "timestamp": "TIMESTAMPTZ", "boolean": "BOOLEAN"}


@dataclass(frozen=True, slots=True)
class Native:
    """
    column    as SQL
    others    how many values are missing there, since they are of another kind
    is_exact  whether the others are there as they are; a number that is no double is the one next to it
    """

    column: str
    others: int
    is_exact: bool


def native_column(database: Database, rows: str, value: str, only: str | None = None) -> Native:
    """The column of a table, both as SQL, in the type of most of its values; as doubles if there are none.

    only  the kind that counts, whichever most of them have
    """
    found = database.execute(
        f"SELECT {value}.k, count(*), bool_or({value}.r <> 0) FROM {rows} WHERE {value} IS NOT NULL"
        " GROUP BY 1 ORDER BY 2 DESC, 1"
    ).fetchall()
    kinds = {KINDS[kind]: count for kind, count, _ in found}
    most = only or next((kind for kind in kinds if kind in _NATIVE), "number")
    others = sum(count for kind, count in kinds.items() if kind != most)
    native = _NATIVE[most].format(value=value)
    of_kind = f"CASE WHEN {value}.k = {KINDS.index(most)} THEN {native} END"
    is_exact = not any(has_rests for kind, _, has_rests in found if KINDS[kind] == "number")
    return Native(f"CAST({of_kind} AS {_TYPE[most]})", others, is_exact)
