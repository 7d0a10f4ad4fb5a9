"""What a snapshot of a table holds."""

from __future__ import annotations

from typing import Any

import pyarrow.parquet as pq

from parcours.campaigns.sets.snapshot import Snapshot


def rows_of(snapshot: Snapshot) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(snapshot.file).to_pylist()
    return rows


def cells_of(snapshot: Snapshot) -> list[tuple[object, ...]]:
    return [tuple(row["cells"].values()) for row in rows_of(snapshot)]
