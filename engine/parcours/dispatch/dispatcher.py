"""The dispatcher of a channel: it claims as much as it has room for, renders, sends, and reports.

Outbound calls have one of their own. A shard that has deliveries ready wakes the dispatcher, which then pulls
until there is nothing left or its room is used up. It never sleeps in order to try a delivery again: whatever
did not leave is reported, and the person's own timer brings it back.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from typing import Protocol

from msgspec.structs import replace
from pydantic import BaseModel

from parcours.background import spawn
from parcours.channel import Accepted, Ambiguous, Channel, Delivery, NotSent, Receipt, Refused
from parcours.config import Settings
from parcours.core.effect import Outgoing
from parcours.core.input import Settlement
from parcours.dispatch.breaker import Breaker
from parcours.dispatch.outsiders import OutsiderFailed, bounded_call, storable
from parcours.dispatch.render import RenderFailed
from parcours.errors import ParcoursError, ShardUnavailable
from parcours.journey.program import Program
from parcours.routing.plan import ReportUrl
from parcours.routing.ports import DeliveryPort
from parcours.shard.requests import ClaimDeliveries, SettleReceipts
from parcours.wording import error_words, words_of

log = logging.getLogger("parcours")

PAUSE_S = 0.5
"""Pause before a channel that did not start, or a shard that did not answer, is tried again."""

PAUSE_MAX_S = 30.0
"""The pause doubles up to this."""


class Renders(Protocol):
    """Makes of an outbox entry what its channel takes."""

    def render(self, outgoing: Outgoing) -> BaseModel:
        """The content. Raises RenderFailed for one that cannot be made; the others go on."""

    def publish(self, program: Program) -> None:
        """From now on go by this program, each entry by its version in it."""


class Dispatcher:
    """Lives on one event loop.

    name             tells its claims from those of a dispatcher before it
    handed_over_max  most deliveries in one call of the channel's `send`, None for as many as were claimed at once
    report_url       the address at which a provider may report on a delivery, None: on none of them
    breaker          holds deliveries back while none can leave. None: each is tried, however the others fared, as
                     suits what goes to many hosts
    """

    def __init__(
        self,
        name: str,
        channel_name: str,
        channel: Channel,
        renderer: Renders,
        settings: Settings,
        handed_over_max: int | None = None,
        report_url: ReportUrl | None = None,
        breaker: Breaker | None = None,
    ) -> None:
        self.name = name
        self._channel_name = channel_name
        self._channel = channel
        self._renderer = renderer
        self._settings = settings
        self._handed_over_max = handed_over_max or settings.send_batch_max
        self._report_url = report_url
        self._breaker = breaker
        self._probe_alarm: asyncio.TimerHandle | None = None
        self._ports: Sequence[DeliveryPort] = ()
        self._room = settings.claim_max
        self._woken: dict[int, None] = {}
        self._started = False
        self._trouble: str | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._pulling = False
        self._stopping = False

    @property
    def trouble(self) -> str | None:
        """What keeps deliveries from leaving, None if nothing does."""
        return self._trouble or self._channel_trouble()

    def _channel_trouble(self) -> str | None:
        said = None if self._breaker is None else self._breaker.trouble
        return None if said is None else f"the channel {self._channel_name!r} {said}"

    async def start(self, ports: Sequence[DeliveryPort]) -> None:
        """Start the channel, trying again until it does; then shards may wake the dispatcher."""
        self._ports = ports
        spawn(self._start_channel(), self._tasks)

    def publish(self, program: Program) -> None:
        """Know the messages of this program, too, from now on."""
        self._renderer.publish(program)

    async def _start_channel(self) -> None:
        pause_s, settings = PAUSE_S, self._settings
        silence_s = settings.channel_silence_ms / 1_000
        late = f"the channel {self._channel_name!r} has not started for {silence_s:g} s"
        while not self._started:
            silence = asyncio.get_running_loop().call_later(silence_s, self._note, late)
            try:
                await bounded_call(self._channel.start, settings.send_timeout_s)
                self._started, self._trouble = True, None
            except OutsiderFailed as failure:
                self._note(f"the channel {self._channel_name!r} does not start: {_in_a_line(failure)}")
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, PAUSE_MAX_S)
            finally:
                silence.cancel()
        self._pull()

    def _note(self, trouble: str) -> None:
        """Remember what is wrong, and warn of it when it is new."""
        if trouble != self._trouble:
            log.warning("%s", trouble)
        self._trouble = trouble

    def wake(self, shard: int) -> None:
        """This shard has deliveries ready."""
        self._woken[shard] = None
        self._pull()

    def _pull(self) -> None:
        if self._started and not self._pulling and not self._stopping:
            self._pulling = True
            spawn(self._pull_all(), self._tasks)

    async def _pull_all(self) -> None:
        """Claim shard by shard, in turn, while there is room."""
        try:
            while self._woken and self._room > 0 and self._allowed() != 0 and not self._stopping:
                shard = next(iter(self._woken))
                del self._woken[shard]
                allowed = self._allowed()
                most = min(self._room, self._settings.send_batch_max, allowed or self._room)
                try:
                    claims = await self._ports[shard].ask(ClaimDeliveries(self._channel_name, most, self.name))
                except ShardUnavailable:
                    continue  # it wakes the dispatcher again when it is back
                except ParcoursError as error:
                    self._note(f"shard {shard} hands nothing over: {error}")
                    continue
                if claims.more:
                    self._woken[shard] = None
                self._room -= len(claims.outgoing)
                if self._breaker is not None and allowed is not None:
                    self._breaker.probe(entry.key for entry in claims.outgoing)
                for first in range(0, len(claims.outgoing), self._handed_over_max):
                    spawn(self._send(shard, claims.outgoing[first : first + self._handed_over_max]), self._tasks)
        finally:
            self._pulling = False
        self._set_probe_alarm()

    def _allowed(self) -> int | None:
        """How many deliveries the breaker lets through now; None for any number."""
        return None if self._breaker is None else self._breaker.room(_now_s())

    def _set_probe_alarm(self) -> None:
        """Pull again when the breaker lets a probe through."""
        pause_s = None if self._breaker is None else self._breaker.pause_s(_now_s())
        if self._probe_alarm is not None:
            self._probe_alarm.cancel()
            self._probe_alarm = None
        if pause_s is not None and self._woken and self._room > 0 and not self._stopping:
            self._probe_alarm = asyncio.get_running_loop().call_later(pause_s, self._pull)

    async def _send(self, shard: int, outgoing: Sequence[Outgoing]) -> None:
        receipts: list[Settlement] = []
        deliveries: list[Delivery] = []
        for entry in outgoing:
            try:
                deliveries.append(self._delivery(entry))
            except Exception as error:  # noqa: BLE001  # a claim without a receipt would stand for good
                text = f"render: {error_words(error)}"
                failure = error if isinstance(error, RenderFailed) else RenderFailed(text)
                receipts.append(failure.receipt(entry.key))
                if self._breaker is not None:
                    self._breaker.skip(entry.key)
        try:
            if deliveries:
                receipts += await self._hand_over(deliveries)
            await self._report(shard, receipts)
        finally:
            self._room += len(outgoing)
        self._pull()

    def _delivery(self, entry: Outgoing) -> Delivery:
        return Delivery(
            key=entry.key,
            channel=entry.channel,
            to=entry.to,
            content=self._renderer.render(entry),
            at_ms=entry.at,
            attempt=entry.attempt,
            message=entry.message,
            message_class=entry.message_class,
            person=entry.person,
            report_url=None if self._report_url is None else self._report_url(entry),
        )

    async def _hand_over(self, deliveries: list[Delivery]) -> list[Receipt]:
        """One receipt for each delivery, whatever the channel does."""
        reason = "the channel gave no receipt"
        answered: dict[str, Receipt] = {}
        silence = asyncio.get_running_loop().call_later(self._settings.channel_silence_ms / 1_000, self._be_silent)
        try:
            limit_s = self._settings.send_timeout_s
            for receipt in await bounded_call(lambda: self._channel.send(deliveries), limit_s):
                if isinstance(receipt, Accepted | NotSent | Ambiguous | Refused):
                    answered[receipt.key] = _usable(receipt)
        except OutsiderFailed as failure:
            reason = str(failure)
        except Exception as error:  # noqa: BLE001  # what was returned is a stranger's, too
            reason = f"the channel broke: {error_words(error)}"
        finally:
            silence.cancel()
        receipts = [answered.get(delivery.key, Ambiguous(delivery.key, reason)) for delivery in deliveries]
        return self._heard(deliveries, receipts)

    def _heard(self, deliveries: Sequence[Delivery], receipts: Sequence[Receipt]) -> list[Receipt]:
        """The receipts that shards get, after the breaker has heard the channel's."""
        if self._breaker is None:  # nobody would wait before a delivery that was given back is claimed again
            return [replace(each, tried=True) if isinstance(each, NotSent) else each for each in receipts]
        before, now_s = self._channel_trouble(), _now_s()
        heard = [
            self._breaker.hear(now_s, receipt, delivery.person)
            for delivery, receipt in zip(deliveries, receipts, strict=True)
        ]
        self._tell(before)
        return heard

    def _be_silent(self) -> None:
        if self._breaker is not None:
            before = self._channel_trouble()
            self._breaker.be_silent(self._settings.channel_silence_ms / 1_000)
            self._tell(before)

    def _tell(self, before: str | None) -> None:
        """Log what the breaker says now, where it is something new."""
        trouble = self._channel_trouble()
        if trouble is None and before is not None:
            log.info("the channel %r works again", self._channel_name)
        elif trouble is not None and trouble != before:
            log.warning("%s", trouble)

    async def _report(self, shard: int, receipts: list[Settlement]) -> None:
        """Bring the receipts home. A shard that came back meanwhile knows the claims as lost, and ignores them."""
        while True:
            try:
                return await self._ports[shard].ask(SettleReceipts(receipts))
            except ShardUnavailable:
                await asyncio.sleep(PAUSE_S)
            except ParcoursError as error:
                self._note(f"shard {shard} takes no receipts: {error}")
                return None

    async def stop(self) -> None:
        """Claim nothing more and let what is being sent finish, within `send_timeout_s`; then stop the channel, which
        may take as long once more.
        """
        self._stopping = True
        self._set_probe_alarm()
        if self._started:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._settings.send_timeout_s):
                    while self._tasks:
                        await asyncio.wait(self._tasks)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._started:
            try:
                await bounded_call(self._channel.stop, self._settings.send_timeout_s)
            except OutsiderFailed as failure:
                log.warning("the channel %r does not stop: %s", self._channel_name, failure)


def _now_s() -> float:
    return asyncio.get_running_loop().time()


def _in_a_line(failure: OutsiderFailed) -> str:
    """The words of the error behind it, where it has some: an operator looks for what the channel says."""
    said = "" if failure.__cause__ is None else words_of(failure.__cause__)
    return said or str(failure)


def _usable(receipt: Receipt) -> Receipt:
    """The receipt, or what has to be taken of one that makes no sense: the delivery may have left."""
    try:
        return storable(receipt)
    except ValueError as error:
        return Ambiguous(receipt.key, f"the channel gave {error}")
