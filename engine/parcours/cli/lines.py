"""Input lines: an events file, gzip or plain, read line by line with bounded memory."""

from __future__ import annotations

import gzip
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from io import BufferedReader, RawIOBase
from pathlib import Path
from typing import Any, BinaryIO, cast

from parcours.errors import CallerError, naming

LINE_BYTES_MAX = 16 * 1024 * 1024
"""Bytes of a line held in memory. The engine accepts far less, so a line cut here is rejected there; the inputs of a
store have all documents of a project in one line."""

REPORTS_MAX = 20
"""Lines reported one by one; a file's mistake shows in its first lines."""

STANDARD_INPUT = "-"
GZIP_MAGIC = b"\x1f\x8b"

BOM = b"\xef\xbb\xbf"
"""The byte order mark that some programs put before UTF-8 text; it is not part of a line."""


def read_lines(source: str) -> Iterator[bytes]:
    """The lines of a file, or of standard input for `-`, without their ends; gzip is recognised by content.

    A line longer than LINE_BYTES_MAX comes cut to one byte more. Raises OSError where the file cannot be opened,
    CallerError where compressed data are damaged.
    """
    with ExitStack() as opened:
        file: BufferedReader[Any]
        if source == STANDARD_INPUT:
            # A buffer of our own, because a replacement of standard input may not support `peek`.
            file = BufferedReader(cast("RawIOBase", sys.stdin.buffer))
            opened.callback(file.detach)
        else:
            file = opened.enter_context(Path(source).open("rb"))
        unpacked: BinaryIO = file
        if file.peek(2)[:2] == GZIP_MAGIC:
            unpacked = cast("BinaryIO", opened.enter_context(gzip.open(file)))
        try:
            with naming(source):
                yield from split_lines(unpacked)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise CallerError(f"{source}: the compressed data is damaged: {error}.") from error


def split_lines(file: BinaryIO) -> Iterator[bytes]:
    """The lines of an open file, without their ends, each at most one byte longer than LINE_BYTES_MAX."""
    lines = iter(partial(file.readline, LINE_BYTES_MAX + 1), b"")
    for number, line in enumerate(lines):
        if len(line) > LINE_BYTES_MAX:
            _skip_rest(file, line)
        yield (line if number else line.removeprefix(BOM)).rstrip(b"\r\n")


def _skip_rest(file: BinaryIO, start: bytes) -> None:
    """Read on to the end of a line that begins so."""
    rest = start
    while len(rest) > LINE_BYTES_MAX and not rest.endswith(b"\n"):
        rest = file.readline(LINE_BYTES_MAX + 1)


class Rejections:
    """Reports lines that cannot be used: the first ones singly, then how many more there were.

    keep   called with every one of them
    named  what a line of a number is called
    """

    def __init__(
        self,
        write: Callable[[str], None],
        reports_max: int = REPORTS_MAX,
        keep: Callable[[int, str], None] = lambda number, reason: None,
        named: Callable[[int], str] = lambda number: f"line {number:,}",
    ) -> None:
        self._write = write
        self._keep = keep
        self._named = named
        self._reports_max = reports_max
        self.count = 0

    def __call__(self, number: int, reason: str) -> None:
        """Report that line `number` (from 1) is rejected for this reason."""
        self.count += 1
        self._keep(number, reason)
        if self.count <= self._reports_max:
            self._write(f"{self._named(number)} is left out: {reason}")

    def close(self, kept_in: Path | None = None) -> None:
        """Report how many lines were not named singly, and where all of them are listed."""
        more = self.count - self._reports_max
        if more > 0:
            where = f"; all of them are in {kept_in}" if kept_in is not None else ""
            self._write(f"and {more:,} more {'line is' if more == 1 else 'lines are'} left out{where}")
