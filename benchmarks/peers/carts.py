"""Who has to be reminded? What a line says of a cart, and whom the lines leave waiting once all of them are taken."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

import msgspec

CHECKOUT = "Checkout Started"
ORDER = "Order Completed"
LISTENED = frozenset({CHECKOUT, ORDER})
"""Events that the journey listens to."""

WORTH = 50
"""A cart that is worth more lets in."""

REMINDER = "reminder"

Sent: TypeAlias = tuple[str, str]
"""A person, and what she was sent."""


class Line(msgspec.Struct, gc=False):
    """What a peer needs of a line. Of most events the properties are never looked at, so they stay as they are."""

    person: str = msgspec.field(name="userId")
    message_id: str = msgspec.field(name="messageId")
    event: str
    properties: msgspec.Raw


class _Cart(msgspec.Struct, gc=False):
    total: float


class _Properties(msgspec.Struct, gc=False):
    cart: _Cart


decode = msgspec.json.Decoder(Line).decode

_decode_properties = msgspec.json.Decoder(_Properties).decode


def lets_in(line: Line) -> bool:
    """Whether the journey begins by this line for somebody who is not in it."""
    return line.event == CHECKOUT and _decode_properties(line.properties).cart.total > WORTH


def reminded(lines: Iterable[bytes]) -> list[Sent]:
    """What has to be sent, sorted, where nobody's patience ends before the last line is taken."""
    waiting = set[str]()
    for line in map(decode, lines):
        if line.event == ORDER:
            waiting.discard(line.person)
        elif line.person not in waiting and lets_in(line):
            waiting.add(line.person)
    return sorted((person, REMINDER) for person in waiting)
