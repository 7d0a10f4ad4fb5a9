"""The suppression list of a person: addresses that a provider has reported as dead, by channel.

A person may have several per channel, because a step may name its own address. A suppression is lifted when the
profile's address changes away from it: if she returns to the address later, it gets another chance.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from parcours.core.fact import LimitReached
from parcours.core.turn import Turn


def suppress(turn: Turn, channel: str, address: str) -> None:
    """Suppress an address: no other message goes there."""
    addresses = turn.profile.suppressed.setdefault(channel, [])
    if address in addresses:
        return
    addresses.append(address)
    if len(addresses) > turn.settings.suppressed_addresses_max:
        del addresses[0]
        why = f"the oldest dead address on {channel} was forgotten"
        turn.effects.facts.append(LimitReached(turn.at, turn.person, "suppressed_addresses_max", why))


def is_suppressed(turn: Turn, channel: str, address: str | None) -> bool:
    """Whether the address is suppressed."""
    return address in turn.profile.suppressed.get(channel, ())


@contextmanager
def lifting(turn: Turn) -> Iterator[None]:
    """Lift the suppression of an address that is no longer the profile's after this change of traits."""
    before = _addresses(turn)
    yield
    for channel, address in _addresses(turn).items():
        left, dead = before.get(channel), turn.profile.suppressed[channel]
        if left != address and left in dead:
            dead.remove(left)
            if not dead:
                del turn.profile.suppressed[channel]


def _addresses(turn: Turn) -> dict[str, object]:
    """The profile's address on each channel with suppressions, in the channel's form as those are."""
    addresses = turn.program.addresses
    return {
        channel: _usable(turn, channel, addresses[channel].value(turn.scope()))
        for channel in turn.profile.suppressed
        if channel in addresses
    }


def _usable(turn: Turn, channel: str, address: object) -> object:
    try:
        return turn.usable(channel, address) if isinstance(address, str) else address
    except ValueError:
        return address
