"""What Twilio's codes say about a message: from errors to receipts, and from statuses to reactions."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, TypeAlias

from parcours.channel import Ambiguous, NotSent, Reaction, Receipt, Refused

Verdict: TypeAlias = Literal["wait", "operator", "dead", "refused", "unknown"]
"""wait: later; operator: later, and somebody has to act; dead: the number is; refused: this message is."""

VERDICTS: Mapping[int, Verdict] = MappingProxyType(
    {
        20003: "operator",  # wrong account or token
        20005: "operator",  # the account is not active
        20404: "operator",  # no such account
        20429: "wait",  # too many requests
        21211: "dead",  # not a phone number
        21408: "refused",  # the region is not enabled
        21606: "operator",  # the sender cannot send to this number
        21610: "dead",  # opted out by STOP
        21611: "wait",  # the sender's queue is full
        21614: "dead",  # not a mobile number
        21617: "refused",  # the text is too long
    }
)

STATUS_VERDICTS: Mapping[int, Verdict] = MappingProxyType(
    {
        401: "operator",
        403: "operator",
        429: "wait",
    }
)
"""For answers whose code is not in the table; any other 4xx is `refused`, anything else `unknown`."""

REACTIONS: Mapping[str, Reaction] = MappingProxyType(
    {
        "delivered": "delivered",
        "read": "opened",
        "undelivered": "bounced",
        "failed": "failed",
    }
)
"""Message statuses that tell something; accepted, queued, sending and sent are steps on the way."""


def receipt_of_error(key: str, status: int, code: int | None, message: str, retry_after_s: float | None) -> Receipt:
    """The receipt for an answer that is not 2xx. `status` is HTTP's, `code` Twilio's own if it gave one."""
    raw = str(status if code is None else code)
    reason = f"Twilio answered {status}: {message}"
    match VERDICTS.get(code or 0) or STATUS_VERDICTS.get(status) or _of_class(status):
        case "wait":
            return NotSent(key, reason, retry_after_s, raw)
        case "operator":
            return NotSent(key, f"{reason} (check account, token and sender)", retry_after_s, raw)
        case "dead":
            return Refused(key, reason, permanent=True, code=raw)
        case "refused":
            return Refused(key, reason, code=raw)
        case "unknown":
            return Ambiguous(key, reason, raw)


def _of_class(status: int) -> Verdict:
    return "refused" if 400 <= status < 500 else "unknown"
