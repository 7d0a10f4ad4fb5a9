"""The line codec: calls of Segment's spec and reports of providers as JSON lines, decoded in three depths.

The router decodes only the ids (`Routing`), the shard the envelope (`Call`), and the properties stay bytes until a
journey needs them. A line that cannot be used raises `Unusable` with a reason in words; the lines around it are not
affected.

A line of the type `feedback` is a provider's report of what became of a delivery. It names the delivery by its key and
no person, and is routed by the key. It can do no more than a `reaction` line, which callers may hand in as well, and
recordings of a live engine hold such lines; so it is accepted from every caller. A door that does not trust its callers
has to refuse both types.
"""

from __future__ import annotations

import json
from datetime import datetime
from hashlib import blake2b
from typing import Annotated, TypeGuard, TypeVar, get_args

import msgspec

from parcours.channel import CALL, Feedback, Reaction
from parcours.config import Settings
from parcours.core.delivery.delivery_key import KeyPlace, place_in
from parcours.core.delivery.feedback import OUTCOMES, is_possible
from parcours.core.identity import SlotMap, person_in, person_name
from parcours.core.input import (
    ConsentChanged,
    EventHappened,
    FeedbackArrived,
    Input,
    ReactionArrived,
    SuppressionChanged,
    TraitsChanged,
)
from parcours.core.storable import objection
from parcours.core.time_text import time_text
from parcours.expression.expression import MISSING, Scope
from parcours.instants import LATEST_MS, ceil_ms
from parcours.journey.program import PAGE_EVENTS, EventType, Program
from parcours.surrogates import mended_json, mended_text

T = TypeVar("T")

Zoned = Annotated[datetime, msgspec.Meta(tz=True)]

REPORTED: tuple[str, ...] = get_args(Reaction)
"""The reactions that a provider can report."""

FEEDBACK = "feedback"
"""The type of the line of a provider's report."""

REASON_BYTES_MAX = 256
"""Longest reason for which a line is not used, in UTF-8: a sentence with a name or two. A reason quotes what the line
says; unbounded, the answer to a batch of rejected lines would be as long as the batch, and escaped even longer.
"""

QUOTED_MAX = 64
"""Characters of a line that a reason quotes of one name, so that there is room for the rest of the sentence."""


def bounded_reason(reason: str) -> str:
    """The reason, cut off where it becomes too long to be told."""
    encoded = reason.encode(errors="replace")
    if len(encoded) <= REASON_BYTES_MAX:
        return reason
    return encoded[: REASON_BYTES_MAX - len("…".encode())].decode(errors="ignore") + "…"


class Unusable(Exception):
    """A line that cannot be used; the first argument says why."""

    def __init__(self, reason: str) -> None:
        super().__init__(bounded_reason(reason))


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
    step: str | None = None
    channel: str | None = None
    link: str | None = None
    purpose: str | None = None
    granted: bool | None = None
    answer: msgspec.Raw = msgspec.Raw()
    key: str | None = None
    code: str | None = None
    address: str | None = None
    suppressed: bool | None = None
    name: msgspec.Raw = msgspec.Raw()
    category: msgspec.Raw = msgspec.Raw()


NAMES = ("userId", "anonymousId", "messageId", "event", "key", "journey", "step", "channel", "purpose", "address")
"""The fields of a line that name something."""


class Timing(msgspec.Struct, frozen=True, gc=False):
    """The part of a line that sorting needs."""

    timestamp: Zoned | None = None


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


def read_envelope(line: bytes) -> Call:
    """Decode what every call has."""
    try:
        return _call.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        return _decode_mended(_call, line, error)


def read_details(line: bytes) -> DetailedCall:
    """Decode a line whose envelope is of another type than track."""
    try:
        return _detailed.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        return _decode_mended(_detailed, line, error)


def timestamp_of(line: bytes, settings: Settings) -> int:
    """The timestamp of a recorded line, in ms."""
    return instant(_decode(_timing, line, settings).timestamp)


def _too_long(settings: Settings) -> Unusable:
    return Unusable(f"longer than event_bytes_max={settings.event_bytes_max}")


def _decode(decoder: msgspec.json.Decoder[T], line: bytes, settings: Settings) -> T:
    if len(line) > settings.event_bytes_max:
        raise _too_long(settings)
    try:
        return decoder.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
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
    raise Unusable(f"not a call: {error}") from None


