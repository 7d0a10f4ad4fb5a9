"""Which pages of other sites may call the door: what a browser asks beforehand, and what it wants to hear with answers.

Names of headers that a page asks for are echoed: clients add their own when they repeat a request, and with a fixed
list the browser would not let the repetition out.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Final
from urllib.parse import urlsplit

HEADER_NAME: Final = re.compile("[a-z0-9-]{1,64}")

HEADERS_MAX: Final = 32
"""More than any client asks for at once."""

PREFLIGHT_FOR_S: Final = 600
"""How long a browser may remember what it was told beforehand."""

READABLE: Final = "Retry-After, X-Request-Id"
"""Headers of an answer that a page may read."""

LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


def answer_headers(origin: str | None, allowed: Collection[str]) -> dict[str, str]:
    """What an answer says to the page of this origin."""
    if origin is None or origin == "null" or origin not in allowed:
        return {"Vary": "Origin"}
    return {"Vary": "Origin", "Access-Control-Allow-Origin": origin, "Access-Control-Expose-Headers": READABLE}


def preflight_headers(headers: Mapping[str, str], methods: str, allowed: Collection[str]) -> dict[str, str]:
    """What a browser is told that asks beforehand whether a page may call."""
    told = answer_headers(headers.get("origin"), allowed)
    if "Access-Control-Allow-Origin" not in told:
        return told
    asked = [name.strip().lower() for name in headers.get("access-control-request-headers", "").split(",")]
    names = [name for name in asked if HEADER_NAME.fullmatch(name)][:HEADERS_MAX]
    return {
        **told,
        "Access-Control-Allow-Methods": methods,
        "Access-Control-Max-Age": str(PREFLIGHT_FOR_S),
        **({"Access-Control-Allow-Headers": ", ".join(names)} if names else {}),
    }


def shown_host(host: str) -> str:
    """The host as it stands in an address."""
    return f"[{host}]" if ":" in host else host


def is_loopback(host: str) -> bool:
    """Whether this value of `Host`, or this origin, names this machine itself."""
    try:
        name = urlsplit(host if "//" in host else f"//{host}").hostname
    except ValueError:
        return False
    return name in LOOPBACK
