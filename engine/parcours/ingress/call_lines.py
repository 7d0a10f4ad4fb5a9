"""What do a client's calls become? Lines of the event format, and what is to be added to the timestamp of each.

A call that lacks nothing stays the bytes that it came as: it is looked at once, and no part of it is written anew. Any
other one is mended (call_mending.py). A call that cannot be used is set apart with a reason, and the calls around it
are not affected.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec

from parcours.ingress.call_mending import PLAIN, Call, Refused, Terms
from parcours.ingress.clock_skew import BACK_MAX_MS, cut_ms, meant_ms, zoned
from parcours.instants import EPOCH, LATEST_MS, ceil_ms, to_moment
from parcours.routing.calls import REPORTS
from parcours.segment.line import UNREADABLE, bounded_reason


class Empty(msgspec.Struct, gc=False):
    """An object, whatever it holds."""


class Head(msgspec.Struct, rename="camel", gc=False, frozen=True):
    """What is read of every call. One whose members are of other kinds is looked at more closely."""

    type: str | None = None
    user_id: str | None = None
    anonymous_id: str | None = None
    message_id: str | None = None
    timestamp: datetime | None = None
    original_timestamp: datetime | None = None
    sent_at: datetime | None = None
    properties: Empty | None = None


class Probe(msgspec.Struct, rename="camel", gc=False, frozen=True):
    """Whether a context says anything that is read."""

    traits: msgspec.Raw = msgspec.Raw()
    device: msgspec.Raw = msgspec.Raw()

    def is_silent(self) -> bool:
        return not bytes(self.traits) and not bytes(self.device)


class Known(Head, rename="camel", gc=False, frozen=True):
    """What is read of an identify call."""

    traits: Empty | None = None
    context: Probe | None = None


_head = msgspec.json.Decoder(Head).decode
_known = msgspec.json.Decoder(Known).decode


class _Window(NamedTuple):
    """Timestamps to all of which the same is to be added, as nothing bounds what they mean.

    shift_ms  to those of whole milliseconds
    finer_ms  to others, which a shard rounds up, and which are cut off here
    """

    earliest: datetime
    latest: datetime
    shift_ms: int
    finer_ms: int

    @classmethod
    def of(cls, sent_ms: int | None, received_ms: int) -> _Window:
        """Of requests that were sent and received then."""
        if sent_ms is None:
            return cls(EPOCH, to_moment(received_ms), 0, 0)
        shift_ms = received_ms - sent_ms
        earliest_ms = min(max(0, sent_ms - BACK_MAX_MS, -shift_ms), LATEST_MS)
        return cls(to_moment(earliest_ms), to_moment(min(sent_ms, LATEST_MS - 1)), shift_ms, shift_ms - 1)


class CallLines:
    """The calls of a request, as far as they have been added.

    lines      those that can be handed in
    skews_ms   what is to be added to the timestamp of each
    user_ids   whose each is, where that is a known person's and has been read on the way; else empty
    places     where each stands in the request, from 0
    ids        the message id of each
    refused    (place, message id if it has one, reason) of the others
    total      how many calls there were
    without_id how many got a message id that a repetition of the request will not have
    """

    def __init__(self, terms: Terms) -> None:
        self._terms = terms
        self.lines: list[bytes] = []
        self.skews_ms: list[int] = []
        self.user_ids: list[str] = []
        self.places: list[int] = []
        self.ids: list[str] = []
        self.refused: list[tuple[int, str | None, str]] = []
        self.total = 0
        self.without_id = 0
        self._has_events = False
        self._window = _Window.of(terms.sent_ms, terms.received_ms)

    @property
    def are_reports(self) -> bool:
        """Whether all of them are taken though events are refused."""
        return not self._has_events

    def extend(self, lines: Sequence[bytes]) -> None:
        """The next calls. This is the hot path: most of them lack nothing, and lie in the window."""
        earliest, latest, shift_ms, finer_ms = self._window
        longest, closely, plain = self._terms.event_bytes_max, self._terms.looks_closely, PLAIN
        add_line, add_skew, add_user = self.lines.append, self.skews_ms.append, self.user_ids.append
        add_place, add_id = self.places.append, self.ids.append
        first = self.total
        for place, line in enumerate(lines, first):
            self.total = place
            if not closely and len(line) <= longest:
                try:
                    head = _head(line)
                except UNREADABLE:
                    self._add_closely(line)
                    continue
                stamp, message_id, user_id = head.timestamp, head.message_id, head.user_id
                if (
                    head.type in plain and message_id and stamp is not None and stamp.tzinfo is not None
                    and head.sent_at is None and head.original_timestamp is None and earliest <= stamp <= latest
                ):  # fmt: skip
                    self._has_events = True
                    add_line(line)
                    add_skew(finer_ms if stamp.microsecond % 1_000 else shift_ms)
                    add_user(user_id if user_id and user_id[0] != "@" else "")
                    add_place(place)
                    add_id(message_id)
                    continue
            self.add(line)
        self.total = first + len(lines)

    def add(self, line: bytes) -> None:
        """The next call."""
        terms = self._terms
        if len(line) > terms.event_bytes_max:
            self.refuse(None, f"longer than event_bytes_max={terms.event_bytes_max}")
            return
        head = None if terms.looks_closely else self._plain(line)
        skew_ms = None if head is None else self._skew_ms(head)
        if head is None or skew_ms is None:
            self._add_closely(line)
            return
        assert head.message_id is not None, "a plain call has one"
        self._has_events = True
        self._append(line, skew_ms, head.message_id)

    def _append(self, line: bytes, skew_ms: int, message_id: str) -> None:
        self.lines.append(line)
        self.skews_ms.append(skew_ms)
        self.user_ids.append("")
        self.places.append(self.total)
        self.ids.append(message_id)
        self.total += 1

    def refuse(self, message_id: str | None, reason: str) -> None:
        """The next call is of no use."""
        self.refused.append((self.total, message_id, bounded_reason(reason)))
        self.total += 1

    def _plain(self, line: bytes) -> Head | None:
        """The head of a call that lacks nothing but perhaps a readable time; None for any other one."""
        try:
            head = _head(line)
            if not head.message_id:
                return None
            if head.type in PLAIN:
                return head
            if head.type == "identify" and not self._terms.context and not self._terms.key.public:
                known = _known(line)
                return known if known.context is None or known.context.is_silent() else None
        except UNREADABLE:
            return None
        return None

    def _skew_ms(self, head: Head) -> int | None:
        """What is to be added to the call's timestamp; None if that does not say it."""
        terms, stamp, original = self._terms, head.timestamp, head.original_timestamp
        if stamp is None:
            return 0 if original is None else None
        if stamp.tzinfo is None:
            return None
        stamp_ms = ceil_ms(stamp)  # as a shard reads it
        if not 0 <= stamp_ms < LATEST_MS:
            return None
        sent_ms = terms.sent_ms if head.sent_at is None else cut_ms(zoned(head.sent_at))
        if sent_ms is None and original is None and stamp_ms <= terms.received_ms:
            return 0
        original_ms = cut_ms(stamp if original is None else zoned(original))
        meant = meant_ms(original_ms, sent_ms, terms.received_ms)
        return meant - stamp_ms if 0 <= meant < LATEST_MS else None

    def _add_closely(self, line: bytes) -> None:
        call: Call | None = None
        try:
            call = Call(line, self._terms)
            finished, skew_ms = call.finished()
        except Refused as reason:
            self.refuse(None if call is None else call.texts.get("messageId"), str(reason))
            return
        self.without_id += call.is_without_id
        self._has_events = self._has_events or call.kind not in REPORTS
        self._append(finished, skew_ms, call.texts["messageId"])
