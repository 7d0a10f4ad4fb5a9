"""A destination as the core sees it: whose members it has, and what it is told of them. Where that goes is no part."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from parcours.expression.expression import Expression

LANE: Final = "@"
"""Begins the name under which a destination's changes wait in the outbox, as deliveries wait under their channel's: no
channel has such a name.
"""


def lane_of(destination: str) -> str:
    """What a destination is called where channels are."""
    return f"{LANE}{destination}"


def name_of(lane: str) -> str:
    """The destination that is called so where channels are."""
    return lane.removeprefix(LANE)


def is_lane(channel: str) -> bool:
    """Whether it is a destination that is called so, and no channel."""
    return channel.startswith(LANE)


@dataclass(frozen=True, slots=True)
class SharedValue:
    """A value that leaves.

    hashed   only its SHA-256 does
    channel  whose address it is, None for any other value: an address is hashed in the form that its channel uses
    """

    value: Expression
    hashed: bool = False
    channel: str | None = None


@dataclass(frozen=True, slots=True)
class Destination:
    """
    audience  the key of the audience whose members it has
    key       by what the other side knows a person; None: by her name
    consent   (channel, purpose) for which people have to agree, None: nobody is asked
    full      when it is told of all members at once: the first instant (ms) and a rule; None: never
    """

    name: str
    audience: str
    key: SharedValue | None
    fields: Mapping[str, SharedValue]
    consent: tuple[str, str] | None
    full: tuple[int, str | None] | None = None

    def expressions(self) -> Iterator[Expression]:
        """All that it asks of a person."""
        if self.key is not None:
            yield self.key.value
        for field in self.fields.values():
            yield field.value

    @property
    def membership(self) -> object:
        """All by which it is decided who is told of, and under which key: where two are equal, nobody is told anew."""
        key = None if self.key is None else (self.key.value.text, self.key.hashed, self.key.channel)
        return self.audience, key, self.consent
