"""The members of a JSON object, cut out of its text: what nobody has to read stays as it is, whatever it may be.

A line of an event that moves nobody was taken without a look at its properties. They may hold what a decoder refuses:
bytes that are no UTF-8, halves of surrogate pairs, numbers with thousands of digits.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Final

_TOKEN: Final = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[][{},]', re.DOTALL)
"""A string, or what opens, closes or parts something."""


_LETTERS: Final = (b"\\u006", b"\\u007")
"""How escapes of lower-case letters begin, by which a name may be written in another way."""


def without_member(text: bytes, name: str) -> bytes:
    """The text of an object, which has been decoded before, without its members of this name."""
    kept = [member for member in _members(text) if _name_of(member) != name]
    return b"{" + b",".join(kept) + b"}"


def with_member(text: bytes, name: str, value: bytes) -> bytes:
    """The text of an object, which has been decoded before, with this member at its end in place of any of the name."""
    text = text.strip()
    if name.encode() in text or b"\\u" in text:  # which a name may be written with
        text = without_member(text, name)
    others = text[:-1].rstrip()
    return b'%b%b"%b":%b}' % (others, b"" if others == b"{" else b",", name.encode(), value)


def with_text(text: bytes, name: str, value: str) -> bytes:
    """The same where the object is known to have the member, as a string without escapes, and `value` needs none.

    It stays where it is then, unless its name, or part of any name, may stand somewhere else in the text as well.
    """
    quoted = b'"%b"' % name.encode()
    found = text.find(quoted)
    if found < 0 or text.find(quoted, found + 1) >= 0 or _LETTERS[0] in text or _LETTERS[1] in text:
        return with_member(text, name, b'"%b"' % value.encode())
    begin = text.index(b'"', found + len(quoted)) + 1
    return b"%b%b%b" % (text[:begin], value.encode(), text[text.index(b'"', begin) :])


def _members(text: bytes) -> Iterator[bytes]:
    """Name and value of each member."""
    depth, begin = 0, text.index(b"{") + 1
    for token in _TOKEN.finditer(text):
        sign = token[0]
        if sign in b"{[":
            depth += 1
        elif sign in b"}]":
            depth -= 1
        if (sign == b"," and depth == 1) or depth == 0:
            if member := text[begin : token.start()].strip():
                yield member
            begin = token.end()


def _name_of(member: bytes) -> str:
    token = _TOKEN.match(member)
    assert token is not None, "a member begins with its name"
    name = json.loads(token[0].decode(errors="replace"), strict=False)
    assert isinstance(name, str), "it is a string"
    return name
