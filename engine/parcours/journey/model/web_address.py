"""Which texts are URLs that a call can go to? What is wrong with one is said at load time and not by each call."""

from __future__ import annotations

import re
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Annotated, Final, TypeAlias
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, Field

HOST_CHARACTERS_MAX: Final = 253
"""Of a name in the domain name system, without the dot at its end."""

_LABEL: Final = re.compile(r"[a-z0-9_-]{1,63}")
"""What stands between two dots: underscores are no host names, but private networks have them."""

_TEMPLATE: Final = re.compile(r"[{}]")
_STRAY_PERCENT: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")


def _web_address(url: str) -> str:
    if reason := _odd_character(url):
        raise ValueError(reason)
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise ValueError(f"it is no web address: {error}") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("a web address such as https://crm.example.com/notes is expected")
    if parts.username is not None:
        raise ValueError("a user name in it would be stored with each call: give the header Authorization, by env:NAME")
    if reason := _unfit_host(parts.hostname):
        raise ValueError(f"its host is no name or address: {reason}")
    if not _has_usable_port(parts):
        raise ValueError("its port is no number from 1 to 65535")
    return url


def _odd_character(url: str) -> str | None:
    """Why a character of it cannot stand there; the client would send another one, or leave it out."""
    if _TEMPLATE.search(url):
        return "nothing is filled in here, it is the same for everybody: what differs goes into query or body"
    if " " in url:
        return "it has a space in it, which is written %20"
    if not url.isprintable() or "\\" in url:
        return "it has a character in it that no web address has"
    if _STRAY_PERCENT.search(url):
        return "% stands before two hexadecimal digits, and is itself written %25"
    return None


def _unfit_host(host: str) -> str | None:
    if ":" in host:
        return None if _is(IPv6Address, host) else "it is no IPv6 address"
    try:
        name = host.removesuffix(".") if host.isascii() else host.removesuffix(".").encode("idna").decode()
    except UnicodeError:
        name = ""
    labels = name.split(".")
    if labels[-1].isdigit():
        return None if _is(IPv4Address, name) else "it ends in a number and is no IPv4 address"
    if not all(map(_LABEL.fullmatch, labels)):
        return "between its dots stand 1 to 63 letters, digits and hyphens"
    return f"it has more than {HOST_CHARACTERS_MAX} characters" if len(name) > HOST_CHARACTERS_MAX else None


def _is(kind: type[IPv4Address] | type[IPv6Address], text: str) -> bool:
    try:
        kind(text)
    except AddressValueError:
        return False
    return True


def _has_usable_port(parts: SplitResult) -> bool:
    try:
        return parts.port != 0
    except ValueError:
        return False


WebAddress: TypeAlias = Annotated[str, AfterValidator(_web_address), Field(max_length=2_000)]
"""The URL of a call, the same for everybody."""
