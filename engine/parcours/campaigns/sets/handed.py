"""Rows that somebody else's iterator hands to DuckDB: what it raises reaches the caller as it is, and not as words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import pyarrow as pa


@contextmanager
def handed_rows(schema: Any, batches: Iterable[Any]) -> Iterator[Any]:
    """An Arrow reader of the batches, for DuckDB within the block."""
    raised: list[Exception] = []

    def watched() -> Iterator[Any]:
        try:
            yield from batches
        except Exception as error:
            raised.append(error)
            raise

    try:
        yield pa.RecordBatchReader.from_batches(schema, watched())
    except Exception:
        if raised:
            raise raised[0] from None
        raise
