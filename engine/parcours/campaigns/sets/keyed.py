"""A snapshot whose rows are told apart by a key of the author's: copied once more, in the order of that.

The row key is the key's values as JSON, and rows are numbered in its order as UTF-8 bytes. So nothing that is made of
the table depends on the order in which its lines were written.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import msgspec
import pyarrow as pa

from parcours.campaigns.sets.database import Workspace, copy_rows, identifier, opened_database, rows_in
from parcours.campaigns.sets.evaluated import Rows, cells_of, path_of, text_of, write_given
from parcours.campaigns.sets.snapshot import Snapshot
from parcours.campaigns.sets.whole_file import hash_of
from parcours.campaigns.told_scope import ToldScopes
from parcours.expression.expression import Scope, to_json
from parcours.journey.set_expressions import SetExpression

_encode = msgspec.json.Encoder().encode


def keyed_snapshot(
    snapshot: Snapshot, key: Sequence[SetExpression], scopes: ToldScopes, path: Path, workspace: Workspace
) -> Snapshot:
    """Write the rows of a snapshot, each with its key, to the file `path`, whole or not at all.

    Raises StoreBroken, and OSError.
    """
    with opened_database(workspace) as database:
        texts = [_text(each, snapshot) for each in key]
        bare = [text for text in texts if text is not None]
        keys = path.with_name(f"{path.stem}.keys.parquet")
        if len(bare) == len(texts):
            listed = " || ',' || ".join(bare)
            row_key, rows = f"'[' || {listed} || ']'", f"{rows_in(snapshot.file)} AS copied"
        else:
            write_given(database, _rows(snapshot, key), [text_of("row_key", _key_text(key))], scopes, keys)
            row_key = "keys.row_key"
            rows = f"{rows_in(snapshot.file)} AS copied JOIN {rows_in(keys)} AS keys USING (row_number)"
        keyed = f"SELECT file, line, {row_key} AS row_key, cells FROM {rows}"
        ordered = f"{keyed} ORDER BY row_key, file, line"
        copy_rows(database, f"SELECT row_number() OVER () AS row_number, * FROM ({ordered})", path)
        keys.unlink(missing_ok=True)
    return replace(snapshot, file=path, hash=hash_of(path), has_key=True)


def _text(expression: SetExpression, snapshot: Snapshot) -> str | None:
    """The text of a column, as SQL, if the expression is that and nothing else."""
    path = path_of(expression)
    if path is None or len(path) > 1:
        return None
    column, kind = f"copied.cells.{identifier(path[0])}", snapshot.columns[path[0]]
    if kind in ("integer", "number", "boolean") or kind.startswith("decimal"):
        text = f"CAST({column} AS VARCHAR)"
    else:
        text = f"CAST(to_json(CAST({column} AS VARCHAR)) AS VARCHAR)"
    return f"coalesce({text}, 'null')"


def _rows(snapshot: Snapshot, key: Sequence[SetExpression]) -> Rows:
    cells = cells_of({name for each in key for name in each.row}, "copied.cells")
    query = f"SELECT row_number, {cells} AS cells FROM {rows_in(snapshot.file)} AS copied"
    return Rows(query, {"row_number": pa.int64()}, cells=True, tells=False)


def _key_text(key: Sequence[SetExpression]) -> Callable[[Scope], str]:
    return lambda scope: _encode([to_json(each.expression.value(scope)) for each in key]).decode()