def _has_halved_names(line: bytes) -> bool:
    """Whether an id or a name holds half of a surrogate pair: to mend it would make another one of it."""
    call = json.loads(line)
    named = [call.get(name) for name in NAMES] if isinstance(call, dict) else []
    return any(isinstance(each, str) and mended_text(each) != each for each in named)


def route(line: bytes, program: Program, settings: Settings, slot_map: SlotMap) -> int:
    """The slot to which a line goes: of the person whom it is about, or of the delivery that a provider reports on."""
    routing = _decode(_routing, line, settings)
    user_id = routing.user_id
    if user_id and user_id[0] != "@":
        return slot_map.slot(user_id)
    person = person_name(user_id, routing.anonymous_id)
    if person is None:
        call = read_call(line)
        if is_report(call):
            return reported_place(call).slot
        person = keyed_person(call, program)
    return slot_map.slot(person)


def keyed_person(call: Call, program: Program) -> str:
    """The person named by the key of the call's event type, or of a rule-based type that it meets.

    Asked only where the call has no id of its own.
    """
    name = PAGE_EVENTS.get(call.type) or call.event or ""
    types = [each for each in (program.events.get(name), *program.derived.get(name, ())) if each and each.key]
    scope = Scope(event=properties_of(call)) if types else Scope()
    for declared in types:
        if declared.rule is None or declared.rule.holds(scope):
            person = _named_by(declared, scope)
            if person is not None:
                return person
    raise Unusable("names nobody: neither userId nor anonymousId, and no key of its event type")


def _named_by(declared: EventType, scope: Scope) -> str | None:
    if declared.key is None or declared.namespace is None:
        return None
    value = declared.key.value(scope)
    return None if value is MISSING else person_in(declared.namespace, value, caseless=declared.caseless)


def person_of(call: Call, program: Program, settings: Settings) -> str:
    """The call's person, after checking her id for what no store or provider can hold."""
    person = person_name(call.user_id, call.anonymous_id) or keyed_person(call, program)
    if len(person) > settings.id_bytes_max or len(person.encode()) > settings.id_bytes_max:
        raise Unusable(f"an id of {len(person.encode())} bytes, more than id_bytes_max={settings.id_bytes_max}")
    if "\0" in person:
        raise Unusable("an id with a NUL character")
    return person


def is_report(call: Call) -> TypeGuard[DetailedCall]:
    """Whether the call is a provider's report."""
    return call.type == FEEDBACK


def reported_place(call: DetailedCall) -> KeyPlace:
    """Where the delivery lives that a provider's report names."""
    if call.user_id or call.anonymous_id:
        raise Unusable("feedback names a delivery by its key, and nobody by an id")
    try:
        return place_in(call.key or "")
    except ValueError as error:
        raise Unusable(f"feedback for what has not left here: {error}") from None


def feedback_line(feedback: Feedback) -> bytes:
    """The line of a provider's report. A report that comes again is the same line, and counts once."""
    told = {name: value for name, value in msgspec.structs.asdict(feedback).items() if value is not None}
    at_ms = told.pop("at_ms", None)
    if at_ms is not None and 0 <= at_ms < LATEST_MS:  # a time that nobody can have told is none
        told["timestamp"] = time_text(at_ms)
    message_id = blake2b(msgspec.json.encode(feedback), digest_size=16).hexdigest()
    return msgspec.json.encode({"type": FEEDBACK, **told, "messageId": message_id})


def instant(timestamp: datetime | None) -> int:
    """A recorded call's own timestamp in ms. Without one it cannot be put in order."""
    if timestamp is None:
        raise Unusable("no timestamp")
    at = ceil_ms(timestamp)
    if not 0 <= at < LATEST_MS:
        raise Unusable(f"the timestamp {timestamp.isoformat()} is not of the years 1970 to 9997")
    return at


def check_call(line: bytes, program: Program, settings: Settings) -> None:
    """Raises Unusable for the line of a call that no shard would take.

    A shard looks no further into a call than its journeys do; here all of it is looked at.
    """
    if len(line) > settings.event_bytes_max:
        raise _too_long(settings)
    call = read_call(line)
    person_of(call, program, settings)
    check_message_id(call, settings)
    input_of(call, 0, program)


def check_message_id(call: Call, settings: Settings) -> None:
    """Raises Unusable for a message id that is too long to be remembered."""
    if call.message_id and len(call.message_id) > settings.id_bytes_max:
        raise Unusable(f"a messageId longer than id_bytes_max={settings.id_bytes_max}")


def event_name(call: Call) -> str | None:
    """The name of the event that the call is, None if it is no event."""
    if call.type == "track":
        if not call.event:
            raise Unusable("a track call without an event")
        return call.event
    return PAGE_EVENTS.get(call.type)


