"""Which text can be the recipient of a mail, and in which form it goes over the wire?

A domain beyond ASCII is put into the form of IDNA 2008, after the mapping of UTS 46, which leaves ß, ς and the joiners
what they are: the older standard made another domain of them, which may be somebody else's. A name beyond ASCII stays,
and needs a server with SMTPUTF8.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Final

import idna

ADDRESS_BYTES_MAX: Final = 254
"""RFC 5321: a path has 256 octets, two of them are the angle brackets."""

DOMAIN_BYTES_MAX: Final = 253
"""RFC 1035, less the length bytes at both ends."""

FORBIDDEN: Final = re.compile(r"[\s<>(),;:\"\[\]\\]")
"""Quoted names and address literals are legal and nobody has one; without them nothing needs quoting."""

PLAIN: Final = re.compile(r"[\w!#$%&'*+/=?^`{|}~-]+(?:\.[\w!#$%&'*+/=?^`{|}~-]+)*@[\w.-]+", re.ASCII)
"""Nearly every address: nothing in it needs a closer look but its domain."""

DOMAINS_KEPT: Final = 1_024
"""Domains whose form is remembered: most people have their mail with a few providers."""

LABEL: Final = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
"""A label of a domain; the underscore is outside the standard, and in use."""


def normal_address(address: str) -> str:
    """The address in the one form that is sent to. Raises ValueError with the reason if it is none."""
    name, _, domain = address.rpartition("@")
    if not PLAIN.fullmatch(address):
        name = _normal_name(address, name, domain)
    normal = f"{name}@{ascii_domain(domain)}"
    if len(normal.encode()) > ADDRESS_BYTES_MAX:
        raise ValueError(f"it has more than {ADDRESS_BYTES_MAX} bytes")
    return normal


def _normal_name(address: str, name: str, domain: str) -> str:
    """The name of an address that is out of the ordinary. Raises ValueError with the reason if it cannot be one."""
    if not name or not domain:
        raise ValueError("it is not of the form name@domain")
    if found := FORBIDDEN.search(address):
        raise ValueError(f"it holds {found[0]!r}")
    if "@" in name:
        raise ValueError("it has more than one @")
    if not name.isprintable():
        raise ValueError("it holds an invisible character")
    if "" in name.split("."):
        raise ValueError("its name has a dot at an end or two in a row")
    return unicodedata.normalize("NFC", name)


@lru_cache(DOMAINS_KEPT)
def ascii_domain(domain: str) -> str:
    """The domain in the form that the name system knows. Raises ValueError with the reason if it cannot be one."""
    lower = domain.lower()
    if not lower.isascii() or "xn--" in lower:
        try:
            lower = idna.encode(domain, uts46=True).decode("ascii")
        except UnicodeError:
            raise ValueError("its domain is no internationalized domain name") from None
    labels = lower.split(".")
    if len(lower) > DOMAIN_BYTES_MAX or not all(LABEL.fullmatch(label) for label in labels):
        raise ValueError("its domain is none")
    if len(labels) < 2 or labels[-1].isdigit():
        raise ValueError("its domain has no top level")
    return lower
