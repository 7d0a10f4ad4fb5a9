"""One mail as bytes, the same bytes whenever the same delivery is sent: no clock, no random boundary."""

from __future__ import annotations

import binascii
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.header import Header
from email.utils import format_datetime, formataddr, parseaddr
from functools import lru_cache
from types import MappingProxyType
from typing import Final

UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
"""What no header may hold: everything that some reader takes for the end of its line, and other control characters."""

BLANKS = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u2028\u2029]+")
"""Any of that, and the blanks around it."""


WORD_BYTES_MAX = 900
"""A line of a mail has 998 bytes at most (RFC 5322); the header's name and a margin are taken off."""


WHOLE = frozenset({"From", "To", "Reply-To", "Message-ID"})
"""Headers of addresses and ids, which are not folded; a To beyond ASCII is RFC 6532's."""


SENDERS_MAX: Final = 1_000
"""Senders of which the parts are kept: there is one to a channel, as a rule."""

LINE_MAX: Final = 76
"""Characters up to which a header is not folded, its name included."""


def without_breaks(text: str) -> str:
    """The text with each line break, and the blanks around it, as a space; control characters are as breaks."""
    if text.isascii() and text.isprintable():
        return text
    return BLANKS.sub(lambda run: " " if UNPRINTABLE.search(run[0]) else run[0], text)


def folded(text: str) -> str:
    """The text on one line."""
    return without_breaks(text).strip(" ")


@lru_cache(SENDERS_MAX)
def address_of(sender: str) -> str:
    """The bare address of `Name <name@domain>` or `name@domain`."""
    return parseaddr(sender)[1]


def domain_of(sender: str) -> str:
    """The domain of such an address, empty if it has none."""
    return address_of(sender).partition("@")[2]


def encode_mail(
    *,
    key: str,
    sender: str,
    to: str,
    subject: str,
    text: str | None,
    html: str | None,
    at_ms: int | None,
    reply_to: str | None = None,
    headers: Mapping[str, str] = MappingProxyType({}),
) -> bytes:
    """A whole mail with CRLF line ends. `at_ms` (since 1970) becomes its Date; else the server sets one.

    to        a normalized address; its name may be beyond ASCII, which only a server with SMTPUTF8 gets to see
    reply_to  a mailbox as a header holds it
    headers   further ones, whose names are those of headers
    """
    lines = [
        _from(sender),
        _header("To", to),
        _header("Subject", subject),
        _header("Message-ID", message_id(key, sender)),
    ]
    if at_ms is not None:
        date = datetime.fromtimestamp(at_ms // 1000, UTC)
        lines.append(_header("Date", format_datetime(date)))
    if reply_to is not None:
        lines.append(_header("Reply-To", reply_to))
    lines += [_header(name, value) for name, value in headers.items() if value.strip()]
    lines.append(b"MIME-Version: 1.0")
    return b"\r\n".join([*lines, _body(key, text, html)])


def message_id(key: str, sender: str) -> str:
    """The same for every attempt at a delivery, so that a receiving server can recognise a duplicate."""
    return f"<{key}@{domain_of(sender)}>"


@lru_cache(SENDERS_MAX)
def _from(sender: str) -> bytes:
    return _header("From", formataddr(parseaddr(sender)))


def _header(name: str, value: str) -> bytes:
    value = folded(value)  # a line break would let a text add headers of its own
    if name in WHOLE or (value.isascii() and len(name) + len(": ") + len(value) <= LINE_MAX):
        return f"{name}: {value}".encode()
    # A word that is too long for a line can only be cut as an encoded one.
    plain = value.isascii() and all(len(word) <= WORD_BYTES_MAX for word in value.split(" "))
    if name == "List-Unsubscribe" and plain and len(value) <= WORD_BYTES_MAX:
        # Folded, its first line would be empty, which some readers take for all of it.
        return f"{name}: {value}".encode()
    lines = Header(value, "us-ascii" if plain else "utf-8", header_name=name).encode(linesep="\r\n")
    return f"{name}: {lines}".encode("ascii")


def _body(key: str, text: str | None, html: str | None) -> bytes:
    parts = [_part(kind, content) for kind, content in (("plain", text), ("html", html)) if content is not None]
    if len(parts) == 1:
        return parts[0]
    # Quoted-printable text never holds "=_", so no line of a part can look like the boundary.
    boundary = f"=_{key}".encode()
    lines = [b'Content-Type: multipart/alternative; boundary="' + boundary + b'"', b""]
    for part in parts:
        lines += [b"--" + boundary, part]
    return b"\r\n".join([*lines, b"--" + boundary + b"--", b""])


def _part(kind: str, content: str) -> bytes:
    text = content.replace("\r\n", "\n").replace("\r", "\n")
    text = text if text.endswith("\n") else f"{text}\n"
    quoted = binascii.b2a_qp(text.encode(), istext=True).replace(b"\n", b"\r\n")
    head = f'Content-Type: text/{kind}; charset="utf-8"\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n'
    return head.encode() + quoted
