"""What a provider has said, as lines: each names the delivery or the person that it is about."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b
from typing import Final

import msgspec

from parcours.channel import Feedback
from parcours.core.time_text import time_text
from parcours.instants import LATEST_MS
from parcours.segment.person import FEEDBACK

TEXT_RECEIVED: Final = "Text Received"
"""The event that an answer is, where the project declares it: with the properties `text` and `channel`."""


def feedback_line(feedback: Feedback) -> bytes:
    """The line of a report on a delivery. A report that comes again is the same line, and counts once."""
    return _line(feedback, "", {"key": feedback.key})


def person_line(feedback: Feedback, person: str, channel: str, *, as_event: bool) -> bytes:
    """The line of a report on a person, by her name, that names no delivery.

    as_event  an answer is the event TEXT_RECEIVED besides
    """
    told: dict[str, object] = {"person": person, "channel": channel, "address": feedback.address}
    told["reportId"] = feedback.report_id
    if as_event and feedback.text is not None:
        told |= {"event": TEXT_RECEIVED, "properties": {"text": feedback.text, "channel": channel}}
    return _line(feedback, channel, told)


def _line(feedback: Feedback, channel: str, told: Mapping[str, object]) -> bytes:
    line = {"type": FEEDBACK, **told, "reaction": feedback.reaction, "link": feedback.link, "code": feedback.code}
    at_ms = feedback.at_ms
    if at_ms is not None and 0 <= at_ms < LATEST_MS:  # a time that nobody can have told is none
        line["timestamp"] = time_text(at_ms)
    hashed = blake2b(msgspec.json.encode(feedback) + channel.encode(), digest_size=16)
    line["machine"], line["byLink"] = feedback.machine or None, feedback.by_link or None
    line["messageId"] = hashed.hexdigest()
    return msgspec.json.encode({name: value for name, value in line.items() if value is not None})
