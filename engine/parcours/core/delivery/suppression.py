"""The suppression list of a person: addresses that a provider has reported as dead, by channel.

A person may have several per channel, because a step may name its own address. A suppression belongs to the address and
outlasts every change of traits. The operator lifts it, and so does a delivery that was decided on later and arrives.

A failure that says nothing of the address (a full mailbox, a policy, a filter) is soft: the address stays in use until
so many of them have come over so long a time, and nothing has arrived in between.

A provider that signs no time with its reports signs them for ever: whoever has recorded one can send it again. So a
report that lifts a suppression does that once, as long as it is among the newest that are remembered. One that
suppresses does it each time: rather a message too few than one that nobody wants.
"""

from __future__ import annotations

from hashlib import blake2b

from parcours.core.fact import Changed, LimitReached
from parcours.core.profile import DeliveryState, Profile, is_unknown
from parcours.core.turn import Turn

SOFT_FAILURES_KEPT_MAX = 20
"""Soft failures of one address that are remembered: of more than so many within some days only the number is news."""

LIFTS_KEPT_MAX = 20
"""Reports by which a person's suppressions were lifted that are remembered: she changes her mind less often."""

REPORT_HASH_BYTES = 8
"""Of the hash of a report's id: two of a person's are never the same by chance."""


def suppress(turn: Turn, channel: str, address: str, since: int) -> None:
    """Suppress an address: no other message goes there. `since` is when the delivery was decided on that found out."""
    addresses = turn.profile.suppressed.setdefault(channel, {})
    if address not in addresses:
        turn.effects.facts.append(Changed(turn.at, turn.person, "suppressed", channel, "suppressed"))
    addresses[address] = max(since, addresses.get(address, since))
    _forget_failures(turn, channel, address)
    if len(addresses) > turn.settings.suppressed_addresses_max:
        del addresses[next(iter(addresses))]
        why = f"the oldest dead address on {channel} was forgotten"
        turn.effects.facts.append(LimitReached(turn.at, turn.person, "suppressed_addresses_max", why))
    _keep_to_room(turn)


def take_in(turn: Turn, other: Profile) -> None:
    """Take over what is known of the addresses of somebody who was merged: hers go first if any have to.

    Soft failures are put together by their times: so many of them are as much as if one person had met them.
    """
    profile, most = turn.profile, turn.settings.suppressed_addresses_max
    for channel, theirs in other.suppressed.items():
        own = profile.suppressed.get(channel, {})
        joined = {address: since for address, since in theirs.items() if address not in own}
        for _ in joined:
            turn.effects.facts.append(Changed(turn.at, turn.person, "suppressed", channel, "suppressed"))
        joined |= {address: max(since, theirs.get(address, since)) for address, since in own.items()}
        profile.suppressed[channel] = joined
        for address in joined:
            _forget_failures(turn, channel, address)
        for oldest in list(joined)[: max(len(joined) - most, 0)]:
            del joined[oldest]
            why = f"the oldest dead address on {channel} was forgotten"
            turn.effects.facts.append(LimitReached(turn.at, turn.person, "suppressed_addresses_max", why))
    _keep_to_room(turn)
    for channel, failures in other.soft_failures.items():
        for address, times in failures.items():
            if not is_suppressed(turn, channel, address):
                by_address = profile.soft_failures.setdefault(channel, {})
                together = sorted({*times, *by_address.get(address, ())})
                kept = max(SOFT_FAILURES_KEPT_MAX, turn.settings.soft_failures_max)
                by_address[address] = [*together[:1], *together[1:][-(kept - 1) :]]
                if len(by_address) > most:
                    del by_address[next(iter(by_address))]
    profile.lifted_by = [*(each for each in other.lifted_by if each not in profile.lifted_by), *profile.lifted_by]
    del profile.lifted_by[:-LIFTS_KEPT_MAX]


