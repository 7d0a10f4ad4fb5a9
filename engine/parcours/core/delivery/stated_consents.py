"""What a person says of consent, and the room for it: anybody may name any channel and any purpose.

What some published message asks for is always kept. Of all else the oldest goes first, grants before withdrawals:
without its grant a message is not sent, without a withdrawal it might be.
"""

from __future__ import annotations

from parcours.core.consent import set_consent, stated_consents
from parcours.core.fact import Changed
from parcours.core.turn import Turn
from parcours.journey.program import Program


def take_consent(turn: Turn, channel: str, purpose: str | None, *, granted: bool) -> None:
    """Record what the person says of consent to a channel or one purpose on it."""
    if set_consent(turn.profile, channel, purpose, granted):
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
    """The channels, and the purposes on them, that published messages ask for."""
    messages = [*program.messages.values(), *(each for one in program.versions() for each in one.messages.values())]
    return {(channel, of) for message in messages for channel in message.contents for of in (None, message.purpose)}
