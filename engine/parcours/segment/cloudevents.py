"""What does a CloudEvent tell? A call of the event format, whatever has carried it.

Whatever is no attribute of CloudEvents is an extension; those that are read say whose the event is, and of which type
the call is.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b
from typing import Final, TypeAlias

import msgspec

from parcours.segment.line import UNREADABLE

Attributes: TypeAlias = Mapping[str, msgspec.Raw]
"""The attributes of an event as JSON, its `data` among them; those that have no value are left out."""

STRUCTURED: Final = "application/cloudevents+json"
"""The Content-Type of an event that is one JSON object with all of its attributes."""

REQUIRED: Final = ("specversion", "id", "source", "type")

MESSAGE_ID_BYTES_MAX: Final = 512
"""A source and an id that are longer are known by their hash."""

NO_TEXT: Final = ()
"""Stands for an attribute that cannot be read: two that cannot would else be the same text, and the same person."""

_object = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_text = msgspec.json.Decoder(str).decode
_encode = msgspec.json.Encoder().encode
_NOTHING: Final = (b"", b"null")


class NoCloudEvent(ValueError):
    """An event that cannot be used; the first argument says why."""


def attributes_of(event: bytes) -> Attributes:
    """The attributes of an event in structured mode. Raises NoCloudEvent."""
    try:
        return _present(_object(event))
    except UNREADABLE as error:
        raise NoCloudEvent(f"not a CloudEvent: {error}") from None


def attributes_beside(told: Mapping[str, object], data: bytes) -> Attributes:
    """Those of one in binary mode, where they stand beside the data. One that is no text is NO_TEXT."""
    return _present({name: msgspec.Raw(_encode(value)) for name, value in told.items()} | {"data": msgspec.Raw(data)})


def message_id_of(attributes: Attributes) -> str:
    """By what the event is known again. Raises NoCloudEvent for one that lacks what every event has."""
    for name in REQUIRED:
        if not _attribute(attributes, name):
            raise NoCloudEvent(f"the attribute {name} is missing")
    if not _attribute(attributes, "specversion").startswith("1."):
        raise NoCloudEvent("a specversion that is not 1.x")
    known = f"{_attribute(attributes, 'source')} {_attribute(attributes, 'id')}"
    if len(known.encode()) <= MESSAGE_ID_BYTES_MAX:
        return known
    return blake2b(known.encode(), digest_size=16).hexdigest()


def call_of(attributes: Attributes, message_id: str, cloud_types: Mapping[str, str]) -> bytes:
    """The event as a call. Raises NoCloudEvent.

    cloud_types  the event of each type that is not called like its event
    """
    kind = _attribute(attributes, "parcourstype") or "track"
    call: dict[str, object] = {"type": kind, "messageId": message_id}
    for name, given in (("userId", ("userid", "subject")), ("anonymousId", ("anonymousid",)), ("timestamp", ("time",))):
        attribute = next((each for each in given if each in attributes), None)
        if attribute is not None:
            call[name] = attributes[attribute]
    return _encode(call | _told(kind, attributes, cloud_types))


def _present(attributes: Attributes) -> Attributes:
    return {name: raw for name, raw in attributes.items() if bytes(raw).strip() not in _NOTHING}


def _attribute(attributes: Attributes, name: str) -> str:
    """The text of an attribute, empty if it is not there."""
    if name not in attributes:
        return ""
    try:
        return _text(attributes[name])
    except UNREADABLE:
        raise NoCloudEvent(f"the attribute {name} is not a text") from None


def _told(kind: str, attributes: Attributes, cloud_types: Mapping[str, str]) -> dict[str, object]:
    """What a call of this type tells, from the data."""
    if "data_base64" in attributes:
        raise NoCloudEvent("data_base64 is not read: a JSON object is expected as data")
    data = attributes.get("data", msgspec.Raw(b"{}"))
    try:
        members = _object(data)
    except UNREADABLE:
        raise NoCloudEvent("data is not an object") from None
    if kind == "track":
        named = _attribute(attributes, "type")
        return {"event": cloud_types.get(named, named), "properties": data}
    if kind == "identify":
        return {"traits": data}
    if kind == "consent":
        return {name: members[name] for name in ("channel", "purpose", "granted") if name in members}
    if kind == "alias":
        return {name: members[name] for name in ("previousId",) if name in members}
    raise NoCloudEvent(f"parcourstype {kind!r:.64}: identify, consent and alias are known, and track without it")
