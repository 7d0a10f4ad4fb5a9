"""What is a row of a CSV or NDJSON file, and what keeps a file from being read? The same for a check and for a run.

CSV is that of RFC 4180: quotes may hold commas, quotes in pairs and line breaks. NDJSON is an object a line, and its
numbers are read as they are written. Both are UTF-8, with a mark at the beginning or without.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import IO, Any, Final, NoReturn, TextIO

from parcours.surrogates import mended_value
from parcours.wording import bounded

ROW_CHARACTERS_MAX: Final = 1_000_000
"""Of a row with more a quote or a line break is missing, or it is no such file at all."""

REASON_CHARACTERS_MAX: Final = 300
"""Of what a library has against a file."""

NO_HEADER: Final = "it has no header"

_UNCLOSED: Final = ": perhaps a quote is not closed"


class Unreadable(Exception):
    """What a file has against being read, and the line, if it is one's."""

    def __init__(self, reason: str, line: int | None = None) -> None:
        super().__init__(reason, line)
        self.reason, self.line = reason, line


class NoRow(Unreadable):
    """Of NDJSON without a row, of which nothing tells the columns: it is a list of nothing, and as such read."""

    def __init__(self) -> None:
        super().__init__("it has no row, by which its columns would be known")


def told(file: str, error: Exception) -> str:
    """The file, by the name under which its author knows it, the line if there is one, and what is wrong there."""
    if isinstance(error, Unreadable):
        where = file if error.line is None else f"{file}, line {error.line}"
        return f"{where}: {bounded(error.reason, REASON_CHARACTERS_MAX)}"
    reason = getattr(error, "strerror", None) or str(error)
    return f"{file}: it cannot be read: {bounded(reason, REASON_CHARACTERS_MAX)}"


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
def text_lines(opened: Callable[[], IO[bytes]]) -> Iterator[Lines]:
    """The lines of a file that `opened` opens, which it does again to find a line. Raises OSError and Unreadable."""
    with io.TextIOWrapper(opened(), encoding="utf-8-sig", newline="") as file:
        try:
            yield Lines(file)
        except UnicodeDecodeError as error:
            with opened() as again:
                raise Unreadable("it is not UTF-8", _first_undecodable(again)) from error


def csv_rows(lines: Lines) -> Iterator[tuple[int, list[str]]]:
    """Each row, the header too, with the line in which it begins. Raises Unreadable."""
    reader = csv.reader(iter(lines), strict=True)
    line = 1
    try:
        for row in reader:
            yield line, row
            line = reader.line_num + 1
            lines.row_characters = 0
    except csv.Error as error:
        raise Unreadable(f"{error}{_UNCLOSED}", line) from error
    except Unreadable as error:
        raise Unreadable(f"{error.reason}{_UNCLOSED}", line) from error


def ndjson_rows(lines: Lines) -> Iterator[tuple[int, dict[str, Any]]]:
    """Each object with its line; lines with nothing in them are passed over. Raises Unreadable."""
    number = 0
    try:
        for number, line in enumerate(lines, start=1):
            lines.row_characters = 0
            if line.strip():
                yield number, _object(line, number)
    except Unreadable as error:
        raise Unreadable(error.reason, error.line or number + 1) from error


def _object(line: str, number: int) -> dict[str, Any]:
    try:
        row = _JSON.decode(line)
    except json.JSONDecodeError as error:  # its own words count lines from this one
        raise Unreadable(f"this is no JSON: {error.msg}: character {error.pos + 1}", number) from error
    except (ValueError, RecursionError) as error:  # a whole number of thousands of digits is a ValueError, too
        raise Unreadable(f"this is no JSON: {error}", number) from error
    if not isinstance(row, dict):
        raise Unreadable("this is no JSON object", number)
    return {str(key): mended_value(value) for key, value in row.items()} if "\\u" in line else row


def _no_json(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number")


_JSON: Final = json.JSONDecoder(parse_float=Decimal, parse_constant=_no_json)


def _first_undecodable(file: IO[bytes]) -> int | None:
    """The first line that is not UTF-8: decoding goes by blocks, and has not kept count of lines."""
    line, unfinished = 1, b""
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
