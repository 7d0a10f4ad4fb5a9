"""Lots in DuckDB: a table with the lot of each row of a set."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from parcours.campaigns.sets.database import Database
from parcours.campaigns.sets.lots import lot

ROWS: Final = 100_000
"""Rows whose lots are drawn at once."""

LOTS: Final = pa.schema([("number", pa.int64()), ("lot", pa.uint64())])


def lots_table(seed: bytes) -> str:
    """What the table of lots drawn with a seed is called in DuckDB."""
    return f"lots_{seed.hex()}"


def draw_lots(database: Database, source: Path, seed: bytes) -> None:
    """Make a table with the `lot` of the person of each row of a set, by the row's number."""
    database.register("drawn", _lots_of(source, seed))
    database.execute(f"CREATE TABLE {lots_table(seed)} AS SELECT * FROM drawn")
    database.unregister("drawn")


def _lots_of(source: Path, seed: bytes) -> Any:
    parquet = pq.ParquetFile(source)

    def batches() -> Iterator[Any]:
        first = 0
        with parquet:
            for batch in parquet.iter_batches(batch_size=ROWS, columns=["person"]):
                lots = [lot(seed, person) for person in batch.column("person").to_pylist()]
                numbers = pa.array(range(first, first + len(lots)), pa.int64())
                first += len(lots)
                yield pa.record_batch([numbers, pa.array(lots, pa.uint64())], schema=LOTS)

    return pa.RecordBatchReader.from_batches(LOTS, batches())
