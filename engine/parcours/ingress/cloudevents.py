"""What does a CloudEvent tell? A call of the event format, in each of the three modes in which it comes by HTTP.

The mode is told by the Content-Type. The binary one has a header of its own, and its data may have any type or none.
Whatever is no attribute of CloudEvents is an extension; those that are read say whose the event is, and of which type
the call is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from hashlib import blake2b
from typing import Final, Literal, TypeAlias
from urllib.parse import unquote

import msgspec

from parcours.ingress.body_bounds import too_large
from parcours.ingress.call_lines import CallLines
from parcours.ingress.call_mending import Refused, Terms
from parcours.ingress.exchange import Problem
from parcours.ingress.segment_http import BATCH_CALLS_MAX, checked
from parcours.segment.line import UNREADABLE

Mode: TypeAlias = Literal["structured", "batch", "binary"]
Attributes: TypeAlias = dict[str, msgspec.Raw]

STRUCTURED: Final = "application/cloudevents+json"
BATCH: Final = "application/cloudevents-batch+json"
PREFIX: Final = "ce-"
"""What the names of headers begin with that are attributes."""

REQUIRED: Final = ("specversion", "id", "source", "type")

MESSAGE_ID_BYTES_MAX: Final = 512
"""A source and an id that are longer are known by their hash."""

NO_TEXT: Final = ()
"""Stands for an attribute that cannot be read: two that cannot would else be the same text, and the same person."""

_array = msgspec.json.Decoder(list[msgspec.Raw]).decode
_object = msgspec.json.Decoder(Attributes).decode
_text = msgspec.json.Decoder(str).decode
_encode = msgspec.json.Encoder().encode
_NOTHING: Final = (b"", b"null")


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
    for event in _events(mode, headers, body):
        message_id: str | None = None
        try:
            attributes = _present(event)
            message_id = _message_id(attributes)
            lines.add(_line(attributes, message_id, cloud_types))
        except Refused as reason:
            lines.refuse(message_id, str(reason))
    return lines


def _events(mode: Mode, headers: Mapping[str, str], body: bytes) -> list[bytes]:
    """Each event as the JSON object that it is in structured mode."""
    if mode == "structured":
        return [body]
    if mode == "binary":
        return [_of_headers(headers, body)]
    try:
        events = _array(body)
    except UNREADABLE as error:
        raise Problem(400, "invalid", f"the body cannot be read: {error}") from None
    if len(events) > BATCH_CALLS_MAX:
        raise Problem(400, "invalid", f"the batch has {len(events)} events, more than {BATCH_CALLS_MAX}")
    return [bytes(event) for event in events]


def _of_headers(headers: Mapping[str, str], body: bytes) -> bytes:
    """The event whose attributes are headers. One that is no UTF-8 is told as what no reader takes for a text."""
    told = {name.removeprefix(PREFIX): value for name, value in headers.items() if name.startswith(PREFIX)}
    attributes = {name: _unquoted(value) for name, value in told.items()}
    attributes.pop("data", None)
    written = _encode(attributes)
    if not body.strip():
        return written
    return written[:-1] + b',"data":' + body + b"}"


def _unquoted(value: str) -> object:
    """The text of a header's value, NO_TEXT if it is none."""
    try:
        return unquote(value, errors="strict")
    except UnicodeDecodeError:
        return NO_TEXT


def _present(event: bytes) -> Attributes:
    """The attributes that have a value."""
    try:
        return {name: raw for name, raw in _object(event).items() if bytes(raw) not in _NOTHING}
    except UNREADABLE as error:
        raise Refused(f"not a CloudEvent: {error}") from None


def _message_id(attributes: Attributes) -> str:
    """By what the event is known again. Raises Refused for one that lacks what every event has."""
    for name in REQUIRED:
        if not _attribute(attributes, name):
            raise Refused(f"the attribute {name} is missing")
    if not _attribute(attributes, "specversion").startswith("1."):
        raise Refused("a specversion that is not 1.x")
    known = f"{_attribute(attributes, 'source')} {_attribute(attributes, 'id')}"
    if len(known.encode()) <= MESSAGE_ID_BYTES_MAX:
        return known
    return blake2b(known.encode(), digest_size=16).hexdigest()


def _attribute(attributes: Attributes, name: str) -> str:
    """The text of an attribute, empty if it is not there."""
    if name not in attributes:
        return ""
    try:
        return _text(attributes[name])
    except UNREADABLE:
        raise Refused(f"the attribute {name} is not a text") from None


def _line(attributes: Attributes, message_id: str, cloud_types: Mapping[str, str]) -> bytes:
    """The event as a call."""
    kind = _attribute(attributes, "parcourstype") or "track"
    call: dict[str, object] = {"type": kind, "messageId": message_id}
    for name, given in (("userId", ("userid", "subject")), ("anonymousId", ("anonymousid",)), ("timestamp", ("time",))):
        attribute = next((each for each in given if each in attributes), None)
        if attribute is not None:
            call[name] = attributes[attribute]
    return _encode(call | _told(kind, attributes, cloud_types))


def _told(kind: str, attributes: Attributes, cloud_types: Mapping[str, str]) -> dict[str, object]:
    """What a call of this type tells, from the data."""
    if "data_base64" in attributes:
        raise Refused("data_base64 is not read: a JSON object is expected as data")
    data = attributes.get("data", msgspec.Raw(b"{}"))
    try:
        members = _object(data)
    except UNREADABLE:
        raise Refused("data is not an object") from None
    if kind == "track":
        named = _attribute(attributes, "type")
        return {"event": cloud_types.get(named, named), "properties": data}
    if kind == "identify":
        return {"traits": data}
    if kind == "consent":
        return {name: members[name] for name in ("channel", "purpose", "granted") if name in members}
    if kind == "alias":
        return {name: members[name] for name in ("previousId",) if name in members}
    raise Refused(f"parcourstype {kind!r:.64}: identify, consent and alias are known, and track without it")
