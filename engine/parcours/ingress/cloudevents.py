"""Which CloudEvents does a request bring? Those of each of the three modes in which they come by HTTP.

The mode is told by the Content-Type. The binary one has a header of its own, and its data may have any type or none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final, Literal, TypeAlias
from urllib.parse import unquote

import msgspec

from parcours.ingress.body_bounds import too_large
from parcours.ingress.call_lines import CallLines
from parcours.ingress.call_mending import Terms
from parcours.ingress.exchange import Problem
from parcours.ingress.segment_http import BATCH_CALLS_MAX, checked
from parcours.segment.cloudevents import (
    NO_TEXT,
    STRUCTURED,
    Attributes,
    NoCloudEvent,
    attributes_beside,
    attributes_of,
    call_of,
    message_id_of,
)
from parcours.segment.line import UNREADABLE

Mode: TypeAlias = Literal["structured", "batch", "binary"]

BATCH: Final = "application/cloudevents-batch+json"
PREFIX: Final = "ce-"
"""What the names of headers begin with that are attributes."""

_array = msgspec.json.Decoder(list[msgspec.Raw]).decode


def mode_of(headers: Mapping[str, str]) -> Mode:
    """In which mode a request comes. Raises Problem for one that brings no CloudEvents."""
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type == STRUCTURED:
        return "structured"
    if media_type == BATCH:
        return "batch"
    if "ce-specversion" in headers:
        return "binary"
    raise Problem(415, "encoding", f"CloudEvents come as {STRUCTURED}, as {BATCH}, or with the header ce-specversion")


def read(
    mode: Mode, headers: Mapping[str, str], body: bytes, terms: Terms, cloud_types: Mapping[str, str]
) -> CallLines:
    """The calls of a request. Raises Problem where there is no JSON of its mode.

    cloud_types  the event of each type that is not called like its event
    """
    if mode != "batch" and len(body) > terms.event_bytes_max:
        raise too_large(terms.event_bytes_max)
    body, looks_closely = checked(body)
    lines = CallLines(replace(terms, looks_closely=looks_closely))
    for event in _events(mode, body):
        message_id: str | None = None
        try:
            attributes = _beside(headers, event) if mode == "binary" else attributes_of(event)
            message_id = message_id_of(attributes)
            lines.add(call_of(attributes, message_id, cloud_types))
        except NoCloudEvent as reason:
            lines.refuse(message_id, str(reason))
    return lines


def _events(mode: Mode, body: bytes) -> list[bytes]:
    """What there is of each event in the body."""
    if mode != "batch":
        return [body]
    try:
        events = _array(body)
    except UNREADABLE as error:
        raise Problem(400, "invalid", f"the body cannot be read: {error}") from None
    if len(events) > BATCH_CALLS_MAX:
        raise Problem(400, "invalid", f"the batch has {len(events)} events, more than {BATCH_CALLS_MAX}")
    return [bytes(event) for event in events]


def _beside(headers: Mapping[str, str], body: bytes) -> Attributes:
    """Those of the event whose attributes are headers."""
    told = {name.removeprefix(PREFIX): value for name, value in headers.items() if name.startswith(PREFIX)}
    return attributes_beside({name: _unquoted(value) for name, value in told.items()}, body)


def _unquoted(value: str) -> object:
    """The text of a header's value, NO_TEXT if it is none."""
    try:
        return unquote(value, errors="strict")
    except UnicodeDecodeError:
        return NO_TEXT
