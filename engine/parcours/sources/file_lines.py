"""The lines of one file, from any place in it: NDJSON as it is, rows of CSV as JSON objects."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, Final, cast

import msgspec

from parcours.source import Line, SourceUnreachable

PACKED: Final = frozenset({".gz", ".zst"})

LINE_BYTES_MAX: Final = 1 << 20
"""Of a longer line only its beginning is looked at, and it is of no use: memory is bounded, whatever a file holds."""

SKIPPED_AT_ONCE: Final = 1 << 20

TOO_LONG: Final = f"a line of more than {LINE_BYTES_MAX} bytes"


class FileLines:
    """
    position  of the next line, in bytes of what is there once the file is unpacked
    is_over   nothing is behind it
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._is_csv = ".csv" in suffixes(path)
        self._columns: list[str] = []
        self.is_over = False
        self._file = _unpacked(path)
        self.position = 0
        if self._is_csv:
            _, head, _ = self._row()
            self._columns = _cells(head.removeprefix(b"\xef\xbb\xbf"))
        self._begin = self.position

    def go_to(self, position: int) -> bool:
        """Go on at a position behind this one; whether the file has it. 0 is its first line."""
        if position <= self._begin:
            return True
        while self.position < position:
            skipped = len(self._file.read(min(SKIPPED_AT_ONCE, position - self.position)))
            if not skipped:
                return False
            self.position += skipped
        return True

    def read(self, most: int) -> Sequence[Line]:
        """At most so many lines."""
        lines: list[Line] = []
        while len(lines) < most:
            offset, text, unusable = self._row() if self._is_csv else self._line()
            if not text:
                self.is_over = True
                break
            if not text.strip():
                continue
            if self._is_csv and unusable is None:
                text, unusable = self._object(text)
            lines.append(Line(offset, text.rstrip(b"\r\n"), unusable=unusable))
        return lines

    def close(self) -> None:
        self._file.close()

    def _line(self) -> tuple[int, bytes, str | None]:
        """The offset of the next line, its bytes, and why it is of no use."""
        offset = self.position
        text = self._file.readline(LINE_BYTES_MAX)
        self.position += len(text)
        if len(text) < LINE_BYTES_MAX or text.endswith(b"\n"):
            return offset, text, None
        while rest := self._file.readline(SKIPPED_AT_ONCE):
            self.position += len(rest)
            if rest.endswith(b"\n"):
                break
        return offset, text, TOO_LONG

    def _row(self) -> tuple[int, bytes, str | None]:
        """The same of a row of CSV, which may have line breaks between its quotes."""
        offset, row, unusable = self._line()
        while unusable is None and row.count(b'"') % 2:
            _, more, unusable = self._line()
            row += more
            if not more:
                return offset, row, "a quote is not closed"
            if len(row) > LINE_BYTES_MAX:
                unusable = TOO_LONG
        return offset, row, unusable

    def _object(self, row: bytes) -> tuple[bytes, str | None]:
        """The row as an object of its columns, without those that are empty. A dot in a name leads into an object."""
        try:
            cells = _cells(row)
        except (UnicodeDecodeError, csv.Error) as error:
            return row, f"the row cannot be read: {error}"
        if len(cells) > len(self._columns):
            return row, f"a row of {len(cells)} cells, where the first one has {len(self._columns)}"
        told: dict[str, object] = {}
        for column, cell in zip(self._columns, cells, strict=False):
            if cell and not _put(told, column, cell):
                return row, f"the column {column} and another one contradict each other"
        return msgspec.json.encode(told), None


def _put(told: dict[str, object], column: str, cell: str) -> bool:
    """Put the cell where its column leads; whether there is room for it."""
    *parents, name = column.split(".")
    inside: object = told
    for parent in parents:
        inside = inside.setdefault(parent, {}) if isinstance(inside, dict) else None
    if not isinstance(inside, dict) or name in inside:
        return False
    inside[name] = cell
    return True


def suffixes(path: Path) -> list[str]:
    """The endings of its name, in lower case."""
    return [each.lower() for each in path.suffixes]


def _cells(row: bytes) -> list[str]:
    return next(csv.reader([row.decode().rstrip("\r\n")], strict=True), [])


def _unpacked(path: Path) -> BinaryIO:
    endings = suffixes(path)
    if ".gz" in endings:
        return cast(BinaryIO, gzip.open(path, "rb"))
    if ".zst" in endings:
        try:
            import zstandard
        except ModuleNotFoundError as error:
            raise SourceUnreachable(f"{path} needs the library zstandard: `pip install zstandard`") from error
        return io.BufferedReader(cast(io.RawIOBase, zstandard.open(path, "rb")))
    return path.open("rb")
