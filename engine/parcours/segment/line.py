"""A line decoded in three depths: the ids by which it is routed, the envelope of a call, and all details of a call.

Properties stay bytes until somebody needs them. A line that cannot be used raises `Unusable` with a reason in words;
the lines around it are not affected.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated, TypeVar

import msgspec

from parcours.config import DAY_MS, Settings
from parcours.core.storable import objection
from parcours.core.time_text import time_text
from parcours.instants import EPOCH, LATEST_MS
from parcours.journey.program import PAGE_EVENTS
from parcours.segment.json_members import with_text
from parcours.surrogates import mended_json, mended_text

T = TypeVar("T")

UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What a decoder raises for a line that is no call."""

Zoned = Annotated[datetime, msgspec.Meta(tz=True)]

REASON_BYTES_MAX = 256
"""Longest reason for which a line is not used, in UTF-8: a sentence with a name or two. A reason quotes what the line
says; unbounded, the answer to a batch of rejected lines would be as long as the batch, and escaped even longer.
"""


class Unusable(Exception):
    """A line that cannot be used; the first argument says why."""

    def __init__(self, reason: str) -> None:
        super().__init__(bounded_reason(reason))


def bounded_reason(reason: str) -> str:
    """The reason, cut off where it becomes too long to be told."""
    encoded = reason.encode(errors="replace")
    if len(encoded) <= REASON_BYTES_MAX:
        return reason
    return encoded[: REASON_BYTES_MAX - len("…".encode())].decode(errors="ignore") + "…"


class Routing(msgspec.Struct, frozen=True, rename="camel", gc=False):
    """The part of a line that routing needs: the ids of its person."""

    user_id: str | None = None
    anonymous_id: str | None = None


class Call(msgspec.Struct, frozen=True, rename="camel", gc=False):
    """A call's envelope. Keys that are not named here are ignored, explicit nulls count as absent.

    It is all that is read of a track call, of which most lines are: each further field costs every one of them.
    """

    type: str
    event: str | None = None
    user_id: str | None = None
    anonymous_id: str | None = None
    message_id: str | None = None
    timestamp: Zoned | None = None
    properties: msgspec.Raw = msgspec.Raw()


class DetailedCall(Call, frozen=True, rename="camel", gc=False):
    """A call of any other type, with what such calls tell besides."""

    traits: msgspec.Raw = msgspec.Raw()
    reaction: str | None = None
    journey: str | None = None
    campaign: str | None = None
    step: str | None = None
    channel: str | None = None
    link: str | None = None
    purpose: str | None = None
    granted: bool | None = None
    answer: msgspec.Raw = msgspec.Raw()
    key: str | None = None
    person: str | None = None
    code: str | None = None
    machine: bool | None = None
    by_link: bool | None = None
    address: str | None = None
    report_id: str | None = None
    suppressed: bool | None = None
    proposition: str | None = None
    mark: str | None = None
    decisions: msgspec.Raw = msgspec.Raw()
    request_id: str | None = None
    dry: msgspec.Raw = msgspec.Raw()
    previous_id: msgspec.Raw = msgspec.Raw()
    name: msgspec.Raw = msgspec.Raw()
    category: msgspec.Raw = msgspec.Raw()
    context: msgspec.Raw = msgspec.Raw()


NAMES = (
    "userId", "anonymousId", "previousId", "messageId", "event", "key", "person", "journey", "campaign", "step",
    "channel", "purpose", "address", "proposition", "requestId",
)  # fmt: skip
"""The fields of a line that name something."""


class Timing(msgspec.Struct, frozen=True, rename="camel", gc=False):
    """The part of a line that sorting needs."""

    timestamp: Zoned | None = None
    effective_at: Zoned | None = None


class Heading(Routing, frozen=True, rename="camel", gc=False):
    """What sorting and routing need, in one, and the type, by which lines are told apart that link names."""

    timestamp: Zoned | None = None
    effective_at: Zoned | None = None
    type: str | None = None


_heading = msgspec.json.Decoder(Heading)
_timing = msgspec.json.Decoder(Timing)
_routing = msgspec.json.Decoder(Routing)
_call = msgspec.json.Decoder(Call)
_detailed = msgspec.json.Decoder(DetailedCall)
_text = msgspec.json.Decoder(str | None)
_object = msgspec.json.Decoder(dict[str, object] | None)


def read_call(line: bytes) -> Call:
    """Decode a line's envelope, and the details of every call that is no track call."""
    envelope = read_envelope(line)
    return envelope if envelope.type == "track" else read_details(line)


decode_envelope = _call.decode
"""The first try of `read_envelope`, for whoever has no time for a call a line. Raises one of `UNREADABLE`."""


def read_envelope(line: bytes) -> Call:
    """Decode what every call has."""
    return _read(_call, line)


def read_details(line: bytes) -> DetailedCall:
    """Decode a line whose envelope is of another type than track."""
    return _read(_detailed, line)


