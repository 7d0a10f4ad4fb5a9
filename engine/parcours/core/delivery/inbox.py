"""The inbox: cards and in-app messages that lie with the person until she, a rule, or time takes them out.

    queued -> sent (it lies there) -> delivered (fetched) -> opened (seen) -> clicked

A delivery on one of these channels is rendered in the shard at the instant of the send, and what it says lies in the
profile from then on. The newest `inbox_max` are kept, in at most `inbox_bytes_max`: one more pushes out the oldest that
is not pinned. What was not seen yet is taken back when the run is ended from outside, and by each event that the
message's `withdraw` names; the correlation of its journey tells which events concern it, as for exits. Whatever is
taken out has the mark `withdrawn`, and why; what the person dismisses has her own mark.

A pause holds none of this up: nobody moves, and an offer that is over is over.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final, Literal, TypeAlias

from msgspec.structs import replace

from parcours.core.delivery.deliveries import find, reach
from parcours.core.effect import InboxChange
from parcours.core.inbox_entry import InboxEntry
from parcours.core.input import Placed
from parcours.core.profile import DeliveryState, Run
from parcours.core.turn import Turn, correlation_key

Why: TypeAlias = Literal["exit", "event", "pushed_out", "expired"]

SEEN: Final = frozenset({"opened", "clicked"})
"""Reactions of somebody who has it before her eyes."""


def place(turn: Turn, run: Run, delivery: DeliveryState, placed: Placed) -> None:
    """Lay down what has been rendered; whatever has no room beside it is pushed out."""
    journey = turn.program.journey(run.journey, run.version)
    message = None if journey is None else journey.messages.get(delivery.message)
    expires_ms = None if message is None else message.expires_ms
    expires = turn.at + turn.settings.inbox_expires_ms if expires_ms is None else delivery.decided_at + expires_ms
    entry = InboxEntry(
        key=delivery.key,
        channel=delivery.channel,
        message=delivery.message,
        at=turn.at,
        expires=expires,
        pinned=placed.pinned,
        content=placed.content,
        withdraw=() if message is None else message.withdraw,
    )
    turn.profile.inbox.append(entry)
    turn.set_timer(expires, "expiry", run, delivery.key)
    _tell(turn, entry, "message")
    make_room(turn)


def lay(turn: Turn, entries: list[InboxEntry]) -> None:
    """Lay the entries of somebody who was merged into the person beside her own, in the order of time."""
    if entries:
        turn.profile.inbox = sorted([*turn.profile.inbox, *entries], key=lambda entry: entry.at)
        for entry in entries:
            _tell(turn, entry, "message")


def take_back_all(turn: Turn, keys: Collection[str]) -> None:
    """Take these entries out of the inbox, seen or not, for their runs were ended from outside."""
    for entry in [each for each in turn.profile.inbox if each.key in keys]:
        _withdraw(turn, entry, "exit")


def make_room(turn: Turn) -> None:
    """Push out the oldest that are not pinned; pinned ones only where there are no others."""
    settings = turn.settings
    while inbox := turn.profile.inbox:
        if len(inbox) > settings.inbox_max:
            why = f"with {settings.inbox_max} newer ones, the oldest entry of the inbox is pushed out"
            turn.tell_once("inbox_max", "", why)
        elif sum(len(each.content) for each in inbox) > settings.inbox_bytes_max:
            why = f"the inbox takes more than {settings.inbox_bytes_max} bytes, so its oldest entry is pushed out"
            turn.tell_once("inbox_bytes_max", "", why)
        else:
            return
        _withdraw(turn, next((each for each in inbox if not each.pinned), inbox[0]), "pushed_out")


def take_back_of(turn: Turn, run: Run) -> None:
    """The run is ended from outside: what was not seen yet of what it has sent is taken back."""
    keys = {delivery.key for delivery in run.deliveries}
    for entry in [each for each in turn.profile.inbox if each.key in keys and each.seen_at is None]:
        _withdraw(turn, entry, "exit")


def take_back_by(turn: Turn, names: Collection[str], properties: dict[str, object]) -> None:
    """An event has happened: what its message names it for is taken back, as far as it was not seen yet."""
    for entry in list(turn.profile.inbox):
        if entry.withdraw and entry.seen_at is None and not set(names).isdisjoint(entry.withdraw):
            found = find(turn, entry.key)
            if found is None or _concerns(turn, found[0], properties):
                _withdraw(turn, entry, "event")


def _concerns(turn: Turn, run: Run, properties: dict[str, object]) -> bool:
    journey = turn.program.journey(run.journey, run.version)
    if journey is None or journey.correlation is None:
        return True
    return correlation_key(journey.correlation.value(turn.scope(properties))) in (None, run.correlation)


def expire(turn: Turn, key: str) -> None:
    """Its time is over, whether it was seen or not."""
    for entry in turn.profile.inbox:
        if entry.key == key:
            return _withdraw(turn, entry, "expired")
    return None


def hear(turn: Turn, delivery: DeliveryState, reaction: str) -> None:
    """The person has reacted to a delivery, which may lie in her inbox."""
    inbox = turn.profile.inbox
    for place_of, entry in enumerate(inbox):
        if entry.key != delivery.key:
            continue
        if reaction == "dismissed":
            _take_out(turn, entry)
            _tell(turn, entry, "withdrawn", "dismissed")
            return
        if reaction in SEEN and entry.seen_at is None:
            entry = replace(entry, seen_at=turn.at)
            _tell(turn, entry, "seen")
        if "delivered" in delivery.marks:
            entry = replace(entry, is_fetched=True)
        inbox[place_of] = entry
        return


def _withdraw(turn: Turn, entry: InboxEntry, why: Why) -> None:
    _take_out(turn, entry)
    _tell(turn, entry, "withdrawn", why)
    found = find(turn, entry.key)
    if found is not None:  # else its run has been forgotten, which was told then
        run, delivery = found
        delivery.marks.setdefault("withdrawn", turn.at)
        reach(turn, run, delivery, "withdrawn", reason=why)


def _take_out(turn: Turn, entry: InboxEntry) -> None:
    profile = turn.profile
    profile.inbox = [each for each in profile.inbox if each.key != entry.key]
    profile.timers = [each for each in profile.timers if each.kind != "expiry" or each.key != entry.key]


def _tell(turn: Turn, entry: InboxEntry, what: Literal["message", "withdrawn", "seen"], why: str | None = None) -> None:
    change = InboxChange(turn.gates_at, turn.person, entry.key, what, why)
    turn.effects.inbox = (*turn.effects.inbox, change)
