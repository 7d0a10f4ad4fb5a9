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
from parcours.sources.columns import row_object
from parcours.sources.file_kinds import suffixes, unreadable

LINE_BYTES_MAX: Final = 1 << 20
"""Of a longer line only its beginning is looked at, and it is of no use: memory is bounded, whatever a file holds."""

BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
"""What some editors put before the first line."""

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
        self._broken: Exception | None = None
        if self._is_csv:
            self._columns = self._head()
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
        """At most so many lines. Raises what a file raises that is damaged, once all lines before that are read."""
        if self._broken is not None:
            raise self._broken
        lines: list[Line] = []
        while len(lines) < most:
            try:
                offset, text, unusable = self._row() if self._is_csv else self._line()
            except unreadable() as error:
                if not lines:
                    raise
                self._broken = error
                break
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
        if not offset:
            text = text.removeprefix(BYTE_ORDER_MARK)
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
        pieces, size, quotes = [row], len(row), row.count(b'"')
        while unusable is None and quotes % 2:
            _, more, unusable = self._line()
            pieces.append(more)
            size, quotes = size + len(more), quotes + more.count(b'"')
            if not more:
                unusable = "a quote is not closed"
            elif size > LINE_BYTES_MAX:
                unusable = TOO_LONG
        return offset, b"".join(pieces), unusable

    def _head(self) -> list[str]:
        """The names of the columns. Raises SourceUnreachable."""
        _, head, unusable = self._row()
        try:
            if unusable is None:
                return _cells(head)
        except (UnicodeDecodeError, csv.Error) as error:
            unusable = str(error)
        self.close()
        raise SourceUnreachable(f"{self._path}: the first row, which names the columns, cannot be read: {unusable}")

    def _object(self, row: bytes) -> tuple[bytes, str | None]:
        """The row as an object of its columns, without those that are empty."""
        try:
            cells = _cells(row)
        except (UnicodeDecodeError, csv.Error) as error:
            return row, f"the row cannot be read: {error}"
        if len(cells) > len(self._columns):
            return row, f"a row of {len(cells)} cells, where the first one has {len(self._columns)}"
        named = zip(self._columns, cells, strict=False)
        try:
            return msgspec.json.encode(row_object((column, cell) for column, cell in named if cell)), None
        except ValueError as error:
            return row, str(error)


def _cells(row: bytes) -> list[str]:
    return next(csv.reader([row.decode().rstrip("\r\n")], strict=True), [])


def _unpacked(path: Path) -> BinaryIO:
    endings = suffixes(path)
    if ".gz" in endings:
        return cast(BinaryIO, gzip.open(path, "rb"))
    if ".zst" in endings:
        import zstandard

        return io.BufferedReader(cast(io.RawIOBase, zstandard.open(path, "rb")))
    return path.open("rb")
