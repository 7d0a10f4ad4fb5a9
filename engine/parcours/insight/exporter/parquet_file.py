"""A Parquet file that is being written, row group by row group.

The same rows in the same groups give the same bytes: nothing in a file depends on the machine or the hour.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from parcours.insight.exporter.disk import Disk

GROUP_ROWS: Final = 100_000
"""Rows in a row group: it is read whole or not at all, and its columns lie in memory meanwhile."""

BUFFER_BYTES: Final = 1024 * 1024
"""Held before the file is opened to add to it."""


class ParquetFile:
    """Takes its name, durably, when it is finished."""

    def __init__(self, path: Path, schema: Any, disk: Disk) -> None:
        self.path = path
        self._disk = disk
        self._sink = _Sink(path, disk)
        disk.begin(path)
        self._writer = pq.ParquetWriter(
            pa.PythonFile(self._sink, mode="w"),
            schema,
            compression="zstd",
            write_statistics=["time", "person"],
            store_schema=False,
        )

    def write(self, table: pa.Table) -> None:
        """Add the rows as one row group."""
        self._writer.write_table(table.combine_chunks(), row_group_size=max(1, table.num_rows))

    def finish(self) -> int:
        """The size in bytes."""
        self._writer.close()
        self._sink.flush()
        return self._disk.finish(self.path)

    def abandon(self) -> None:
        """Write nothing more: somebody else may begin the same file."""
        self._sink.is_abandoned = True


class _Sink:
    """What Arrow takes for an open file."""

    closed = False

    def __init__(self, path: Path, disk: Disk) -> None:
        self._path = path
        self._disk = disk
        self._held = bytearray()
        self.is_abandoned = False  # Arrow closes what is left open, at some time
        self._written = 0

    def write(self, data: Any) -> int:
        view = memoryview(data)
        if not self.is_abandoned:
            self._held += view
        self._written += view.nbytes
        if len(self._held) >= BUFFER_BYTES:
            self.flush()
        return view.nbytes

    def flush(self) -> None:
        if self._held and not self.is_abandoned:
            self._disk.extend(self._path, bytes(self._held))
            self._held.clear()

    def tell(self) -> int:
        return self._written

    def writable(self) -> bool:
        return True

    def readable(self) -> bool:
        return False

    def seekable(self) -> bool:
        return False

    def close(self) -> None:
        pass
