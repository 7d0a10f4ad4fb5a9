"""What an SMTP reply says about a delivery: the table from reply codes to receipts (RFC 5321, RFC 3463).

Any 4xx or 5xx means that the server did not take the mail. Only the 5xx that speak of the mailbox itself
make the address dead; the others speak of policy, content or the sender.
"""

from __future__ import annotations

import re
from typing import Literal, TypeAlias

from parcours.channel import NotSent, Receipt, Refused

Stage: TypeAlias = Literal["connect", "mail", "rcpt", "body"]

DEAD_MAILBOX_ENHANCED = frozenset(
    {
        "5.1.1",  # no such mailbox
        "5.1.2",  # no such domain
        "5.1.3",  # not an address
        "5.1.6",  # moved without a trace
        "5.1.10",  # the domain takes no mail at all
        "5.2.1",  # mailbox switched off
    }
)

DEAD_MAILBOX_AT_RCPT = frozenset(
    {
        550,  # unavailable
        551,  # not local
        553,  # name not allowed
    }
)
"""Counts where a refused recipient comes without an enhanced code."""

OUR_OWN_FAULT = frozenset(
    {
        530,  # log in first
        534,  # a stronger login is wanted
        535,  # wrong user name or password
        538,  # login only over TLS
    }
)
"""The operator has to act; the delivery waits for that."""

ENHANCED = re.compile(r"^\s*([245]\.\d{1,3}\.\d{1,3})\b")


def receipt_of_reply(key: str, stage: Stage, code: int, text: str) -> Receipt:
    """The receipt for a reply that turns the mail away. Its code is such as `550 5.1.1`."""
    match = ENHANCED.match(text)
    enhanced = match[1] if match else None
    raw = f"{code} {enhanced}" if enhanced else str(code)
    reason = f"{stage}: {code} {text}".strip()
    if stage == "connect" or code < 500 or code in OUR_OWN_FAULT:
        return NotSent(key, reason, code=raw)
    return Refused(key, reason, permanent=_is_dead(stage, code, enhanced), code=raw)


def _is_dead(stage: Stage, code: int, enhanced: str | None) -> bool:
    if enhanced is not None:
        return enhanced in DEAD_MAILBOX_ENHANCED
    return stage == "rcpt" and code in DEAD_MAILBOX_AT_RCPT
