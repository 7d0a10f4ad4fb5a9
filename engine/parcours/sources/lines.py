"""What a message of a log becomes: a line of the event format, or one that is set aside with the reason."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, TypeAlias

import msgspec

from parcours.core.time_text import time_text
from parcours.segment.cloudevents import (
    NO_TEXT,
    STRUCTURED,
    Attributes,
    attributes_beside,
    attributes_of,
    call_of,
    message_id_of,
)
from parcours.segment.json_members import with_member
from parcours.shard.unusable import unusable_line
from parcours.source import Line

CloudTypes: TypeAlias = Mapping[str, str]
"""The event of each type of CloudEvents that is not called like its event."""

MakeLine: TypeAlias = Callable[[Line, str, CloudTypes], bytes]
"""The line of the event format that a message of a partition means. Raises ValueError, which says why it is none."""

NO_TYPES: Final = MappingProxyType[str, str]({})

PREFIXES: Final = ("ce_", "ce-")
"""What the names of headers begin with that are attributes of a CloudEvent: in Kafka, and elsewhere."""

VERSIONS: Final = tuple(f"{prefix}specversion" for prefix in PREFIXES)
"""Headers that an event has whose attributes are headers, and no other message."""


class _Timed(msgspec.Struct):
    timestamp: msgspec.Raw = msgspec.Raw()


_read_timed = msgspec.json.Decoder(_Timed).decode


def as_it_is(line: Line, partition: str, cloud_types: CloudTypes = NO_TYPES) -> bytes:
    """A message that has the shape of Segment's spec, or is a CloudEvent.

    Where it tells no time, its time is that of the log.
    """
    del partition
    value = line.value or b""
    if line.headers and (attributes := _cloud_event(line)) is not None:
        value = call_of(attributes, message_id_of(attributes), cloud_types)
    if line.timestamp_ms is None:
        return value
    try:
        told = bytes(_read_timed(value).timestamp)
    except msgspec.DecodeError:
        return value  # the shard says what is wrong with it
    if told not in (b"", b"null"):
        return value
    return with_member(value, "timestamp", b'"%b"' % time_text(line.timestamp_ms).encode())


def line_of(line: Line, partition: str, make: MakeLine, cloud_types: CloudTypes = NO_TYPES) -> bytes | None:
    """What is handed in of a message; None where nothing is, as of one that says only that its key is gone."""
    if line.unusable is not None:
        return unusable_line(line.unusable, line.value or b"")
    if line.value is None and not _tells_by_headers(line):
        return None
    try:
        return make(line, partition, cloud_types)
    except ValueError as reason:
        return unusable_line(str(reason), line.value or b"")


def _cloud_event(line: Line) -> Attributes | None:
    """The attributes of a message that is a CloudEvent, None for any other one."""
    value = line.value or b""
    for name, told in line.headers:
        if name.lower() == "content-type":
            if told.partition(b";")[0].strip().lower() == STRUCTURED.encode():
                return attributes_of(value)
    return attributes_beside(_attributes(line), value) if _tells_by_headers(line) else None


def _tells_by_headers(line: Line) -> bool:
    """Whether it is a CloudEvent whose attributes are headers; such a one may have no value."""
    return any(name in VERSIONS for name, _ in line.headers)


def _attributes(line: Line) -> dict[str, object]:
    told = {name[3:]: value for name, value in line.headers if name.startswith(PREFIXES)}
    return {name: _text(value) for name, value in told.items()}


def _text(value: bytes) -> object:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return NO_TEXT
