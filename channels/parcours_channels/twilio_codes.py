"""What Twilio's codes say about a message: from errors to receipts, and from statuses to reactions."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

from parcours.channel import NotSent, Reaction, Receipt, StatusTable, Verdict, receipt_of

TwilioVerdict: TypeAlias = Verdict | Literal["operator", "account"]
"""operator: later, and somebody has to act. account: the same, and nothing leaves for anybody until then."""

DEAD_NUMBER: Final = frozenset(
    {
        "21211",  # not a phone number
        "21610",  # opted out by STOP
        "21614",  # not a mobile number
        "30005",  # unknown number
        "30006",  # a landline, or a carrier that cannot be reached
    }
)
"""The codes that speak of the number itself. A handset that is off (30003), a full queue (30001), a filter (30007), an
unregistered sender (30034), an unknown cause (30008), and whatever else there may be, do not.
"""

VERDICTS: Mapping[int, TwilioVerdict] = MappingProxyType(
    {
        20003: "account",  # wrong account or token
        20005: "account",  # the account is not active
        20404: "account",  # no such account
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

STATUSES: Final[StatusTable[TwilioVerdict]] = StatusTable(
    statuses=MappingProxyType({401: "account", 403: "account", 429: "wait"}),
    classes=MappingProxyType({4: "refused"}),
    otherwise="unknown",
)
"""For answers whose code is not in the table."""

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
    verdict = VERDICTS.get(code or 0) or STATUSES.meaning(status)
    if verdict == "operator" or verdict == "account":
        reason = f"{reason} (check account, token and sender)"
        return NotSent(key, reason, retry_after_s, raw, of_channel=verdict == "account")
    return receipt_of(verdict, key, reason, raw, retry_after_s)
