"""What a person says of consent, and the room for it: anybody may name any channel and any purpose.

What some published message or destination asks for is always kept. Of all else the oldest goes first, grants before
withdrawals: without its grant a message is not sent, without a withdrawal it might be.
"""

from __future__ import annotations

from collections.abc import Mapping

from parcours.core.consent import joined_consents, set_consent, spoken_of, stated_consents
from parcours.core.fact import Changed
from parcours.core.turn import Turn
from parcours.journey.program import Program


def take_consent(turn: Turn, channel: str, purpose: str | None, *, granted: bool) -> None:
    """Record what the person says of consent to a channel or one purpose on it."""
    if set_consent(turn.profile, channel, purpose, granted):
        _tell(turn, channel, purpose, granted=granted)


def take_in(turn: Turn, theirs: Mapping[str, bool], *, grants: bool) -> None:
    """Take over what somebody has said who was merged into the person; `grants` too, or withdrawals alone."""
    before = turn.profile.consents
    turn.profile.consents = joined_consents(before, theirs, grants=grants)
    for key, granted in turn.profile.consents.items():
        if before.get(key) is not granted:
            _tell(turn, *spoken_of(key), granted=granted)
    keep_to_room(turn)


def _tell(turn: Turn, channel: str, purpose: str | None, *, granted: bool) -> None:
    name = channel if purpose is None else f"{channel}/{purpose}"
    said = "granted" if granted else "withdrawn"
    turn.effects.facts.append(Changed(turn.at, turn.person, "consent", name, said))


def keep_to_room(turn: Turn) -> None:
    """Forget what finds no room."""
    consents, room = turn.profile.consents, turn.settings.consents_bytes_max
    size = sum(map(len, consents))
    if size <= room:
        return
    asked = _asked_for(turn.program)
    said = zip(list(consents), stated_consents(turn.profile).items(), strict=True)
    others = [(key, granted) for key, (what, granted) in said if what not in asked]
    for key, _ in sorted(others, key=lambda each: not each[1]):
        if size <= room:
            return
        del consents[key]
        size -= len(key)
        why = f"what she says of consent takes more than {room} bytes: what no message asks for is forgotten"
        turn.tell_once("consents_bytes_max", "", why)


def _asked_for(program: Program) -> set[tuple[str, str | None]]:
    """The channels, and the purposes on them, that published messages and destinations ask for."""
    messages = [*program.messages.values(), *(each for one in program.versions() for each in one.messages.values())]
    asked = {(channel, of) for message in messages for channel in message.contents for of in (None, message.purpose)}
    agreed = [each.consent for each in program.destinations.values() if each.consent is not None]
    return asked | {(channel, of) for channel, purpose in agreed for of in (None, purpose)}
