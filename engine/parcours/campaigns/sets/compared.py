"""By what are rows compared, if a column has values of several kinds? By those of the kind that most of them have.

Values of another kind are missing. Of a struct `VALUE` (values.py) only those fields are compared in which values of
that kind differ: a struct as a whole takes DuckDB twice as long.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from parcours.campaigns.sets.database import Database
from parcours.campaigns.sets.values import FIELDS, KINDS

_TEXT: Final = KINDS.index("string")


@dataclass(frozen=True, slots=True)
class Compared:
    """Columns, as SQL, that are compared one after the other; the first is null where the value is missing.

    is_text  whether the first of them is a text
    others   how many values are missing for being of another kind
    """

    fields: tuple[str, ...]
    is_text: bool
    others: int = 0

    @property
    def is_filled(self) -> str:
        """Whether there is a value that is no empty text."""
        return f"({self.fields[0]} <> '') IS TRUE" if self.is_text else f"{self.fields[0]} IS NOT NULL"


def compared_column(database: Database, table: str, column: str, *, is_value: bool) -> Compared:
    """How a column of a table is compared, one of `VALUE` or else one of a single kind."""
    if not is_value:
        (kind,) = database.sql(f"SELECT {column} FROM {table}").types
        return Compared((column,), kind.id == "varchar")
    kinds = database.execute(
        f"SELECT {column}.k, count(*), bool_or({column}.r <> 0), bool_or({column}.t <> '') FROM {table}"
        f" WHERE {column} IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1"
    ).fetchall()
    if not kinds:
        return Compared((f"{column}.k",), is_text=False)
    (kind, _, has_rests, has_digits), *others = kinds
    used = {"r": has_rests, "t": has_digits}
    fields = [field for field in FIELDS[KINDS[kind]] if used.get(field, True)] or [FIELDS[KINDS[kind]][0]]
    return Compared(
        tuple(f"CASE WHEN {column}.k = {kind} THEN {column}.{field} END" if others else f"{column}.{field}"
              for field in fields),
        kind == _TEXT,
        sum(count for _, count, *_ in others),
    )  # fmt: skip
