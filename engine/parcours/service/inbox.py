"""An inbox as callers see it: the cards and in-app messages that lie with one person now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from parcours.channel import Feedback
from parcours.core.inbox_entry import InboxEntry
from parcours.segment.reports import feedback_line


@dataclass(frozen=True, slots=True)
class InboxItem:
    """One card or in-app message. Times are in ms since 1970.

    key      of the delivery: by it the person's app tells what she does with it (`react_to`)
    at       since when it lies there
    expires  the last instant at which it does
    seen     whether it was opened or clicked
    content  what it says, as its channel has it: of an in-app message `show` is for the app to obey
    """

    key: str
    channel: str
    message: str
    at: int
    expires: int
    pinned: bool
    seen: bool
    content: Mapping[str, Any]


def items_of(entries: Iterable[InboxEntry]) -> list[InboxItem]:
    """As a person reads them: pinned ones first, and of both the newest first."""
    return [
        InboxItem(
            key=entry.key,
            channel=entry.channel,
            message=entry.message,
            at=entry.at,
            expires=entry.expires,
            pinned=entry.pinned,
            seen=entry.seen_at is not None,
            content=msgspec.json.decode(entry.content),
        )
        for _, entry in sorted(enumerate(entries), key=lambda each: (not each[1].pinned, -each[0]))
    ]


def fetched_lines(entries: Iterable[InboxEntry]) -> list[bytes]:
    """The lines that tell of each entry that has reached the person, as far as that is not known."""
    return [feedback_line(Feedback(key=each.key, reaction="delivered")) for each in entries if not each.is_fetched]
