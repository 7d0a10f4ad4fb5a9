"""What can happen to a person. Every input carries its effective time `at`, in milliseconds."""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from parcours.channel import Receipt


class EventHappened(msgspec.Struct, frozen=True):
    """An event of these names (its own, and those of the rule-based types it meets).

    timestamp  when it happened by its own word, None if it does not say; history goes by it
    """

    at: int
    names: tuple[str, ...]
    properties: dict[str, object]
    timestamp: int | None = None


class TraitsChanged(msgspec.Struct, frozen=True):
    """The person was identified with these traits; null takes one away."""

    at: int
    traits: dict[str, object]


class ConsentChanged(msgspec.Struct, frozen=True):
    """The person agreed to a channel, or withdrew: for one purpose, or for all of it (None)."""

    at: int
    channel: str
    purpose: str | None
    granted: bool


class TimePassed(msgspec.Struct, frozen=True):
    """Nothing happens at `at`, but whatever was due before it has."""

    at: int


class TimerDue(msgspec.Struct, frozen=True):
    """The first of the person's timers fires; `at` is its due time."""

    at: int


class DeliveriesClaimed(msgspec.Struct, frozen=True):
    """A dispatcher starts these deliveries now."""

    at: int
    keys: tuple[str, ...]


class DeliveryRecorded(msgspec.Struct, frozen=True):
    """A delivery on a channel that only records leaves now, unless a gate objects, and is answered for at once."""

    at: int
    receipt: Receipt


class ReceiptArrived(msgspec.Struct, frozen=True):
    """The channel answered for a delivery."""

    at: int
    receipt: Receipt


class ReactionArrived(msgspec.Struct, frozen=True):
    """The person, or the provider, reacted to the newest delivery of this step on this channel.

    answer  what an outbound call brought back, for `answered`
    """

    at: int
    reaction: str
    journey: str
    step: str
    channel: str
    link: str | None = None
    answer: dict[str, object] | None = None


class ReadReached(msgspec.Struct, frozen=True):
    """The person was in the audience that the journey reads, and enters at `enter_at`."""

    at: int
    journey: str
    enter_at: int


class JourneyStopped(msgspec.Struct, frozen=True):
    """A journey was stopped for everybody. number is that of the change, here and in the two inputs below."""

    at: int
    number: int
    journey: str


class JourneyResumed(msgspec.Struct, frozen=True):
    """A journey goes on that was paused."""

    at: int
    number: int
    journey: str


class AudiencesPublished(msgspec.Struct, frozen=True):
    """These audiences, named by their keys, are new from now on, or may answer otherwise than before."""

    at: int
    number: int
    audiences: tuple[str, ...]


ChangeInput: TypeAlias = JourneyStopped | JourneyResumed | AudiencesPublished
"""What happens to everybody at once, when what is published changes."""


Input: TypeAlias = (
    EventHappened
    | TraitsChanged
    | ConsentChanged
    | TimePassed
    | TimerDue
    | DeliveriesClaimed
    | DeliveryRecorded
    | ReceiptArrived
    | ReactionArrived
    | ReadReached
    | ChangeInput
)
