"""Is an exported file Parquet that can be read whole, with its table's columns, and the rows that are said of it?"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from parcours.insight.exporter.done import Compacted, Done, DoneFile
from parcours.insight.exporter.schemas import SCHEMAS

NEEDED: Final = ("person", "shard", "record", "n")
"""The columns that every file has, of whatever release, besides that of its time, which comes first."""


def fault(path: Path, document: Done | Compacted, file: DoneFile) -> str | None:
    """What is wrong with a file that a document names, None if nothing is. A row group at a time is in memory."""
    try:
        with pq.ParquetFile(path) as opened:
            return _columns(opened, file) or _rows(opened, document, file)
    except (OSError, pa.ArrowException) as error:
        return f"cannot be read ({str(error).splitlines()[0]})"


def _columns(opened: pq.ParquetFile, file: DoneFile) -> str | None:
    """A file of an earlier release may lack columns, and one of a later release may have more."""
    schema, wanted = opened.schema_arrow, SCHEMAS[file.table]
    missing = [name for name in (wanted.names[0], *NEEDED) if name not in schema.names]
    if missing:
        return f"is no file of the table {file.table}: it lacks the column {missing[0]}"
    for name in wanted.names:
        if name in schema.names and not _is_like(schema.field(name).type, wanted.field(name).type):
            return f"has {name} as {schema.field(name).type}, which is {wanted.field(name).type} in {file.table}"
    return None


def _is_like(one: pa.DataType, other: pa.DataType) -> bool:
    """Whether two types are the same, whatever the elements of a list are called."""
    if pa.types.is_list(one) and pa.types.is_list(other):
        return _is_like(one.value_type, other.value_type)
    return bool(one == other)


def _rows(opened: pq.ParquetFile, document: Done | Compacted, file: DoneFile) -> str | None:
    rows = opened.metadata.num_rows
    if rows != file.rows:
        return f"has {rows:,} rows, and {file.rows:,} as {document.name}.json says"
    for number in range(opened.num_row_groups):
        group = opened.read_row_group(number, use_threads=False)
        spread = pc.min_max(group["record"]).as_py()
        if pc.unique(group["shard"]).to_pylist() != [document.shard]:
            return f"has rows of another shard than {document.shard}"
        if not document.first <= spread["min"] <= spread["max"] <= document.last:
            return f"has records {spread['min']} to {spread['max']}, which are not those of {document.name}.json"
    return None
