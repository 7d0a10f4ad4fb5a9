"""A file of texts, compressed or not, as lines that are not longer than memory allows."""

from __future__ import annotations

import io
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

import pyarrow as pa

from parcours.journey.read.table_rows import Lines, text_lines


def opened_text(path: Path) -> AbstractContextManager[Lines]:
    """The lines of a file in UTF-8, with a mark at its beginning or without. Raises OSError and Unreadable."""
    return text_lines(partial(opened_bytes, path))


def opened_bytes(path: Path) -> io.BufferedReader:
    """What the file holds, decompressed. Raises OSError, also while it is read."""
    with path.open("rb"):  # Arrow's own words for a file that cannot be opened name neither reason nor file as such
        pass
    return io.BufferedReader(pa.input_stream(str(path), compression="detect"))
