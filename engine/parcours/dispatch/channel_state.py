"""Where does a channel stand: does anything leave on it now, and how fast may it?

A channel with several dispatchers stands as the one of them that stands worst: silent before open, open before closed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

import msgspec
from msgspec.structs import replace

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


_WORST_LAST: Final[tuple[BreakerState | None, ...]] = (None, "closed", "open", "silent")


def joint_state(states: Mapping[str, ChannelState]) -> ChannelState:
    """The state of a channel by those of its dispatchers, of which there is one at least, under their names.

    Its next probe is the first of those that stand worst; its rate is that of the channel already in each of them.
    """
    worst = max(states.values(), key=lambda state: _WORST_LAST.index(state.breaker))
    alike = [state.next_try_s for state in states.values() if state.breaker == worst.breaker]
    troubles = joint_troubles({name: state.trouble for name, state in states.items()})
    return replace(
        worst,
        next_try_s=min((pause_s for pause_s in alike if pause_s is not None), default=None),
        trouble="; ".join(troubles) or None,
    )


def joint_troubles(troubles: Mapping[str, str | None]) -> list[str]:
    """What keeps the deliveries of a channel from leaving: once where all of its dispatchers say the same."""
    told = set(troubles.values())
    if len(told) == 1:
        return [trouble for trouble in told if trouble is not None]
    return [f"dispatcher {name}: {trouble}" for name, trouble in troubles.items() if trouble is not None]