def input_of(call: Call, at: int, program: Program) -> Input | None:
    """The input that the call is to its person; None for an accepted call that does nothing."""
    name = event_name(call)
    if name is not None:
        return _event_input(call, name, at, program)
    assert isinstance(call, DetailedCall), "only a track call is read without its details"
    if call.type == "identify":
        return TraitsChanged(at, _decode_object(call.traits, "traits"))
    if call.type == "reaction":
        return _reaction_input(call, at)
    if call.type == FEEDBACK:
        return _feedback_input(call, at)
    if call.type == "group":
        return None
    if call.type == "alias":
        if not call.user_id:
            raise Unusable("an alias call needs the userId of the person who is known")
        return None  # accepted, though nobody is merged: a sender of Segment's calls sends them without being asked
    if call.type == "consent":
        return _consent_input(call, at)
    if call.type == "suppression":
        return _suppression_input(call, at)
    raise Unusable(f"unknown type {call.type!r:.{QUOTED_MAX}}")


def properties_of(call: Call) -> dict[str, object]:
    """The event's properties; a page or screen call's name and category are among them."""
    properties = _decode_object(call.properties, "properties")
    if not isinstance(call, DetailedCall) or call.type not in PAGE_EVENTS:
        return properties
    told = {"name": _decode_text(call.name, "name"), "category": _decode_text(call.category, "category")}
    return {**{name: text for name, text in told.items() if text is not None}, **properties}


def _event_input(call: Call, name: str, at: int, program: Program) -> EventHappened:
    properties = properties_of(call)
    timestamp = None if call.timestamp is None else instant(call.timestamp)
    return EventHappened(at, _names_of(name, properties, at, program), properties, timestamp)


def _names_of(name: str, properties: dict[str, object], at: int, program: Program) -> tuple[str, ...]:
    """The event's own name, and those of the rule-based types that it meets."""
    derived = program.derived.get(name)
    if not derived:
        return (name,)
    scope = Scope(event=properties, now_ms=at)
    return (name, *(each.name for each in derived if each.rule is not None and each.rule.holds(scope)))


def _consent_input(call: DetailedCall, at: int) -> ConsentChanged:
    if not call.channel or call.granted is None:
        raise Unusable("a consent call needs channel and granted")
    return ConsentChanged(at, call.channel, call.purpose or None, call.granted)


def _suppression_input(call: DetailedCall, at: int) -> SuppressionChanged:
    if not call.channel or not call.address or call.suppressed is None:
        raise Unusable("a suppression call needs channel, address and suppressed")
    return SuppressionChanged(at, call.channel, call.address, call.suppressed)


def _reaction_input(call: DetailedCall, at: int) -> ReactionArrived:
    if call.reaction not in OUTCOMES:
        raise Unusable(f"unknown reaction {call.reaction!r:.{QUOTED_MAX}}; there are {', '.join(OUTCOMES)}")
    channel = call.channel or (CALL if call.reaction == "answered" else None)
    if not (call.journey and call.step and channel):
        raise Unusable("a reaction needs journey, step and channel")
    if not is_possible(call.reaction, channel):
        raise Unusable(
            f"{call.reaction!r} on {channel!r:.{QUOTED_MAX}}: "
            "an outbound call is answered or failed, and nothing else is answered"
        )
    answer = _decode_object(call.answer, "answer") if call.reaction == "answered" else None
    return ReactionArrived(at, call.reaction, call.journey, call.step, channel, call.link, answer, call.code)


def _feedback_input(call: DetailedCall, at: int) -> FeedbackArrived:
    reported_place(call)
    if call.reaction not in REPORTED:
        raise Unusable(f"unknown reaction {call.reaction!r:.{QUOTED_MAX}}; a provider reports {', '.join(REPORTED)}")
    return FeedbackArrived(at, call.key or "", call.reaction, call.link, call.code)


def _decode_text(raw: msgspec.Raw, name: str) -> str | None:
    try:
        return _text.decode(raw) if bytes(raw) else None
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Unusable(f"{name} is not a text: {error}") from None


def _decode_object(raw: msgspec.Raw, name: str) -> dict[str, object]:
    text = bytes(raw)
    if not text:
        return {}
    try:
        decoded = _object.decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Unusable(f"{name} is not an object: {error}") from None
    reason = objection(decoded, text.count(b"{") + text.count(b"["))
    if reason is not None:
        raise Unusable(f"{name} with {reason}")
    return decoded or {}
