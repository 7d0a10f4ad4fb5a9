"""One mail as bytes, the same bytes whenever the same delivery is sent: no clock, no random boundary."""

from __future__ import annotations

import binascii
import re
from datetime import UTC, datetime
from email.header import Header
from email.utils import format_datetime, formataddr, parseaddr

LINE_BREAK = re.compile(r"[\r\n\x00\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
"""Everything that some reader takes for the end of a header line."""

ADDRESS_BYTES_MAX = 254
"""RFC 5321: a path has 256 octets, two of them are the angle brackets."""

FORBIDDEN_IN_ADDRESS = re.compile(r"[\s\x00-\x1f\x7f<>(),;:\"\[\]\\]")
"""Quoted names and address literals are legal and nobody has one; without them nothing needs quoting."""


class HeaderBroken(ValueError):
    """A header would hold a line break, by which a text could add headers of its own."""


def address_of(sender: str) -> str:
    """The bare address of `Name <name@domain>` or `name@domain`."""
    return parseaddr(sender)[1]


def domain_of(sender: str) -> str:
    """The domain of such an address, empty if it has none."""
    return address_of(sender).partition("@")[2]


def is_address(address: str) -> bool:
    """Whether this can be a recipient: a name, one @, a domain, and nothing that needs quoting."""
    name, _, domain = address.partition("@")
    try:
        length = len(name.encode()) + len(ascii_domain(domain)) + 1
    except UnicodeError:
        return False
    return length <= ADDRESS_BYTES_MAX and bool(name) and not FORBIDDEN_IN_ADDRESS.search(address)


def ascii_domain(domain: str) -> str:
    """The domain in the form that the name system knows. Raises UnicodeError if it cannot be one."""
    if not domain or "@" in domain:
        raise UnicodeError(f"not a domain: {domain!r}")
    return domain.encode("idna").decode("ascii")


def encode_mail(
    *,
    key: str,
    sender: str,
    to: str,
    subject: str,
    text: str | None,
    html: str | None,
    at_ms: int | None,
) -> bytes:
    """A whole mail with CRLF line ends. `at_ms` (since 1970) becomes its Date; else the server sets one.

    Raises HeaderBroken if subject or recipient hold a line break.
    """
    headers = [
        _header("From", formataddr(parseaddr(sender))),
        _header("To", to),
        _header("Subject", subject),
        _header("Message-ID", message_id(key, sender)),
    ]
    if at_ms is not None:
        date = datetime.fromtimestamp(at_ms // 1000, UTC)
        headers.append(_header("Date", format_datetime(date)))
    headers.append(b"MIME-Version: 1.0")
    return b"\r\n".join([*headers, _body(key, text, html)])


def message_id(key: str, sender: str) -> str:
    """The same for every attempt at a delivery, so that a receiving server can recognise a duplicate."""
    return f"<{key}@{domain_of(sender)}>"


def _header(name: str, value: str) -> bytes:
    if LINE_BREAK.search(value):
        raise HeaderBroken(f"{name} holds a line break: {value!r}")
    if name in {
        "From",
        "To",
        "Message-ID",
    }:  # addresses and ids are not folded; a To beyond ASCII is RFC 6532's
        return f"{name}: {value}".encode()
    charset = "us-ascii" if value.isascii() else "utf-8"
    folded = Header(value, charset, header_name=name).encode(linesep="\r\n")
    return f"{name}: {folded}".encode("ascii")


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
