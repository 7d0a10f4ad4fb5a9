"""At which addresses of a person does nothing arrive? Those that a provider has said are dead, until she has others.

A suppression is of a channel and an address: a person may have several, because a step may say where to send.
It is gone when the address of her profile changes away from it, so that she may come back to it later.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from parcours.core.fact import LimitReached
from parcours.core.turn import Turn


def suppress(turn: Turn, channel: str, address: str) -> None:
    """Nothing arrives at this address: no other message goes there."""
    addresses = turn.profile.suppressed.setdefault(channel, [])
    if address in addresses:
        return
    addresses.append(address)
    if len(addresses) > turn.settings.suppressed_addresses_max:
        del addresses[0]
        why = f"the oldest dead address on {channel} was forgotten"
        turn.effects.facts.append(LimitReached(turn.at, turn.person, "suppressed_addresses_max", why))


def is_suppressed(turn: Turn, channel: str, address: str | None) -> bool:
    """Whether nothing arrives there."""
    return address in turn.profile.suppressed.get(channel, ())


@contextmanager
def lifting(turn: Turn) -> Iterator[None]:
    """Around a change of traits: lift the suppression of an address that is not the profile's any more."""
    before = _addresses(turn)
    yield
    for channel, address in _addresses(turn).items():
        left, dead = before.get(channel), turn.profile.suppressed[channel]
        if left != address and left in dead:
            dead.remove(left)
            if not dead:
                del turn.profile.suppressed[channel]


def _addresses(turn: Turn) -> dict[str, object]:
    """The profile's address on each channel on which any is suppressed."""
    addresses = turn.program.addresses
    return {
        channel: addresses[channel].value(turn.scope()) for channel in turn.profile.suppressed if channel in addresses
    }
