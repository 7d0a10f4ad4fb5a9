"""What does a body of Segment's HTTP API hold? One call, a batch of them, or a block of lines.

The calls of a batch are cut out of it as they stand there, without being decoded. The body as a whole is looked at for
what no call by itself can be blamed for: no JSON, no UTF-8, nested too deeply. Then nothing of it is taken. A block of
lines is for those who write the event format themselves: each line is looked at by itself, and its shard says the rest.
"""

from __future__ import annotations

import re
from codecs import BOM_UTF8
from dataclasses import dataclass, replace
from typing import Final

import msgspec
import re2

from parcours.core.storable import NESTING_MAX
from parcours.ingress.body_bounds import too_large
from parcours.ingress.call_lines import CallLines
from parcours.ingress.call_mending import MARK, Terms
from parcours.ingress.clock_skew import cut_ms, time_of
from parcours.ingress.exchange import Problem
from parcours.segment.line import UNREADABLE
from parcours.surrogates import mended_json

BATCH_CALLS_MAX: Final = 2_500
"""More than any client puts into one: those of 100 bytes fill a body of Segment's limit twice."""

BATCH_BYTES_MAX: Final = 512 * 1024
"""Longest body of a batch as it comes; Segment's own limit is 500 KB."""

UNPACKED_BYTES_MAX: Final = 4 * 1024 * 1024
"""Longest body of a batch once it is unpacked."""

BLOCK_BYTES_MAX: Final = 8 * 1024 * 1024
"""Longest block of lines, as it comes and unpacked."""

USUAL_DEPTH: Final = 8
"""Levels that nearly every body does with."""

_HUGE: Final = re2.compile(rb"[:,\[]\s*-?[0-9.]+[eE]\+?[0-9]{3}|[0-9]{300}")
"""What a number has in it that no double can hold; most that match are none, and are looked at by themselves."""

_NOT_BRACKETS: Final = bytes(byte for byte in range(256) if byte not in b"{}[]")
_AS_BRACES: Final = bytes.maketrans(b"[]", b"{}")
_STRING: Final = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_NUL: Final = b"\\u0000"


class _Batch(msgspec.Struct, rename="camel"):
    batch: list[msgspec.Raw]
    sent_at: msgspec.Raw = msgspec.Raw()
    context: msgspec.Raw = msgspec.Raw()
    write_key: msgspec.Raw = msgspec.Raw()


class _Single(msgspec.Struct, rename="camel"):
    write_key: msgspec.Raw = msgspec.Raw()


_batch = msgspec.json.Decoder(_Batch).decode
_single = msgspec.json.Decoder(_Single).decode
_text = msgspec.json.Decoder(str).decode
_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


@dataclass(frozen=True, slots=True)
class Calls:
    """The calls of a body, before anybody has looked into them.

    write_key      the key that stands in the body; None if none does
    sent_ms        when it was sent, as it says itself; None if it does not
    context        what stands in the place of parts that a call's own context lacks
    looks_closely  it holds something that a call may be refused for
    """

    calls: list[bytes]
    write_key: str | None = None
    sent_ms: int | None = None
    context: dict[str, msgspec.Raw] | None = None
    looks_closely: bool = False

    def read(self, terms: Terms) -> CallLines:
        """Each of them looked at."""
        given = replace(
            terms,
            sent_ms=terms.sent_ms if self.sent_ms is None else self.sent_ms,
            context=self.context or {},
            looks_closely=self.looks_closely,
        )
        lines = CallLines(given)
        lines.extend(self.calls)
        return lines


def single(body: bytes, event_bytes_max: int) -> Calls:
    """The one call of a body. Raises Problem for what is no JSON object, and for one that is too long."""
    if len(body) > event_bytes_max:
        raise too_large(event_bytes_max)
    body, looks_closely = checked(body)
    try:
        told = _single(body)
    except UNREADABLE as error:
        raise _unreadable(error) from None
    return Calls([body], _key(told.write_key), looks_closely=looks_closely)


def batch(body: bytes) -> Calls:
    """The calls of a batch. Raises Problem where there is no array of them."""
    body, looks_closely = checked(body)
    try:
        told = _batch(body)
    except UNREADABLE as error:
        raise _unreadable(error) from None
    if not told.batch:
        raise Problem(400, "invalid", "the batch is empty")
    if len(told.batch) > BATCH_CALLS_MAX:
        raise Problem(400, "invalid", f"the batch has {len(told.batch)} calls, more than {BATCH_CALLS_MAX}")
    calls = [bytes(raw) for raw in told.batch]
    return Calls(calls, _key(told.write_key), sent_ms(_string(told.sent_at)), _context(told.context), looks_closely)


def block(body: bytes) -> Calls:
    """The lines of a block of NDJSON; blank ones are none."""
    lines = body.removeprefix(BOM_UTF8).split(b"\n")
    return Calls([line for line in lines if line and not line.isspace()], looks_closely=_NUL in body)


def sent_ms(text: str | None) -> int | None:
    """When a request was sent, by what it says of that; None where it says nothing that can be read."""
    moment = None if text is None else time_of(text)
    return None if moment is None else cut_ms(moment)


def checked(body: bytes) -> tuple[bytes, bool]:
    """The body without what stands before it, and with whole characters; whether it has to be looked at closely.

    Raises Problem for what is no UTF-8, and for what is nested too deeply.
    """
    body = body.removeprefix(BOM_UTF8)
    if not body.isascii():
        try:
            body.decode()
        except UnicodeDecodeError as error:
            raise _unreadable(error) from None
    check_depth(body)
    has_odd_characters = False
    if b"\\u" in body:
        marked = mended_json(body, MARK)
        has_odd_characters, body = marked != body or _NUL in marked, marked
    return body, has_odd_characters or _HUGE.search(body) is not None


def check_depth(body: bytes) -> None:
    """Raises Problem for JSON that is nested more deeply than anybody has reason to.

    What texts say in brackets is looked for only where there are many, or some that do not close.
    """
    if _closes(body.translate(_AS_BRACES, _NOT_BRACKETS), USUAL_DEPTH):
        return
    brackets = _STRING.sub(b"", body).translate(_AS_BRACES, _NOT_BRACKETS)
    if b"{" * (NESTING_MAX + 1) in brackets or not _closes(brackets, NESTING_MAX):
        raise Problem(400, "invalid", f"the body is no JSON, or nested more than {NESTING_MAX} levels deep")


def _closes(brackets: bytes, levels: int) -> bool:
    """Whether nothing is left once those are taken out that close at once, and then those that do without them ..."""
    for _ in range(levels):
        rest = brackets.replace(b"{}", b"")
        if len(rest) == len(brackets):
            break
        brackets = rest
    return not brackets


def _unreadable(error: Exception) -> Problem:
    return Problem(400, "invalid", f"the body cannot be read: {error}")


def _string(raw: msgspec.Raw) -> str | None:
    """The text, None where there is something else, or nothing."""
    try:
        return _text(raw) if bytes(raw) else None
    except UNREADABLE:
        return None


def _key(raw: msgspec.Raw) -> str | None:
    """The key of a body; one that is no text is nobody's."""
    return None if bytes(raw) in (b"", b"null") else _string(raw) or ""


def _context(raw: msgspec.Raw) -> dict[str, msgspec.Raw] | None:
    try:
        return _members(raw) if bytes(raw) else None
    except UNREADABLE:
        return None
