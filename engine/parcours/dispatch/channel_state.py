"""Where does a channel stand: does anything leave on it now, and how fast may it?"""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

BreakerState: TypeAlias = Literal["closed", "open", "silent"]
"""closed: whatever is ready is handed over; open: nothing is, but for a probe after each pause; silent: nothing is
until the channel answers
"""


class ChannelState(msgspec.Struct, frozen=True, kw_only=True):
    """
    breaker     None of a channel that has none, as that of outbound calls
    next_try_s  how long until the next probe, None where that is not a matter of time
    trouble     what keeps deliveries from leaving, None if nothing does
    rate        how many may leave, as it is written; None: as many as the channel can carry
    """

    channel: str
    breaker: BreakerState | None
    next_try_s: float | None
    trouble: str | None
    rate: str | None
