"""The messages of a log as lines of a file: how a recording stands for a source that is no file."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final, TypeAlias

import msgspec
from msgspec.structs import replace

from parcours.instants import floor_ms
from parcours.source import Line

FIRST_PARTITION: Final = "0"

Instant: TypeAlias = Annotated[datetime, msgspec.Meta(tz=True)] | int


class _Message(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an expression of a map sees of a message, under the same names.

    value      JSON as it is, or what else the message holds as a text; null for one that says that its key is gone
    timestamp  ISO 8601 with a zone, or ms since 1970
    """

    value: msgspec.Raw = msgspec.Raw(b"null")
    key: str | int | None = None
    headers: dict[str, str] = {}
    partition: str | int = FIRST_PARTITION
    offset: int | None = None
    timestamp: Instant | None = None


_decode = msgspec.json.Decoder(_Message).decode


def message_of(line: Line) -> tuple[Line, str]:
    """The message that a line of a file tells, and its partition. One that tells none is told as unusable."""
    if line.unusable is not None:
        return line, FIRST_PARTITION
    try:
        told = _decode(line.value or b"")
        return _line(told, line.offset), str(told.partition)
    except (msgspec.MsgspecError, ValueError) as error:
        return replace(line, unusable=f"no message of a log: {error}"), FIRST_PARTITION


def _line(told: _Message, number: int) -> Line:
    value = bytes(told.value)
    if value.startswith(b'"'):
        value = msgspec.json.decode(value, type=str).encode()
    at = told.timestamp
    return Line(
        number if told.offset is None else told.offset,
        None if value == b"null" else value,
        None if told.key is None else str(told.key).encode(),
        tuple((name, text.encode()) for name, text in told.headers.items()),
        floor_ms(at) if isinstance(at, datetime) else at,
    )
