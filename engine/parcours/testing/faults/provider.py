"""The providers: what arrives there, what they say of it, and how a channel and its dispatcher fail in the middle.

Their ledger is the one that counts: it knows of each attempt whether it arrived, whatever anybody was told.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import ClassVar, Final

import msgspec
from pydantic import BaseModel

from parcours.channel import Accepted, Ambiguous, Channel, Delivery, Feedback, NotSent, Receipt, Refused
from parcours.core.effect import Outgoing
from parcours.journey.program import Program
from parcours.testing.faults.chance import between, share
from parcours.testing.faults.injector import Injector
from parcours.testing.faults.loop import Process, SimulatedLoop

QUICK_S: Final = 0.5
SLOW_S: Final = 6.0
"""How long an attempt takes at most; in every other seed providers are slow, so that there is a queue before them."""

HANG_S: Final = 1_000.0
"""Longer than any time-out."""


OUTLIVES_S: Final = 29.0
"""Shorter than a time-out, and longer than it takes until an attempt that was interrupted is repeated."""


class Attempt(msgspec.Struct, frozen=True):
    """A delivery that was handed to a provider.

    at_s     the loop's time
    arrived  whether the person has got it
    """

    at_s: float
    key: str
    attempt: int
    person: str
    message_class: str
    arrived: bool


class Provider:
    """All providers together. `reports` is called with a report on a delivery, and when to hand it in, in seconds.

    claims  tells how often a delivery has durably been claimed: whatever arrives must have been claimed before
    lose    ends the process of the shard of this person
    """

    def __init__(self, loop: SimulatedLoop, seed: int, reports: Callable[[float, str, Feedback], None]) -> None:
        self.attempts: list[Attempt] = []
        self.violations: list[str] = []
        self.claims: Callable[[str], int] = lambda key: 0
        self.lose: Callable[[str], None] = lambda person: None
        self._loop = loop
        self._seed = seed
        self._reports = reports
        self._seen: defaultdict[str, int] = defaultdict(int)

    def take(self, delivery: Delivery, *, arrived: bool) -> None:
        """A delivery has come so far."""
        key = delivery.key
        self._seen[key] += 1
        if self.claims(key) < self._seen[key]:
            self.violations.append(f"claim: {key} was sent {self._seen[key]} times, and claimed {self.claims(key)}")
        self.attempts.append(
            Attempt(self._loop.time(), key, delivery.attempt, delivery.person, delivery.message_class, arrived)
        )
        if arrived and self._seen[key] == 1:
            reaction = share(self._seed, "reaction", key)
            after_s = between(1.0, 40_000.0, self._seed, "after", key)
            if reaction < 0.3:
                self._reports(after_s, delivery.person, Feedback(key=key, reaction="opened"))
            elif reaction < 0.4:
                self._reports(after_s, delivery.person, Feedback(key=key, reaction="unsubscribed"))
            elif reaction < 0.5:
                self._reports(after_s, delivery.person, Feedback(key=key, reaction="delivered"))

    async def until_claimed_again(self, delivery: Delivery) -> None:
        """The claim is lost with its shard, and there may be a newer one while this attempt is still under way."""
        claims = self.claims(delivery.key)
        self.lose(delivery.person)
        until_s = self._loop.time() + OUTLIVES_S
        while self.claims(delivery.key) == claims and self._loop.time() < until_s:  # noqa: ASYNC110  # no event tells
            await asyncio.sleep(OUTLIVES_S / 1_000)


class NoSettings(BaseModel):
    """A simulated channel has none."""


class PlainRenderer:
    """Renders nothing: satisfies `Renders`."""

    def render(self, outgoing: Outgoing) -> BaseModel:
        return NoSettings()

    def publish(self, program: Program) -> None:
        """The content is the same under any program."""


class SimulatedChannel(Channel):
    """A channel in the process of a dispatcher."""

    Settings: ClassVar[type[BaseModel]] = NoSettings
    Content: ClassVar[type[BaseModel]] = NoSettings
    address_kind: ClassVar[str] = "any"
    capacity: ClassVar[int] = 3
    batch_max: ClassVar[int] = 2

    def __init__(self, name: str, seed: int, provider: Provider, process: Process, injector: Injector) -> None:
        self._name = name
        self._seed = seed
        self._provider = provider
        self._process = process
        self._injector = injector

    async def start(self) -> None:
        """Nothing to open."""

    async def stop(self) -> None:
        """Nothing to close."""

    async def send(self, deliveries: Sequence[Delivery]) -> list[Receipt]:
        how = self._injector.at_provider(self._name)
        number = self._injector.reached("provider", self._name)
        longest_s = SLOW_S if self._seed // 2 % 2 else QUICK_S
        await asyncio.sleep(between(0.01, longest_s, self._seed, "send", self._name, number))
        arrived = how is None or how.endswith("arrived") or how in ("no receipt", "raises")
        for delivery in deliveries:
            self._provider.take(delivery, arrived=arrived)
            await asyncio.sleep(0.001)
            if how is not None and how.startswith("crash"):
                raise self._process.die()
        if how is not None and how.startswith("hangs"):
            await asyncio.sleep(HANG_S)
        if how == "outlives its claim":
            await self._provider.until_claimed_again(deliveries[-1])
        if how == "raises":
            raise RuntimeError("the channel breaks")
        if how == "no receipt":
            return []
        return [receipt_of(delivery, how, number) for delivery in deliveries]


def receipt_of(delivery: Delivery, how: str | None, number: int) -> Receipt:
    """What the channel says of a delivery under this fault."""
    match how:
        case None:
            return Accepted(delivery.key, f"provider-{number}")
        case "refused":
            return Refused(delivery.key, "it is refused", code="5.7.1")
        case "refused for good":
            return Refused(delivery.key, "no such mailbox", permanent=True, code="5.1.1")
        case "not sent":
            return NotSent(delivery.key, "busy", code="4.2.1")
        case "not sent, later":
            return NotSent(delivery.key, "too many", retry_after_s=700.0, code="4.7.0")
        case "outlives its claim":
            return NotSent(delivery.key, "it took too long")
        case "no connection":
            return NotSent(delivery.key, "no connection", of_channel=True)
        case _:
            return Ambiguous(delivery.key, "the connection broke")
