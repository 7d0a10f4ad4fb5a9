"""The tables of one run of a campaign: each is copied at its first use, and linked to people once for each stage."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec
import pyarrow as pa

from parcours.campaigns.run_folder import RunFolder, read_json, write_json
from parcours.campaigns.sets.database import Workspace, copy_rows, identifier, opened_database, rows_in
from parcours.campaigns.sets.evaluated import Rows, cells_of, path_of, text_of, write_given
from parcours.campaigns.sets.joined import joined_pairs
from parcours.campaigns.sets.keyed import keyed_snapshot
from parcours.campaigns.sets.links import joined_rows, linked_rows
from parcours.campaigns.sets.matching import names_in, row_match, row_match_in_sql
from parcours.campaigns.sets.people_file import PeopleFile
from parcours.campaigns.sets.set_values import Evaluation
from parcours.campaigns.sets.snapshot import Snapshot
from parcours.campaigns.sets.sql import queried_table
from parcours.campaigns.sets.tables import copied_table
from parcours.campaigns.told_scope import ToldScopes
from parcours.config import Settings
from parcours.errors import TableRefused
from parcours.expression.expression import Scope
from parcours.journey.campaign_columns import matched_namespace, matched_path
from parcours.journey.campaign_program import Table
from parcours.wording import quoted


class _Copied(msgspec.Struct, frozen=True):
    """What is kept of a snapshot beside its rows."""

    hash: str
    rows: int
    bad: dict[str, int]
    has_key: bool


class RunTables:
    """The tables of one run.

    root  the folder below which the files of tables lie
    """

    def __init__(
        self,
        tables: Mapping[str, Table],
        folder: RunFolder,
        root: Path,
        settings: Settings,
        workspace: Workspace,
    ) -> None:
        self._tables = tables
        self._folder = folder
        self._root = root
        self._settings = settings
        self._workspace = workspace

    def snapshot(self, name: str, scopes: ToldScopes) -> Snapshot:
        """The table as it was at its first use. Raises TableRefused, StoreBroken, OSError."""
        table, path = self._tables[name], self._folder.table(name)
        record = path.with_suffix(".json")
        known = read_json(record, _Copied)
        if known is not None:
            return Snapshot(name, path, known.hash, known.rows, table.columns, known.bad, known.has_key)
        copied = path.with_name(f"{name}.lines.parquet") if table.key else path
        snapshot = self._copied(table, copied, scopes)
        if table.key:
            snapshot = keyed_snapshot(snapshot, table.key, scopes, path, self._workspace)
            copied.unlink()
        known = _Copied(snapshot.hash, snapshot.rows, dict(snapshot.bad), snapshot.has_key)
        write_json(record, known, durable=self._workspace.durable)
        return snapshot

    def _copied(self, table: Table, path: Path, scopes: ToldScopes) -> Snapshot:
        """The rows in the order of files and lines. Where the table has a key they are copied again in that of keys."""
        bad_cells_max, lasting = self._settings.table_bad_cells_max, not table.key
        if table.sql is None:
            assert table.file is not None, "a table has files or a query"
            durable, columns = self._workspace.durable and lasting, table.columns
            return copied_table(
                table.name, self._root, table.file, columns, path, bad_cells_max, durable=durable, lasting=lasting
            )
        sources, workspace = [self.snapshot(name, scopes) for name in table.uses], self._workspace
        return queried_table(
            table.name, table.sql, sources, table.columns, path, workspace, bad_cells_max, lasting=lasting
        )

    def links(self, name: str, stage: int, evaluation: Evaluation) -> Path:
        """Whose rows those of a table are, as of a stage: the file has `person` and `row_number` (links.py).

        Raises TableRefused, StoreBroken, OSError.
        """
        table, path = self._tables[name], self._folder.links(stage, name)
        if not path.exists():
            snapshot, people = self.snapshot(name, evaluation.scopes), evaluation.told_people()
            if table.join is not None:
                most = self._settings.join_rows_max
                if snapshot.rows > most:
                    raise TableRefused(
                        f"table {quoted(name)}: it has {snapshot.rows:,} rows, and join_rows_max allows {most:,} where"
                        " rows are linked by a join: give the table 'person' and 'match'"
                    )
                pairs = joined_pairs(snapshot, table.join, people, evaluation.scopes)
                joined_rows(snapshot, pairs, path, self._workspace, many=table.many)
            else:
                self._match(table, snapshot, people, path, evaluation)
        return path

    def _match(self, table: Table, snapshot: Snapshot, people: PeopleFile, path: Path, evaluation: Evaluation) -> None:
        values, had = (evaluation.folder / f"{table.name}.{each}.parquet" for each in ("values", "had"))
        with opened_database(self._workspace) as database:
            column = _column_to_match(table)
            if column is not None:
                copied = f"{rows_in(snapshot.file)} AS copied"
                query = f"SELECT row_number, {column} AS value FROM {copied}"
                copy_rows(database, query, values, lasting=False)
            else:
                text = text_of("value", matched_text(table))
                write_given(database, rows_to_match(table, rows_in(snapshot.file)), [text], evaluation.scopes, values)
            copy_rows(database, self._had(table, people), had, lasting=False)
        linked_rows(snapshot, values, had, path, self._workspace, fold=table.fold, many=table.many)

    def _had(self, table: Table, people: PeopleFile) -> str:
        namespace = matched_namespace(table)
        if namespace is not None:
            return names_in(namespace, people.rows)
        return f"SELECT person, {people.match(matched_path(table))} AS value FROM {people.rows}"


def _column_to_match(table: Table) -> str | None:
    """What tells whose a row is, as SQL, if it is a column of texts and nothing else."""
    assert table.person is not None, "rows are matched by what they have"
    path = path_of(table.person)
    if path is None or len(path) > 1 or table.columns.get(path[0]) != "string":
        return None
    return row_match_in_sql(table, f"copied.cells.{identifier(path[0])}")


def rows_to_match(table: Table, rows: str) -> Rows:
    """Rows of a table, as a table in SQL, with what tells whose they are."""
    assert table.person is not None, "rows are matched by what they have"
    cells = f", {cells_of(table.person.row, 'copied.cells')} AS cells" if table.person.row else ""
    query = f"SELECT row_number{cells} FROM {rows} AS copied"
    return Rows(query, {"row_number": pa.int64()}, cells=bool(cells), tells=False)


def matched_text(table: Table) -> Callable[[Scope], str | None]:
    """What tells whose a row is, as it is compared with people (matching.py)."""
    person = table.person
    assert person is not None, "rows are matched by what they have"
    return lambda scope: row_match(table, person.expression.value(scope))
