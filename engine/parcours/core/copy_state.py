"""A copy of a campaign's send, for an address of the campaign's own, as long as the campaign's run goes on."""

from __future__ import annotations

from typing import Literal

import msgspec


class CopyState(msgspec.Struct, array_like=True):
    """
    run         the number of the campaign's run
    entered_at  when the person entered it whose data the copy has
    row         what the message names of her row in the set; empty once the copy lies in the outbox
    state       waiting: she is not due yet; then as for deliveries; over: what became of it is known
    attempt     the number of the attempt that was begun last, or is to come next
    is_last     the run is over, and nothing is kept of the copy once that is known
    """

    key: str
    journey: str
    version: int
    run: int
    step: str
    channel: str
    to: str
    entered_at: int
    row: dict[str, object]
    state: Literal["waiting", "queued", "claimed", "over"] = "waiting"
    attempt: int = 1
    is_last: bool = False
