"""A dispatcher of a channel: it claims what can start now, has it sent, and reports.

A channel has places, as many as its `capacity`; outbound calls have a dispatcher and places of their own. A shard that
has deliveries ready wakes the dispatcher, which pulls until nothing is left or every place is taken. A place is free
again as soon as its delivery has been answered for. The receipt travels with the claim for that place in one request,
and the shard commits both at once: what is claimed and not settled is never more than the capacity, so a crash leaves
no more in doubt. Each request costs an fsync, so it waits for about as long as the one before has taken, unless
everything has been answered for by then: the receipts of that time share it, and so do the claims for their places.

A dispatcher never sleeps in order to try a delivery again: whatever did not leave is reported, and the person's own
timer brings it back.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import Final

from parcours.background import spawn
from parcours.channel import Channel, NotSent
from parcours.config import Settings
from parcours.core.effect import Outgoing
from parcours.core.input import Settlement
from parcours.dispatch.breaker import Breaker
from parcours.dispatch.bucket import Bucket
from parcours.dispatch.channel_state import ChannelState
from parcours.dispatch.destinations import LaneChannel, SnapshotStep
from parcours.dispatch.outsiders import OutsiderFailed, bounded_call, capacity_of, handed_over_max
from parcours.dispatch.places import Places
from parcours.dispatch.sender import Renders, Sender
from parcours.errors import ParcoursError, ShardUnavailable, SnapshotFailed
from parcours.journey.destinations import is_lane, name_of
from parcours.journey.model.channel_keys import rate_text
from parcours.journey.program import Program
from parcours.routing.plan import Links
from parcours.routing.ports import DeliveryPort
from parcours.shard.messages import Claims
from parcours.shard.requests import ExchangeDeliveries
from parcours.wording import error_words, words_of

log = logging.getLogger("parcours")

PAUSE_S = 0.5
"""Pause before a channel that did not start, or a shard that did not answer, is tried again."""

PAUSE_MAX_S = 30.0
"""The pause before a channel is started again doubles up to this."""

GATHER_MAX_S = 0.01
"""Longest wait for further receipts. A place that idles for so long is not missed, and one fsync serves many."""


KEPT_BACK: Final = "its journey was about to be stopped"
"""Why a delivery goes back to its shard that had been claimed."""


class Dispatcher:
    """Lives on one event loop.

    name     tells its claims from those of a dispatcher before it
    links    know the address at which a provider may report on a delivery, None: on none of them
    breaker  holds deliveries back while none can leave. None: each is tried, however the others fared, as suits what
             goes to many hosts
    bucket   holds them back so that they keep to a rate. None: as many leave as the channel can carry
    """

    def __init__(
        self,
        name: str,
        channel_name: str,
        channel: Channel,
        renderer: Renders,
        settings: Settings,
        links: Links | None = None,
        breaker: Breaker | None = None,
        bucket: Bucket | None = None,
    ) -> None:
        self.name = name
        self._channel_name = channel_name
        self._channel = channel
        self._renderer = renderer
        self._settings = settings
        self._breaker = breaker
        self._bucket = bucket
        self._sender = Sender(channel_name, channel, renderer, settings, links, breaker)
        self._probe_asked = False
        self._alarm: asyncio.TimerHandle | None = None
        self._ports: Sequence[DeliveryPort] = ()
        self._places = Places()
        self._woken: dict[int, None] = {}
        self._asked: set[int] = set()
        self._receipts: dict[int, list[tuple[int, Settlement]]] = {}
        self._holds: dict[int, set[tuple[int, str]]] = {}
        self._kept_back: dict[str, asyncio.Event] = {}
        self._numbers: Counter[int] = Counter()
        self._lost: set[int] = set()
        self._took_s = 0.0
        self._answered = asyncio.Event()
        self._started = False
        self._trouble: str | None = None
        self._shard_troubles: dict[int, str] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = False
        self._is_gone = False
        """Whether it is of a destination that is published no more."""

    @property
    def trouble(self) -> str | None:
        """What keeps deliveries from leaving, None if nothing does, or none are to leave any more."""
        if self._is_gone:
            return None
        return self._trouble or next(iter(self._shard_troubles.values()), None) or self._sender.trouble

    def state(self) -> ChannelState:
        """Where the channel stands now."""
        breaker = self._breaker
        return ChannelState(
            channel=self._channel_name,
            breaker=None if breaker is None else breaker.state,
            next_try_s=None if breaker is None else breaker.pause_s(_now_s()),
            trouble=self.trouble,
            rate=None if self._bucket is None else rate_text(self._bucket.rate),
        )

    async def start(self, ports: Sequence[DeliveryPort]) -> None:
        """Start the channel, trying again until it does; then shards may wake the dispatcher."""
        self._ports = ports
        self._holds = {shard: set() for shard in range(len(ports))}
        spawn(self._start_channel(), self._tasks)

    def publish(self, program: Program) -> None:
        """Know the messages of this program, too, from now on."""
        self._renderer.publish(program)
        lane = self._channel_name
        self._is_gone = is_lane(lane) and name_of(lane) not in program.destinations

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
        self._is_gone = False  # also where what was about to be published never was
        self._woken[shard] = None
        self._pull()

    def keep_back(self, journey: str) -> None:
        """The journey is about to be stopped: nothing of it leaves that is not with the channel yet."""
        self._kept_back.setdefault(journey, asyncio.Event())

    def let_go(self, journey: str) -> None:
        """What was kept back of the journey goes back to its shards, which know whether it was stopped."""
        over = self._kept_back.pop(journey, None)
        if over is not None:
            over.set()

    async def tell_all(self, step: SnapshotStep) -> None:
        """Let the destination of this lane take a step of a snapshot. Raises SnapshotFailed."""
        channel = self._channel
        if not isinstance(channel, LaneChannel) or not self._started:
            raise SnapshotFailed("it has not started")
        try:
            for part in channel.parts_of(step):
                await bounded_call(partial(channel.tell_all, part), self._settings.send_timeout_s)
        except OutsiderFailed as failure:
            raise SnapshotFailed(_in_a_line(failure)) from None

    # Claims and receipts

    def _pull(self) -> None:
        """Ask every shard that has something to get or to give, unless a request to it is under way already."""
        for shard in [*self._receipts, *self._woken]:
            if shard not in self._asked and (self._receipts.get(shard) or self._most(shard, 0)):
                self._asked.add(shard)
                spawn(self._exchange(shard), self._tasks)
        self._set_alarm()

    async def _exchange(self, shard: int) -> None:
        """Bring receipts home and claim as many deliveries as can start, until there is neither to do."""
        try:
            while True:
                await self._gather(shard)
                receipts = self._receipts.pop(shard, [])
                most = self._most(shard, len(receipts))
                if not receipts and not most:
                    break
                if not await self._ask(shard, receipts, most):
                    break
                self._pull()  # others may have the places that this one has left
        finally:
            self._asked.discard(shard)
        self._pull()

    async def _gather(self, shard: int) -> None:
        """Let others be answered for, too, who share the request."""
        until_s = _now_s() + min(self._took_s, GATHER_MAX_S)
        with suppress(TimeoutError):
            async with asyncio.timeout_at(until_s):
                while 0 < len(self._receipts.get(shard, ())) < len(self._holds[shard]):
                    self._answered.clear()
                    await self._answered.wait()

    def _most(self, shard: int, settled: int) -> int:
        """How many deliveries this shard may hand over now, if so many receipts go along."""
        if not self._started or self._stopping or shard not in self._woken:
            return 0
        free = self._places.free(capacity_of(self._channel), shard, settled, list(self._woken))
        allowed = self._allowed()
        if allowed is not None:
            free = min(free, 0 if self._probe_asked else allowed)
        if self._bucket is not None:
            free = min(free, self._bucket.room(_now_s()))
        return min(free, self._settings.claim_max)

    def _allowed(self) -> int | None:
        """How many deliveries the breaker lets through now; None for any number."""
        return None if self._breaker is None else self._breaker.room(_now_s())

    async def _ask(self, shard: int, receipts: list[tuple[int, Settlement]], most: int) -> bool:
        """Make one request. False if the shard is not to be asked again at once."""
        is_probe = most > 0 and self._allowed() is not None
        self._probe_asked |= is_probe
        if most:
            del self._woken[shard]  # before the request: whoever wakes meanwhile may mean what it has not seen
        self._places.ask(shard, len(receipts), most)
        if self._bucket is not None:
            self._bucket.take(_now_s(), most)
        holds = sorted(self._holds[shard]) if shard in self._lost else None
        self._numbers[shard] += 1
        request = ExchangeDeliveries(receipts, self._channel_name, most, self.name, self._numbers[shard], holds)
        began_s = _now_s()
        try:
            claims = await self._ports[shard].ask(request)
            self._took_s = _now_s() - began_s
        except ShardUnavailable:
            self._put_back(shard, receipts, most)
            await asyncio.sleep(PAUSE_S)
            return True
        except Exception as error:  # noqa: BLE001  # a place that nobody frees would be lost for good
            self._drop(shard, receipts, most, error)
            return False
        finally:
            self._probe_asked &= not is_probe
        self._take_claims(request, shard, claims, is_probe=is_probe)
        return True

    def _put_back(self, shard: int, receipts: list[tuple[int, Settlement]], most: int) -> None:
        """Whether the shard has heard the request is not known. It is made again, and tells what is here."""
        self._places.fail(shard)
        self._return_tokens(most)
        if receipts:
            self._receipts[shard] = receipts + self._receipts.get(shard, [])
        if most:
            self._lost.add(shard)
            self._woken[shard] = None

    def _drop(self, shard: int, receipts: list[tuple[int, Settlement]], most: int, error: Exception) -> None:
        """The shard is broken. What it had claimed is in doubt once it has been opened again."""
        self._places.answer(shard, len(receipts), 0)
        self._return_tokens(most)
        self._settled(shard, receipts)
        what = "takes no receipts" if receipts else "hands nothing over"
        trouble = f"shard {shard} {what}: {error if isinstance(error, ParcoursError) else error_words(error)}"
        if trouble != self._shard_troubles.get(shard):
            log.warning("%s", trouble)
        self._shard_troubles[shard] = trouble
        if most:
            asyncio.get_running_loop().call_later(PAUSE_S, self.wake, shard)

    def _take_claims(self, asked: ExchangeDeliveries, shard: int, claims: Claims, *, is_probe: bool) -> None:
        receipts, most, outgoing = asked.receipts, asked.most, claims.outgoing
        self._return_tokens(most - len(outgoing))
        self._shard_troubles.pop(shard, None)
        self._lost.discard(shard)
        self._settled(shard, receipts)
        self._places.answer(shard, len(receipts), len(outgoing))
        self._holds[shard].update((asked.number, entry.key) for entry in outgoing)
        if most and claims.more:
            self._woken[shard] = None  # behind the others, who take their turn
        if self._breaker is not None and is_probe:
            self._breaker.probe(entry.key for entry in outgoing)
        size = handed_over_max(self._channel)
        leaving = [entry for entry in outgoing if entry.journey not in self._kept_back]
        for first in range(0, len(leaving), size):
            spawn(self._send(shard, asked.number, leaving[first : first + size]), self._tasks)
        for entry in outgoing:
            if (over := self._kept_back.get(entry.journey)) is not None:
                if self._breaker is not None:
                    self._breaker.skip(entry.key)  # it tells nothing of the channel: another one is the probe
                spawn(self._give_back(shard, asked.number, entry.key, over), self._tasks)

    def _return_tokens(self, count: int) -> None:
        if self._bucket is not None:
            self._bucket.give_back(count)

    def _settled(self, shard: int, receipts: Sequence[tuple[int, Settlement]]) -> None:
        self._holds[shard].difference_update((number, receipt.key) for number, receipt in receipts)

    def _set_alarm(self) -> None:
        """Pull again when the breaker lets a probe through, and when the rate lets something through."""
        now_s = _now_s()
        pauses_s = (None if each is None else each.pause_s(now_s) for each in (self._breaker, self._bucket))
        pause_s = max((pause_s for pause_s in pauses_s if pause_s), default=None)
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if pause_s is not None and self._woken and not self._stopping:
            self._alarm = asyncio.get_running_loop().call_later(pause_s, self._pull)

    async def _send(self, shard: int, number: int, outgoing: Sequence[Outgoing]) -> None:
        """Send what was claimed with the request of this number."""
        self._bring(shard, number, await self._sender.settle(outgoing))

    async def _give_back(self, shard: int, number: int, key: str, over: asyncio.Event) -> None:
        """Once it is known what becomes of its journey; before that it would be claimed again and again."""
        await over.wait()
        self._bring(shard, number, [NotSent(key, KEPT_BACK, tried=False)])

    def _bring(self, shard: int, number: int, receipts: Sequence[Settlement]) -> None:
        """Have these answers for the claim of this number travel with the next request."""
        self._receipts[shard] = self._receipts.get(shard, []) + [(number, receipt) for receipt in receipts]
        self._answered.set()
        self._pull()

    async def stop(self) -> None:
        """Claim nothing more and let what is being sent finish, within `send_timeout_s`; then stop the channel, which
        may take as long once more.
        """
        self._stopping = True
        for journey in list(self._kept_back):
            self.let_go(journey)
        self._set_alarm()
        if self._started:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._settings.send_timeout_s):
                    while self._tasks:
                        await asyncio.wait(self._tasks)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._sender.stop_listening()
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
