"""What does a call become that lacks what the event format wants? Its members, of which some are replaced.

Real clients leave out what others fill in, write ids as numbers, and tell traits in places of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from typing import Final, TypeVar

import msgspec

from parcours.core.time_text import time_text
from parcours.ingress.clock_skew import cut_ms, meant_ms, time_of
from parcours.ingress.keys import Key, proves
from parcours.instants import LATEST_MS, ceil_ms
from parcours.segment.line import UNREADABLE
from parcours.surrogates import REPLACEMENT, mended_json

T = TypeVar("T")

ID_NAMES: Final = ("messageId", "userId", "anonymousId", "previousId")
"""Members that name somebody or something: a text or a number, and a number means its digits."""

PLAIN: Final = frozenset({"track", "page", "screen", "group"})
"""Types of calls of which nothing has to be known but what `Head` reads."""

PUBLIC: Final = PLAIN | {"identify", "consent"}
"""Types of calls that a page may make, whose key everybody can read."""

NEEDS: Final = {"suppression": "people", "feedback": "feedback", "decision": "decide", "proposition": "decide"}
"""Types of calls that say more than what has happened, and the scope that a key needs for each besides."""

OF_A_CHANNEL: Final = frozenset({"consent", "suppression"})
"""Types of calls that say something of a channel."""

OBJECTS: Final = ("properties", "traits", "context")
"""Members that hold an object, if they are there."""

EXTERNAL_IDS: Final = "externalIds"
"""The member of a context that says which other ids are the person's."""

DEVICES: Final = frozenset({"ios", "android"})
"""Kinds of devices whose token is the address of a push message."""

MARK: Final = b"\\ufdd0"
"""Stands for half of a surrogate pair until it is known where that was: a character that no text may have."""

MARK_TEXT: Final = "\ufdd0"

NOT_A_TIME: Final = "timestamp is not a time"

MESSAGE_ID_BYTES: Final = 16


def nothing_sent_on(channel: str, known: Iterable[str]) -> str:
    """What is said of a channel that there is not."""
    return f"nothing is sent on {channel!r:.64}: there are {', '.join(sorted(known))}"


class Refused(Exception):
    """A call that cannot be used; the first argument says why."""


class Device(msgspec.Struct, gc=False, frozen=True):
    """What a call tells of the device on which it was made."""

    type: str | None = None
    token: str | None = None


class Context(msgspec.Struct, rename="camel", gc=False, frozen=True):
    """What is read of the context of an identify call."""

    traits: msgspec.Raw = msgspec.Raw()
    device: msgspec.Raw = msgspec.Raw()
    user_hash: msgspec.Raw = msgspec.Raw()


class Stamp(msgspec.Struct, gc=False, frozen=True):
    """The time of a call as a shard reads it."""

    timestamp: datetime | None = None


