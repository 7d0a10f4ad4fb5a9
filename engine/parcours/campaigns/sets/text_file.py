"""A file of texts, compressed or not, as lines that are not longer than memory allows."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import pyarrow as pa

from parcours.campaigns.sets.batches import ROW_CHARACTERS_MAX, Unreadable


class Lines:
    """The lines of a file, with their ends. `row_characters` are those given since it was last set to 0.

    characters  that were given in all
    Raises Unreadable for a row of more than ROW_CHARACTERS_MAX.
    """

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self.row_characters = 0
        self.characters = 0

    def __iter__(self) -> Iterator[str]:
        while line := self._file.readline(ROW_CHARACTERS_MAX + 1):
            self.characters += len(line)
            self.row_characters += len(line)
            if self.row_characters > ROW_CHARACTERS_MAX:
                raise Unreadable(f"a row has more than {ROW_CHARACTERS_MAX:,} characters")
            yield line


@contextmanager
def opened_text(path: Path) -> Iterator[Lines]:
    """The lines of a file in UTF-8, with a mark at its beginning or without. Raises OSError and Unreadable."""
    with io.TextIOWrapper(opened_bytes(path), encoding="utf-8-sig", newline="") as file:
        try:
            yield Lines(file)
        except UnicodeDecodeError as error:
            raise Unreadable("it is not UTF-8", _first_undecodable(path)) from error


def opened_bytes(path: Path) -> io.BufferedReader:
    """What the file holds, decompressed. Raises OSError, also while it is read."""
    with path.open("rb"):  # Arrow's own words for a file that cannot be opened name neither reason nor file as such
        pass
    return io.BufferedReader(pa.input_stream(str(path), compression="detect"))


def _first_undecodable(path: Path) -> int | None:
    """The first line that is not UTF-8: decoding goes by blocks, and has not kept count of lines."""
    line, unfinished = 1, b""
    with opened_bytes(path) as file:
        while block := file.read(ROW_CHARACTERS_MAX):
            data = unfinished + block
            try:
                data.decode()
                unfinished = b""
            except UnicodeDecodeError as error:
                if error.end < len(data) or len(data) - error.start > 3:
                    return line + data.count(b"\n", 0, error.start)
                unfinished = data[error.start :]
            line += data.count(b"\n", 0, len(data) - len(unfinished))
    return line
