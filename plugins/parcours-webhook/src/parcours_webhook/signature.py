"""How does a receiver know that a request is genuine and fresh? By an HMAC over its time and its body."""

from __future__ import annotations

import hashlib
import hmac
import re

HEADER = "Parcours-Signature"
FORM = re.compile(r"t=(\d{1,12}),v1=([0-9a-f]{64})")
TOLERANCE_S = 300
"""How old a request may be; a captured one cannot be replayed for longer."""


def sign(secret: str, body: bytes, now_s: int) -> str:
    """The header's value for `body` sent at `now_s`, in seconds since 1970."""
    return f"t={now_s},v1={_digest(secret, body, now_s)}"


def verify(secret: str, header: str, body: bytes, now_s: int, tolerance_s: int = TOLERANCE_S) -> bool:
    """For receivers: whether `body`, byte for byte, was signed with `secret` within `tolerance_s`."""
    match = FORM.fullmatch(header)
    if match is None:
        return False
    signed_s = int(match[1])
    fresh = abs(now_s - signed_s) <= tolerance_s
    return hmac.compare_digest(match[2], _digest(secret, body, signed_s)) and fresh


def _digest(secret: str, body: bytes, now_s: int) -> str:
    return hmac.new(secret.encode(), f"{now_s}.".encode() + body, hashlib.sha256).hexdigest()
