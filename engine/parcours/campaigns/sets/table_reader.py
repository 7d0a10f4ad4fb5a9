"""What can be told of tables before any campaign runs: the columns of packed files, and whether a query may run.

It is the `TableReader` of installations that have the extra `campaigns`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from parcours.campaigns.sets.parquet_rows import parquet_columns
from parcours.campaigns.sets.sql import query_fault
from parcours.campaigns.sets.text_file import opened_bytes
from parcours.journey.model.tables import format_of
from parcours.journey.read.table_files import names_in


class LibraryTables:
    """Reads by Arrow, and looks at queries by DuckDB."""

    def columns_of(self, path: Path) -> Mapping[str, str | None]:
        """The columns of a file, with types if it is Parquet. Raises OSError and Unreadable."""
        if format_of(path.name) != "parquet":
            return names_in(partial(opened_bytes, path), path)
        with TemporaryDirectory() as scratch:
            return parquet_columns(path, Path(scratch))

    def fault_of(self, sql: str, sources: Mapping[str, Mapping[str, str]], columns: Mapping[str, str]) -> str | None:
        """Why a query would be refused whatever rows its tables have; None if it may run."""
        return query_fault(sql, sources, columns)
