"""The schemas of the tables, and rows as Arrow has them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import pyarrow as pa

from parcours.insight.exporter.tables import COLUMNS, Kind, Row
from parcours.journey.model.insight import KeptTable

TYPES: Final[Mapping[Kind, Any]] = {
    "string": pa.string(),
    "bytes": pa.binary(),
    "time": pa.timestamp("ms", tz="UTC"),
    "bool": pa.bool_(),
    "int16": pa.int16(),
    "int32": pa.int32(),
    "int64": pa.int64(),
    "strings": pa.list_(pa.string()),
    "counts": pa.map_(pa.string(), pa.int64()),
}

SCHEMAS: Final[Mapping[KeptTable, Any]] = {
    table: pa.schema([pa.field(each.name, TYPES[each.kind], nullable=each.nullable) for each in columns])
    for table, columns in COLUMNS.items()
}


def table_of(table: KeptTable, rows: Sequence[Row]) -> pa.Table:
    """The rows of a table, in their order."""
    schema = SCHEMAS[table]
    columns = zip(*rows, strict=True) if rows else ((),) * len(schema)
    arrays = [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)]
    return pa.Table.from_arrays(arrays, schema=schema)
