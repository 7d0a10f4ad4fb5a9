"""What do mail servers and mailbox providers report on a mail? Delivery status notifications and complaints.

A server that could not deliver a mail says so in a multipart/report (RFC 3464): for each recipient an action and a
status. A provider whose user calls a mail spam sends a feedback report (RFC 5965). Whatever else comes to a return
path, such as the answer of a machine that somebody is away, reports nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from email import message_from_bytes, message_from_string
from email.message import Message
from types import MappingProxyType
from typing import Final

from parcours.channel import Feedback, Reaction

ACTIONS: Mapping[str, Reaction] = MappingProxyType({"failed": "bounced", "delivered": "delivered"})
"""What the actions of a status notification tell. `delayed` is no end, and `relayed` and `expanded` no certain one."""

COMPLAINTS: Mapping[str, Reaction] = MappingProxyType({"abuse": "complained"})
"""The same for the types of feedback. Those of fraud, viruses and failed authentication are not about the recipient."""

STATUSES: Final = frozenset({"message/delivery-status", "message/global-delivery-status"})
FEEDBACK_REPORT: Final = "message/feedback-report"

STATUS: Final = re.compile(r"[245]\.\d{1,3}\.\d{1,3}(?![.\d])")

NO_STATUS: Final = "failed"
"""Stands for the code of a failure that has none: without a code a bounce would be of a dead mailbox."""

NOTHING_SAID: Final = frozenset({"5.0.0", "4.0.0"})
"""Statuses that leave it to the words of the server that refused the mail."""


def read_mail(key: str, mail: bytes) -> list[Feedback]:
    """The reports on the delivery of this key in a mail; none in one that is no report."""
    try:
        return _read(key, message_from_bytes(mail))
    except RecursionError:
        return []  # parts within parts, deeper than anybody reports


def _read(key: str, mail: Message) -> list[Feedback]:
    if mail.get_content_type() != "multipart/report":
        return []
    reports: list[Feedback] = []
    parts = mail.get_payload()  # only its own: the mail that it quotes may be a report of something else
    for part in parts if isinstance(parts, list) else ():
        assert isinstance(part, Message), "what a multipart has are messages"
        if part.get_content_type() in STATUSES:
            reports += [each for fields in _blocks(part) if (each := _of_recipient(key, fields)) is not None]
        elif part.get_content_type() == FEEDBACK_REPORT:
            reports += [each for fields in _blocks(part) if (each := _of_complaint(key, fields)) is not None]
    return list(dict.fromkeys(reports))


def _blocks(part: Message) -> Iterator[Message]:
    """The groups of fields of a part: of the message first, then of each recipient."""
    payload = part.get_payload()
    blocks = [each for each in payload if isinstance(each, Message)] if isinstance(payload, list) else []
    for block in blocks:
        yield block
        rest = block.get_payload()
        if isinstance(rest, str) and rest.strip():  # of a kind of part that the parser takes for a whole message
            for text in re.split(r"\r?\n\r?\n", rest.strip()):
                yield message_from_string(text)


def _of_recipient(key: str, fields: Message) -> Feedback | None:
    action = _word(fields, "Action")
    reaction = ACTIONS.get(action)
    if reaction is None:
        return None
    return Feedback(key=key, reaction=reaction, code=_code(fields) if reaction == "bounced" else None)


def _code(fields: Message) -> str:
    """The status, or the one in the words of the server that refused the mail, where the report leaves it to those."""
    found = STATUS.search(str(fields.get("Status", "")))
    if found is not None and found[0] not in NOTHING_SAID:
        return found[0]
    told = STATUS.search(str(fields.get("Diagnostic-Code", "")))
    return told[0] if told is not None else found[0] if found is not None else NO_STATUS


def _of_complaint(key: str, fields: Message) -> Feedback | None:
    reaction = COMPLAINTS.get(_word(fields, "Feedback-Type"))
    return None if reaction is None else Feedback(key=key, reaction=reaction)


def _word(fields: Message, name: str) -> str:
    """The first word of a field, in small letters, without the comment that may follow it."""
    return str(fields.get(name, "")).partition("(")[0].partition(";")[0].strip().lower()