def _keep_to_room(turn: Turn) -> None:
    """Forget addresses that find no room: anybody may name any channel, and an address of any length."""
    suppressed, room = turn.profile.suppressed, turn.settings.suppressed_bytes_max
    sizes = {channel: len(channel) + sum(map(len, addresses)) for channel, addresses in suppressed.items()}
    while sum(sizes.values()) > room:
        largest = max(sizes, key=sizes.__getitem__)
        oldest = next(iter(suppressed[largest]))
        _drop(suppressed, largest, oldest)
        sizes[largest] -= len(oldest)
        if largest not in suppressed:
            del sizes[largest]
        why = f"the dead addresses take more than {room} bytes: the oldest of a channel are forgotten"
        turn.tell_once("suppressed_bytes_max", "", why)


def is_suppressed(turn: Turn, channel: str, address: str | None) -> bool:
    """Whether the address is suppressed."""
    return address in turn.profile.suppressed.get(channel, ())


def known_as(turn: Turn, channel: str, address: str) -> str:
    """The address in the channel's form, as deliveries have it; one that the channel does not take, as it stands."""
    try:
        return turn.usable(channel, address)
    except ValueError:
        return address


def lift(turn: Turn, channel: str, address: str) -> None:
    """Lift the suppression of an address, and forget what speaks against it."""
    if is_suppressed(turn, channel, address):
        turn.effects.facts.append(Changed(turn.at, turn.person, "suppressed", channel, "lifted"))
    _drop(turn.profile.suppressed, channel, address)
    _forget_failures(turn, channel, address)


def lift_once(turn: Turn, channel: str, address: str, report_id: str) -> None:
    """Lift the suppression of an address by the report of this id, unless the report has been here before."""
    mark = blake2b(report_id.encode(), digest_size=REPORT_HASH_BYTES).digest()
    heard = turn.profile.lifted_by
    if mark in heard or is_unknown(turn.profile):  # of somebody unknown there is nothing to lift, and nothing to keep
        return
    heard.append(mark)
    del heard[:-LIFTS_KEPT_MAX]
    lift(turn, channel, address)


def take_failure(turn: Turn, delivery: DeliveryState, code: str) -> None:
    """The provider reports with this code that the delivery failed: it tells whether the address is dead."""
    if delivery.to is None:
        return
    if not turn.dead_codes(delivery.channel).isdisjoint(code.split()):
        suppress(turn, delivery.channel, delivery.to, delivery.decided_at)
    else:
        take_soft_failure(turn, delivery)


def take_arrival(turn: Turn, delivery: DeliveryState) -> None:
    """The delivery has arrived. What is said of one that has failed as well lifts nothing."""
    if delivery.to is None or not FAILURES.isdisjoint(delivery.marks):
        return
    since = turn.profile.suppressed.get(delivery.channel, {}).get(delivery.to)
    if since is not None and delivery.decided_at > since:
        lift(turn, delivery.channel, delivery.to)
    _forget_failures(turn, delivery.channel, delivery.to)


def take_soft_failure(turn: Turn, delivery: DeliveryState) -> None:
    """The delivery failed for a reason that says nothing of its address."""
    address = delivery.to
    if address is None:
        return None
    settings, by_address = turn.settings, turn.profile.soft_failures.setdefault(delivery.channel, {})
    times = [at for at in by_address.get(address, ()) if turn.at - at <= settings.soft_failures_within_ms]
    times.append(turn.at)
    if len(times) >= settings.soft_failures_max and times[-1] - times[0] >= settings.soft_failures_over_ms:
        return suppress(turn, delivery.channel, address, delivery.decided_at)
    if len(times) > max(SOFT_FAILURES_KEPT_MAX, settings.soft_failures_max):
        del times[1]  # the first tells how long it has been going on
    by_address[address] = times
    if len(by_address) > settings.suppressed_addresses_max:
        del by_address[next(iter(by_address))]
    return None


def _forget_failures(turn: Turn, channel: str, address: str) -> None:
    _drop(turn.profile.soft_failures, channel, address)


def _drop(addresses: dict[str, dict[str, int]] | dict[str, dict[str, list[int]]], channel: str, address: str) -> None:
    """Remove an address; a channel that has none left is removed, too, so that an empty profile is empty."""
    of_channel = addresses.get(channel, {})
    of_channel.pop(address, None)
    if not of_channel:
        addresses.pop(channel, None)


FAILURES = frozenset({"bounced", "failed"})
"""Marks of a delivery that did not arrive, whatever else is said of it."""
