"""The models of tables.yaml: files and queries whose rows are linked to people."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Annotated, Final, Literal, Self, TypeAlias

from pydantic import AfterValidator, Field, WithJsonSchema, model_validator

from parcours.journey.model.forms import Document, ExpressionText, Name, check_within

TableFormat: TypeAlias = Literal["csv", "ndjson", "parquet"]

_KIND: Final = re.compile(r"string|integer|number|boolean|timestamp|date|decimal\((0|[1-9]|1[0-8])\)")


def _column_kind(kind: str) -> str:
    if not _KIND.fullmatch(kind):
        raise ValueError(
            "a type is string, integer, number, decimal(2) or with other decimals, boolean, timestamp or date"
        )
    return kind


ColumnKind: TypeAlias = Annotated[
    str, AfterValidator(_column_kind), WithJsonSchema({"type": "string", "pattern": f"^({_KIND.pattern})$"})
]

_COMPRESSED: Final = (".gz", ".zst")
_FORMATS: Final[tuple[TableFormat, ...]] = ("csv", "ndjson", "parquet")


def format_of(file: str) -> TableFormat | None:
    """The format of a file by its name; None if that tells none."""
    path = PurePosixPath(file)
    suffix = (PurePosixPath(path.stem) if path.suffix in _COMPRESSED else path).suffix
    return next((each for each in _FORMATS if suffix == f".{each}"), None)


def _table_file(file: str) -> str:
    check_within(file, "a table's files lie")
    if format_of(file) is None:
        raise ValueError("a table is .csv, .ndjson or .parquet, with .gz or .zst behind it if need be")
    return file


class TableDocument(Document):
    """A table: its files or its query, its columns, and whose rows they are."""

    file: Annotated[str, AfterValidator(_table_file)] | None = Field(
        default=None, description="CSV, NDJSON or Parquet, `.gz` and `.zst` too; a pattern with `*` is one table."
    )
    sql: str | None = Field(
        default=None, min_length=1, description="A SELECT over other tables, for those who know SQL."
    )
    columns: Annotated[dict[Annotated[str, Field(min_length=1, max_length=200)], ColumnKind], Field(min_length=1)] = (
        Field(description="The columns that may be named, with their types.")
    )
    person: ExpressionText | None = Field(default=None, description="Whose row it is, from the row.")
    match: str | None = Field(
        default=None, min_length=1, description="What that is: `userId`, a namespace of ids, or a trait."
    )
    fold: bool = Field(default=False, description="Whether upper and lower case and outer blanks make no difference.")
    join: ExpressionText | None = Field(
        default=None, description="A condition on a row and a person that links them, for small tables."
    )
    many: bool = Field(default=False, description="Whether a person may have several rows.")
    key: Annotated[tuple[ExpressionText, ...], Field(min_length=1)] | None = Field(
        default=None, description="What tells the rows of a person apart; file and line without it."
    )

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.file is None) == (self.sql is None):
            raise ValueError("a table has a 'file' or 'sql'")
        if (self.person is None) != (self.match is None):
            raise ValueError("'person' says whose row it is and 'match' what that is: a table has both or neither")
        if self.person is not None and self.join is not None:
            raise ValueError("rows are linked by 'person' and 'match' or by 'join', not by both")
        if self.fold and self.match is None:
            raise ValueError("'fold' is about how 'person' is compared, and there is none")
        if self.key is not None and not self.many:
            raise ValueError("a key tells the rows of one person apart: it goes with many: true")
        if self.sql is not None and self.many and self.key is None:
            raise ValueError("the rows of a query have no lines: say by 'key' what tells those of a person apart")
        return self


class TablesDocument(Document):
    """tables.yaml: the tables that campaigns read and take columns from."""

    tables: dict[Name, TableDocument] = Field(default_factory=dict, description="The tables by name.")
