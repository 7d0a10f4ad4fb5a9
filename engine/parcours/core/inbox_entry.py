"""What lies in a person's inbox."""

from __future__ import annotations

import msgspec


class InboxEntry(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A delivery that lies in the person's inbox.

    at          when it was laid there
    expires     the last instant at which it is there
    content     what it says, as JSON
    withdraw    the event types, by their keys, that take it back before it was seen
    is_fetched  it was delivered: the next look at the inbox need not tell so
    seen_at     when it was opened or clicked for the first time
    """

    key: str
    channel: str
    message: str
    at: int
    expires: int
    pinned: bool
    content: bytes
    withdraw: tuple[str, ...] = ()
    is_fetched: bool = False
    seen_at: int | None = None
