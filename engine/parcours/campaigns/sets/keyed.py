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

from parcours.campaigns.sets.database import Workspace, copy_rows, opened_database, rows_in
from parcours.campaigns.sets.evaluated import Rows, cells_of, text_of, write_given
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
    keys = path.with_name(f"{path.stem}.keys.parquet")
    cells = cells_of({name for each in key for name in each.row}, "copied.cells")
    rows = Rows(f"SELECT row_number, {cells} AS cells FROM {rows_in(snapshot.file)} AS copied",
                {"row_number": pa.int64()}, cells=True, tells=False)  # fmt: skip
    with opened_database(workspace) as database:
        write_given(database, rows, [text_of("row_key", _key_text(key))], scopes, keys)
        ordered = (
            "SELECT row_number() OVER (ORDER BY keys.row_key, cells, file, line) AS row_number, file, line,"
            f" keys.row_key AS row_key, cells FROM {rows_in(snapshot.file)} AS copied"
            f" JOIN {rows_in(keys)} AS keys USING (row_number) ORDER BY row_number"
        )
        copy_rows(database, ordered, path)
    keys.unlink()
    return replace(snapshot, file=path, hash=hash_of(path), has_key=True)


def _key_text(key: Sequence[SetExpression]) -> Callable[[Scope], str]:
    return lambda scope: _encode([to_json(each.expression.value(scope)) for each in key]).decode()
