"""Lots: the order in which people come where chance is asked for, the same wherever and however often it is.

The lot of a person is the first 8 bytes of the BLAKE2b hash (64 bytes) of a seed and her name; the lowest comes first.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

ROWS: Final = 100_000
"""People whose lots are drawn at once."""

LOTS: Final = pa.schema([("person", pa.string()), ("lot", pa.uint64())])


def seed_of(campaign: str, run: int, step: str) -> bytes:
    """What stands before a person's name, for a step of a run."""
    return b"".join(each.encode() + b"\0" for each in (campaign, str(run), step))


def lot(seed: bytes, person: str) -> int:
    return int.from_bytes(blake2b(seed + person.encode()).digest()[:8])


def lots_of(source: Path, seed: bytes) -> Any:
    """The lot of each person of a set, as DuckDB takes it; whoever has several rows comes as often."""
    parquet = pq.ParquetFile(source)

    def batches() -> Iterator[Any]:
        with parquet:
            for batch in parquet.iter_batches(batch_size=ROWS, columns=["person"]):
                people = batch.column("person")
                lots = [lot(seed, person) for person in people.to_pylist()]
                yield pa.record_batch([people, pa.array(lots, pa.uint64())], schema=LOTS)

    return pa.RecordBatchReader.from_batches(LOTS, batches())
