"""What an SMTP reply says about a delivery: the table from reply codes to receipts (RFC 5321, RFC 3463).

Any 4xx or 5xx means that the server did not take the mail. Only an enhanced code that names the mailbox makes the
address dead. A bare 550, 551 or 553 does not, not even to RCPT TO: most servers that give one mean the sender, who may
not relay, is on a blocklist or fails a check of its domain.
"""

from __future__ import annotations

import re
from typing import Final, Literal, TypeAlias

from parcours.channel import NotSent, Receipt, Refused

Stage: TypeAlias = Literal["connect", "mail", "rcpt", "body"]

DEAD_MAILBOX: Final = frozenset(
    {
        "5.1.1",  # no such mailbox
        "5.1.2",  # no such domain
        "5.1.3",  # not an address
        "5.1.6",  # moved without a trace
        "5.1.10",  # the domain takes no mail at all
        "5.2.1",  # mailbox switched off
    }
)

OF_THE_SENDER: Final = frozenset(
    {
        "5.1.7",  # the sender's address is no address
        "5.1.8",  # the sender's domain does not exist
        "5.5.1",  # the server does not go along with the conversation
        "5.7.0",  # some rule of security
        "5.7.1",  # not authorised: relaying, policies, most blocklists
        "5.7.7",  # integrity
        "5.7.8",  # wrong user name or password
        "5.7.9",  # a stronger login is wanted
        "5.7.11",  # login only over TLS
        "5.7.20",  # no valid DKIM signature
        "5.7.21",  # no acceptable DKIM signature
        "5.7.22",  # no DKIM signature of the author
        "5.7.23",  # SPF fails
        "5.7.24",  # SPF cannot be checked
        "5.7.25",  # no reverse name
        "5.7.26",  # several checks of the sender fail
        "5.7.27",  # the sender's domain takes no mail
        "5.7.28",  # a flood of mail
        "5.7.29",  # ARC fails
    }
)
"""The same would be said to everybody, until somebody changes the sender or the server."""

SENDER_OR_MAILBOX: Final = frozenset({550, 551, 553, 554})
"""Without an enhanced code a server may mean either. If it says it to several people in a row, it means the sender."""

OUR_OWN_FAULT = frozenset(
    {
        530,  # log in first
        534,  # a stronger login is wanted
        535,  # wrong user name or password
        538,  # login only over TLS
    }
)
"""The operator has to act; the delivery waits for that."""

CLOSING: Final = 421
"""The server closes the connection, for a reason of its own: too many connections or mails, or maintenance.

So it is with any 4xx to MAIL FROM, where it has not heard of a recipient yet.
"""

ENHANCED = re.compile(r"^\s*#?([245]\.\d{1,3}\.\d{1,3})\b")


def receipt_of_reply(key: str, stage: Stage, code: int, text: str) -> Receipt:
    """The receipt for a reply that turns the mail away. Its code is such as `550 5.1.1`."""
    match = ENHANCED.match(text)
    enhanced = match[1] if match else None
    raw = f"{code} {enhanced}" if enhanced else str(code)
    reason = f"{stage}: {code} {text}".strip()
    if stage == "connect" or code in OUR_OWN_FAULT or code == CLOSING or (stage == "mail" and code < 500):
        return NotSent(key, reason, code=raw, of_channel=True)
    if code < 500:
        return NotSent(key, reason, code=raw)
    if enhanced in DEAD_MAILBOX and stage != "mail":  # to MAIL FROM it is the sender's mailbox that is meant
        return Refused(key, reason, permanent=True, code=raw)
    return Refused(key, reason, code=raw, of_channel=_is_of_the_sender(stage, code, enhanced))


def _is_of_the_sender(stage: Stage, code: int, enhanced: str | None) -> bool:
    if stage == "mail":
        return True
    return code in SENDER_OR_MAILBOX if enhanced is None else enhanced in OF_THE_SENDER
