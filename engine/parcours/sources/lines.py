"""What a message of a log becomes: a line of the event format, or one that is set aside with the reason."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import msgspec

from parcours.core.time_text import time_text
from parcours.segment.json_members import with_member
from parcours.shard.unusable import unusable_line
from parcours.source import Line

MakeLine: TypeAlias = Callable[[Line, str], bytes]
"""The line of the event format that a message of a partition means. Raises ValueError, which says why it is none."""


class _Timed(msgspec.Struct):
    timestamp: msgspec.Raw = msgspec.Raw()


_read_timed = msgspec.json.Decoder(_Timed).decode


def as_it_is(line: Line, partition: str) -> bytes:
    """A message that has the shape of Segment's spec. Where it tells no time, its time is that of the log."""
    del partition
    value = line.value or b""
    if line.timestamp_ms is None:
        return value
    try:
        told = bytes(_read_timed(value).timestamp)
    except msgspec.DecodeError:
        return value  # the shard says what is wrong with it
    if told not in (b"", b"null"):
        return value
    return with_member(value, "timestamp", b'"%b"' % time_text(line.timestamp_ms).encode())


def line_of(line: Line, partition: str, make: MakeLine) -> bytes | None:
    """What is handed in of a message; None where nothing is, as of one that says only that its key is gone."""
    if line.unusable is not None:
        return unusable_line(line.unusable, line.value or b"")
    if line.value is None:
        return None
    try:
        return make(line, partition)
    except ValueError as reason:
        return unusable_line(str(reason), line.value)
