"""The sender of a channel: it renders deliveries, hands them over, and has a receipt for each, come what may.

A call into the channel ends within `send_timeout_s`. The breaker hears every receipt; and it is told when deliveries
have been under way for long without any answer.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Protocol

from msgspec.structs import replace
from pydantic import BaseModel

from parcours.channel import Accepted, Ambiguous, Channel, Delivery, NotSent, Receipt, Refused
from parcours.config import Settings
from parcours.core.effect import Outgoing
from parcours.core.input import Settlement
from parcours.dispatch.breaker import Breaker
from parcours.dispatch.outsiders import OutsiderFailed, bounded_call, storable
from parcours.dispatch.render import RenderFailed
from parcours.journey.program import Program
from parcours.routing.plan import Links
from parcours.wording import error_words

log = logging.getLogger("parcours")


class Renders(Protocol):
    """Makes of an outbox entry what its channel takes."""

    def render(self, outgoing: Outgoing) -> BaseModel:
        """The content. Raises RenderFailed for one that cannot be made; the others go on."""

    def publish(self, program: Program) -> None:
        """From now on go by this program, each entry by its version in it."""


class Sender:
    """Lives on one event loop.

    links    know the address at which a provider may report on a delivery, None: on none of them
    breaker  hears every receipt. None: each delivery is tried, however the others fared
    """

    def __init__(
        self,
        channel_name: str,
        channel: Channel,
        renderer: Renders,
        settings: Settings,
        links: Links | None,
        breaker: Breaker | None,
    ) -> None:
        self._channel_name = channel_name
        self._channel = channel
        self._renderer = renderer
        self._settings = settings
        self._links = links
        self._breaker = breaker
        self._under_way = 0
        self._silence: asyncio.TimerHandle | None = None

    @property
    def trouble(self) -> str | None:
        """Why the channel is handed nothing, None if it is."""
        said = None if self._breaker is None else self._breaker.trouble
        return None if said is None else f"the channel {self._channel_name!r} {said}"

    async def settle(self, outgoing: Sequence[Outgoing]) -> list[Settlement]:
        """Send these by one call of the channel's `send`; how each is settled."""
        settled: list[Settlement] = []
        deliveries: list[Delivery] = []
        for entry in outgoing:
            try:
                deliveries.append(self._delivery(entry))
            except Exception as error:  # noqa: BLE001  # a claim without a receipt would stand for good
                text = f"render: {error_words(error)}"
                failure = error if isinstance(error, RenderFailed) else RenderFailed(text)
                settled.append(failure.receipt(entry.key))
                if self._breaker is not None:
                    self._breaker.skip(entry.key)
        if deliveries:
            settled += await self._hand_over(deliveries)
        return settled

    def _delivery(self, entry: Outgoing) -> Delivery:
        links = None if entry.is_copy else self._links  # what is reported of a copy says nothing of its person
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
            report_url=None if links is None else links.report_url(entry),
            return_path=None if links is None else links.return_path(entry),
        )

    async def _hand_over(self, deliveries: list[Delivery]) -> list[Receipt]:
        """One receipt for each delivery, whatever the channel does."""
        reason = "the channel gave no receipt"
        answered: dict[str, Receipt] = {}
        self._under_way += 1
        self._listen()
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
            self._under_way -= 1
            self.stop_listening()
            self._listen()
        receipts = [answered.get(delivery.key, Ambiguous(delivery.key, reason)) for delivery in deliveries]
        return self._heard(deliveries, receipts)

    def _heard(self, deliveries: Sequence[Delivery], receipts: Sequence[Receipt]) -> list[Receipt]:
        """The receipts that shards get, after the breaker has heard the channel's."""
        if self._breaker is None:  # nobody would wait before a delivery that was given back is claimed again
            return [replace(each, tried=True) if isinstance(each, NotSent) else each for each in receipts]
        before, now_s = self.trouble, asyncio.get_running_loop().time()
        heard = [
            self._breaker.hear(now_s, receipt, delivery.person)
            for delivery, receipt in zip(deliveries, receipts, strict=True)
        ]
        self._tell(before)
        return heard

    def _listen(self) -> None:
        """From now on, or from the last answer on, the channel's silence counts."""
        if self._under_way and self._silence is None and self._breaker is not None:
            silence_s = self._settings.channel_silence_ms / 1_000
            self._silence = asyncio.get_running_loop().call_later(silence_s, self._be_silent, self._breaker, silence_s)

    def stop_listening(self) -> None:
        if self._silence is not None:
            self._silence.cancel()
            self._silence = None

    def _be_silent(self, breaker: Breaker, silence_s: float) -> None:
        before = self.trouble
        breaker.be_silent(silence_s)
        self._tell(before)

    def _tell(self, before: str | None) -> None:
        """Log what the breaker says now, where it is something new."""
        trouble = self.trouble
        if trouble is None and before is not None:
            log.info("the channel %r works again", self._channel_name)
        elif trouble is not None and trouble != before:
            log.warning("%s", trouble)


def _usable(receipt: Receipt) -> Receipt:
    """The receipt, or what has to be taken of one that makes no sense: the delivery may have left."""
    try:
        return storable(receipt)
    except ValueError as error:
        return Ambiguous(receipt.key, f"the channel gave {error}")