_stamp = msgspec.json.Decoder(Stamp).decode
_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_context = msgspec.json.Decoder(Context).decode
_device = msgspec.json.Decoder(Device).decode
_text = msgspec.json.Decoder(str).decode
_whole = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode
_NULL: Final = b"null"


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What holds for all calls of a request.

    kind             the type of a call that names none, None where each has to name its own
    sent_ms          when they were sent by the client's clock, unless a call says so itself
    context          the context of calls that lack parts of it
    event_bytes_max  of one call
    push_trait       where the address of push messages stands, None if the project has no such trait
    identity_secret  by which a page proves whose it is, None if it need not
    fresh_id         makes a message id that nobody has
    spoken_of        tells of which channels a call of a kind may speak
    looks_closely    nothing of the request is taken for granted: it holds NUL, halves of pairs or huge numbers
    """

    key: Key
    received_ms: int
    event_bytes_max: int
    fresh_id: Callable[[], str]
    spoken_of: Callable[[str], Collection[str]]
    kind: str | None = None
    sent_ms: int | None = None
    context: Mapping[str, msgspec.Raw] = field(default_factory=dict)
    push_trait: str | None = None
    identity_secret: str | None = None
    looks_closely: bool = False


class Call:
    """A call taken apart. Raises Refused where it cannot be used.

    texts  its ids as texts, as far as they have been looked at, without those that it has not
    kind   its type
    """

    def __init__(self, line: bytes, terms: Terms) -> None:
        self._terms = terms
        self._came_as = line
        self._marked = mended_json(line, MARK) if b"\\u" in line else line
        self.is_without_id = False
        self.kind = ""
        self.texts: dict[str, str] = {}
        self._changes: dict[str, bytes] = {}
        try:
            line.decode()
            self._members = {name: bytes(raw) for name, raw in _members(self._marked).items() if bytes(raw) != _NULL}
        except UNREADABLE as error:
            raise Refused(f"not a call: {error}") from None

    def finished(self) -> tuple[bytes, int]:
        """The line, and what is to be added to its timestamp."""
        for name in ID_NAMES:
            if text := self._id(name):
                self.texts[name] = text
        self.kind = self._kind()
        request = self._id("requestId") if self.kind == "decision" else None
        self._check_values()
        skew_ms = self._time()
        if "messageId" not in self.texts:
            self._name(request)
        if self.kind in OF_A_CHANNEL:
            self._check_channel()
        if self.kind == "identify":
            self._take_context()
            self._take_external_ids()
        if self._terms.key.public:
            self._check_public()
        if (needed := NEEDS.get(self.kind)) is not None and not self._terms.key.opens(needed):
            raise Refused(f"a {self.kind} call needs a key with the scope {needed}")
        line = self._marked
        if self._changes:
            written = {**self._members, **self._changes}
            line = _encode({name: msgspec.Raw(value) for name, value in written.items()})
        return line.replace(MARK, REPLACEMENT) if self._marked is not self._came_as else line, skew_ms

    def _check_values(self) -> None:
        for name in OBJECTS:
            if name in self._members and not self._members[name].startswith(b"{"):
                raise Refused(f"{name} is not an object")
        if self._terms.looks_closely:
            try:
                _whole(self._marked)
            except UNREADABLE as error:
                huge = "out of range" in str(error)
                raise Refused("a number is out of range, as 1e999 is" if huge else f"not a call: {error}") from None

    def _kind(self) -> str:
        """The type of the call."""
        if "type" not in self._members:
            if self._terms.kind is None:
                raise Refused("a call without a type")
            self._change("type", self._terms.kind)
            return self._terms.kind
        return self._text("type")

    def _check_channel(self) -> None:
        """A word about a channel that there is not would never count, whether it was misspelt or meant for later."""
        known = self._terms.spoken_of(self.kind)
        if "channel" in self._members and (channel := self._text("channel")) not in known:
            raise Refused(nothing_sent_on(channel, known))

    def _id(self, name: str) -> str | None:
        """An id as a text. One that is half a character would be somebody else's when it is mended."""
        raw = self._members.get(name)
        if raw is None:
            return None
        if raw[0] in b"-0123456789":
            text = raw.decode()
            self._change(name, text)
            return text
        if not raw.startswith(b'"'):
            raise Refused(f"{name} is neither a text nor a number")
        text = _text(raw)
        if "\0" in text:
            raise Refused(f"{name} with a NUL character")
        if MARK_TEXT in text and self._marked is not self._came_as:
            raise Refused(f"not a call: half of a surrogate pair in {name}")
        return text

    def _text(self, name: str) -> str:
        raw = self._members[name]
        if not raw.startswith(b'"'):
            raise Refused(f"{name} is not a text")
        return _text(raw)

    def _raw(self, name: str) -> msgspec.Raw:
        return msgspec.Raw(self._members.get(name, b""))

    def _change(self, name: str, value: object) -> None:
        self._changes[name] = _encode(value)

    def _time(self) -> int:
        """What is to be added to the timestamp. One that a shard could not read is replaced by what it means."""
        name = "originalTimestamp" if "originalTimestamp" in self._members else "timestamp"
        if name not in self._members:
            return 0
        original = self._moment(name)
        if original is None:
            raise Refused(NOT_A_TIME)
        sent = self._moment("sentAt")
        meant = meant_ms(
            cut_ms(original), self._terms.sent_ms if sent is None else cut_ms(sent), self._terms.received_ms
        )
        if not 0 <= meant < LATEST_MS:
            raise Refused(NOT_A_TIME)
        try:
            stamp = _stamp(self._marked).timestamp
        except UNREADABLE:
            stamp = None
        if stamp is not None and stamp.tzinfo is not None and 0 <= (stamp_ms := ceil_ms(stamp)) < LATEST_MS:
            return meant - stamp_ms
        self._change("timestamp", time_text(meant))
        return 0

    def _moment(self, name: str) -> datetime | None:
        """The time under this name, None if there is none that can be read."""
        raw = self._members.get(name)
        return time_of(_text(raw)) if raw is not None and raw.startswith(b'"') else None

    def _name(self, request: str | None) -> None:
        """Give the call a message id: always the same one, if it is known by its time or as a request; else it counts
        again.
        """
        known_by = f"decision\0{request}".encode() if request else None
        if "originalTimestamp" in self._members or "timestamp" in self._members:
            known_by = self._came_as
        if known_by is not None:
            hashed = blake2b(self._terms.key.name.encode() + b"\0" + known_by, digest_size=MESSAGE_ID_BYTES)
            message_id = hashed.hexdigest()
        else:
            message_id = self._terms.fresh_id()
            self.is_without_id = True
        self.texts["messageId"] = message_id
        self._change("messageId", message_id)

    def _take_context(self) -> None:
        """Traits that stand in the context, and the token of a device that push messages reach."""
        context = self._context()
        further = _object(context.traits)
        device = _read(_device, context.device) or Device()
        trait = self._terms.push_trait
        if trait is not None and device.token and device.type is not None and device.type.lower() in DEVICES:
            further.setdefault(trait, msgspec.Raw(_encode(device.token)))
        traits = _object(self._raw("traits"))
        if not further.keys() <= traits.keys():
            self._change("traits", {**further, **traits})

    def _take_external_ids(self) -> None:
        """The ids in the context stay there; those of the request come there if the call has none of its own.

        From a browser's key nothing is taken: an id that somebody has guessed would make another person his.
        """
        own, given = self._own_context(), self._terms.context.get(EXTERNAL_IDS)
        if self._terms.key.public:
            if own.pop(EXTERNAL_IDS, None) is not None:
                self._change("context", own)
        elif given is not None and EXTERNAL_IDS not in own:
            self._change("context", {**own, EXTERNAL_IDS: given})

    def _own_context(self) -> dict[str, msgspec.Raw]:
        return {name: raw for name, raw in _object(self._raw("context")).items() if bytes(raw) != _NULL}

    def _context(self) -> Context:
        context: Context = _context(_encode({**self._terms.context, **self._own_context()}))
        return context

    def _check_public(self) -> None:
        """Little power: whatever is told here may be by anybody."""
        if self.kind not in PUBLIC:
            raise Refused(f"a browser's key makes no {self.kind} calls")
        if "person" in self._members:
            raise Refused("a browser's key names nobody but by an id")
        if self.kind == "consent" and self._members.get("granted") != b"false":
            raise Refused("a browser's key grants no consent")
        secret, user = self._terms.identity_secret, self.texts.get("userId")
        if self.kind == "identify" and secret is not None and user:
            proof = _read(_text, self._context().user_hash) or ""
            if not proves(proof, user, secret):
                raise Refused("an identify call of a userId needs the context.userHash that proves it")


def _object(raw: msgspec.Raw) -> dict[str, msgspec.Raw]:
    """The members of an object that are not null; none where there is something else, or nothing."""
    return _read(_members, raw) or {}


def _read(decode: Callable[[msgspec.Raw], T], raw: msgspec.Raw) -> T | None:
    """What the decoder makes of it, None if nothing."""
    try:
        return decode(raw) if bytes(raw) else None
    except UNREADABLE:
        return None