def read_routing(line: bytes, settings: Settings) -> Routing:
    """Decode the ids alone. Raises Unusable for a line that is too long as well."""
    if len(line) > settings.event_bytes_max:
        raise too_long(settings)
    try:
        return _routing.decode(line)
    except UNREADABLE as error:  # written out: it is all that a router does with a line
        return _decode_mended(_routing, line, error)


def timestamp_of(line: bytes, settings: Settings) -> int:
    """The effective time of a recorded line, in ms. Raises Unusable for a line that is too long as well."""
    if len(line) > settings.event_bytes_max:
        raise too_long(settings)
    timing = _read(_timing, line)
    return instant(timing.effective_at or timing.timestamp)


def read_heading(line: bytes, settings: Settings) -> tuple[int, str, str | None]:
    """The effective time of a recorded line, in ms, its user id, and its type, None where that is not known.

    The user id is empty unless that alone says whose the line is. Raises Unusable for the same lines as `timestamp_of`.
    """
    if len(line) <= settings.event_bytes_max:
        try:
            heading = _heading.decode(line)
        except UNREADABLE:
            return timestamp_of(line, settings), "", None  # what is wrong with it is told when the line is sent
        user_id = heading.user_id
        at = instant(heading.effective_at or heading.timestamp)
        return at, "" if not user_id or user_id[0] == "@" else user_id, heading.type
    raise too_long(settings)


def instant(timestamp: datetime | None) -> int:
    """A recorded call's own timestamp in ms. Without one it cannot be put in order."""
    if timestamp is None:
        raise Unusable("no timestamp")
    since = timestamp - EPOCH  # `ceil_ms`, written out: each line of a recording comes through here
    at = since.days * DAY_MS + since.seconds * 1_000 + (since.microseconds + 999) // 1_000
    if not 0 <= at < LATEST_MS:
        raise Unusable(f"the timestamp {timestamp.isoformat()} is not of the years 1970 to 9997")
    return at


def corrected(at: int, skew_ms: int) -> int:
    """A time by a clock that is behind by so much, in ms; within the years in which a line can be."""
    return min(max(0, at + skew_ms), LATEST_MS - 1)


def corrected_line(line: bytes, call: Call, skew_ms: int) -> bytes:
    """The line with the timestamp that its own one means, for whoever keeps it: the correction does not go along."""
    if call.timestamp is None or not skew_ms:
        return line
    return with_text(line, "timestamp", time_text(corrected(instant(call.timestamp), skew_ms)))


def properties_of(call: Call) -> dict[str, object]:
    """The event's properties; a page or screen call's name and category are among them."""
    properties = decode_object(call.properties, "properties")
    if not isinstance(call, DetailedCall) or call.type not in PAGE_EVENTS:
        return properties
    told = {"name": decode_text(call.name, "name"), "category": decode_text(call.category, "category")}
    return {**{name: text for name, text in told.items() if text is not None}, **properties}


def too_long(settings: Settings) -> Unusable:
    """What is said of a line above the limit."""
    return Unusable(f"longer than event_bytes_max={settings.event_bytes_max}")


def _read(decoder: msgspec.json.Decoder[T], line: bytes) -> T:
    try:
        return decoder.decode(line)
    except UNREADABLE as error:
        return _decode_mended(decoder, line, error)


def _decode_mended(decoder: msgspec.json.Decoder[T], line: bytes, error: Exception) -> T:
    """Decode a line again in which values hold halves of surrogate pairs, which no decoder takes."""
    mended = mended_json(line) if isinstance(error, msgspec.DecodeError) else line
    if mended != line:
        try:
            if _has_halved_names(line):
                raise Unusable("not a call: half of a surrogate pair in an id or a name")
            return decoder.decode(mended)
        except (ValueError, RecursionError):
            pass
    if "got `object` - at `$.event`" in str(error):
        raise Unusable(
            "event is the name of a track call's event: what a decision is to know of goes on a track line before it"
        ) from None
    raise Unusable(f"not a call: {error}") from None


def _has_halved_names(line: bytes) -> bool:
    """Whether an id or a name holds half of a surrogate pair: to mend it would make another one of it."""
    call = json.loads(line)
    named = [call.get(name) for name in NAMES] if isinstance(call, dict) else []
    return any(isinstance(each, str) and mended_text(each) != each for each in named)


def decode_text(raw: msgspec.Raw, name: str) -> str | None:
    """Decode the value of a key that holds a text; None where the line has no such key."""
    try:
        return _text.decode(raw) if bytes(raw) else None
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Unusable(f"{name} is not a text: {error}") from None


def decode_object(raw: msgspec.Raw, name: str) -> dict[str, object]:
    """Decode the value of a key that holds an object; empty where the line has no such key."""
    text = bytes(raw)
    if not text:
        return {}
    try:
        decoded = _object.decode(text)
    except UNREADABLE as error:
        if "out of range" in str(error):  # that is all the decoder says of it, wherever the number stands
            raise Unusable(f"{name}: a number is out of range, as 1e999 is") from None
        raise Unusable(f"{name} is not an object: {error}") from None
    reason = objection(decoded, text.count(b"{") + text.count(b"["))
    if reason is not None:
        raise Unusable(f"{name} with {reason}")
    return decoded or {}
