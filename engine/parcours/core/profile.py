"""What is known of one person: traits, runs, their deliveries and timers. About a kilobyte a waiting run.

A profile lies in memory as bytes and is decoded when an input touches it. The first eight bytes are the
time of the person's next timer, so that a shard finds out what is due without decoding anything.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

NEVER = 2**63 - 1
"""The due time of somebody who has no timer."""

DeliveryStateName: TypeAlias = Literal[
    "held", "queued", "claimed", "unknown", "sent", "delivered", "bounced", "failed", "refused", "cancelled"
]

TimerKind: TypeAlias = Literal["wait", "timeout", "retry", "release", "reaction", "read", "audience"]


class Timer(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Something due. Ties are broken by `sequence`, the order in which the timers were set.

    wait, timeout  journey and run say which run goes on
    retry          key is the delivery to queue again
    reaction       key and detail are the delivery and what the person does with it (simulated people)
    release        key is the delivery that a gate held until now
    read           journey is the one to enter
    audience       some audience may be entered or left by the passing of time
    """

    due: int
    sequence: int
    kind: TimerKind
    journey: str = ""
    run: int = 0
    key: str = ""
    detail: str = ""


class DeliveryState(msgspec.Struct, array_like=True):
    """One message on one channel, or an outbound call: then `message` is the action, and there is no address.

    decided_at     when the run reached the send step: a message expires from then on
    may_have_left  an attempt was accepted or ambiguous: the person may have it, whatever the state says now
    marks, links   each reaction, and each link clicked, with its first time
    answer         as much of a call's answer as the journey names, for as long as somebody may listen for it
    purpose        of a marketing message, once it has been queued; "" for what no cap counts
    held_ms        how long after `decided_at` it was queued: from then on it counts against caps
    """

    key: str
    step: str
    visit: int
    channel: str
    message: str
    to: str | None
    state: DeliveryStateName
    attempt: int = 0
    may_have_left: bool = False
    provider_id: str | None = None
    marks: dict[str, int] = {}
    links: dict[str, int] = {}
    decided_at: int = 0
    answer: dict[str, object] = {}
    purpose: str = ""
    held_ms: int = 0


class Reservation(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A marketing delivery that counts against frequency caps from the instant at which it was queued."""

    at: int
    key: str
    channel: str
    purpose: str


class Run(msgspec.Struct, array_like=True):
    """One person's way through one journey.

    number       counts from 1 per person and journey
    correlation  canonical text of the correlation's value, None where it has none
    visits       how often each step has been reached
    entry/event  the paths kept of the event that started it, and of the one that moved it last
    withdrawn    it was ended from outside (an exit), so nothing more may leave for it
    """

    journey: str
    version: int
    number: int
    correlation: str | None
    entered_at: int
    step: str | None = None
    visits: dict[str, int] = {}
    entry: dict[str, object] = {}
    event: dict[str, object] = {}
    deliveries: list[DeliveryState] = []
    goal_at: int | None = None
    ended_at: int | None = None
    withdrawn: bool = False
    parked: str | None = None


class BufferedInput(msgspec.Struct, frozen=True, array_like=True):
    """Something that happened to the runs of a paused journey, and will be applied to them when it goes on.

    occasion  names, properties and changes are those of an event and of what it did to audiences, as far as any
              of the runs may look at them; with a timer, it was this one that did it
    reaction  there was one to a delivery of the run
    timer     it fell due
    claim     the delivery `key` was about to leave
    lost      `key` names what there was no room for, and what has been told of
    """

    at: int
    journey: str
    kind: Literal["occasion", "reaction", "timer", "claim", "lost"]
    run: int = 0
    key: str = ""
    timer: Timer | None = None
    names: tuple[str, ...] = ()
    properties: dict[str, object] = {}
    changes: tuple[tuple[str, Literal["entered", "left"]], ...] = ()


class Profile(msgspec.Struct, array_like=True):
    """All of one person.

    past         ended runs, the first to end first
    counts       all runs ever, by journey
    kept         what paused journeys have missed so far, in the order of time
    reserved_ms  the length of the window for which `reservations` are complete
    change_number  the number of the newest change of what is published that she has gone through, of those that touch
                 people
    """

    traits: dict[str, object] = {}
    runs: list[Run] = []
    past: list[Run] = []
    timers: list[Timer] = []
    counts: dict[str, int] = {}
    sequence: int = 0
    consents: dict[str, bool] = {}
    suppressed: dict[str, list[str]] = {}
    reservations: list[Reservation] = []
    audiences: dict[str, bool] = {}
    series: dict[str, list[tuple[int, float]]] = {}
    kept: list[BufferedInput] = []
    change_number: int = 0
    reserved_ms: int = 0

    def next_due(self) -> int:
        return min([timer.due for timer in self.timers]) if self.timers else NEVER


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Profile)


def encode_profile(profile: Profile) -> bytes:
    return profile.next_due().to_bytes(8, "big") + _encoder.encode(profile)


def decode_profile(data: bytes) -> Profile:
    return _decoder.decode(memoryview(data)[8:])


def next_due(data: bytes) -> int:
    """When the person's next timer is due, read off the encoded profile; NEVER without one."""
    return int.from_bytes(data[:8], "big")
