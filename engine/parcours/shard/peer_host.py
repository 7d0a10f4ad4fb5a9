"""The part of a shard's host that speaks to other shards: it sends couriers, and takes what those of others bring."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from parcours.clock import Clock
from parcours.errors import StoreBroken
from parcours.shard.courier import Courier, PeerPort
from parcours.shard.peer_exchange import PeerExchange
from parcours.shard.peer_messages import PeerAnswer, PeerBatch
from parcours.shard.turns import Turns, in_slices


class PeerHost:
    """The home of a shard's couriers, one for each peer that it was introduced to.

    look     is called when the shard may have something new to do
    stopped  is told the error if the shard stops at what a courier brings back
    """

    def __init__(
        self,
        exchange: PeerExchange,
        clock: Clock,
        turns: Turns,
        look: Callable[[], None],
        stopped: Callable[[Exception], None],
    ) -> None:
        self._exchange = exchange
        self._clock = clock
        self._turns = turns
        self._look = look
        self.stopped = stopped
        self._couriers: dict[int, Courier] = {}
        self._silent: set[int] = set()
        self._alarm: asyncio.TimerHandle | None = None

    @property
    def number(self) -> int:
        return self._exchange.shard

    def meet(self, peers: Mapping[int, PeerPort]) -> None:
        """Say hello to these, and carry messages to them from now on. Called once, when all shards are known."""
        self._couriers = {peer: Courier(self, peer, port) for peer, port in peers.items() if peer != self.number}
        self._silent = set(self._couriers)
        if self._silent:
            self._exchange.awaits_hello = True
            loop = asyncio.get_running_loop()
            self._alarm = loop.call_later(self._exchange.hello_wait_s, self._go_on)
        for courier in self._couriers.values():
            courier.wake()

    def look(self) -> None:
        """Send the couriers for whom there is something to carry."""
        for peer in self._exchange.waiting():
            if peer in self._couriers:
                self._couriers[peer].wake()

    async def take(self, batch: PeerBatch) -> PeerAnswer:
        async with self._turns:
            answer = await in_slices(self._exchange.taking(batch, self._clock.now_ms()))
            self._look()
            return answer

    async def hello(self, peer: int, taken: int) -> PeerBatch:
        """What there is for a peer that was just opened, and so can be reached again."""
        if peer in self._couriers:
            self._couriers[peer].peer_is_back()
        return self._exchange.hello(peer, taken)

    # For couriers

    def batch(self, peer: int) -> PeerBatch | None:
        return self._exchange.batch(peer)

    def taken(self, peer: int) -> int:
        return self._exchange.taken(peer)

    async def answered(self, peer: int, answer: PeerAnswer) -> bool:
        async with self._turns:
            is_news = self._exchange.answered(peer, answer, self._clock.now_ms())
            self._look()
            return is_news

    def greeted(self, peer: int) -> None:
        self._silent.discard(peer)
        if not self._silent:
            self._go_on()

    def _go_on(self) -> None:
        """All have said what they have for this shard, or were away for too long."""
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if self._exchange.awaits_hello:
            self._exchange.awaits_hello = False
            try:
                self._look()
            except StoreBroken as error:
                self.stopped(error)

    # Told

    def troubles(self) -> list[str]:
        """Who has not answered this shard since it was opened, once nobody waits for that any more."""
        if self._exchange.awaits_hello:
            return []
        return [self._couriers[peer].trouble or silent(peer, self.number) for peer in sorted(self._silent)]

    async def close(self) -> None:
        """Carry nothing any more. Called before there are no more turns."""
        if self._alarm is not None:
            self._alarm.cancel()
        await asyncio.gather(*(courier.close() for courier in self._couriers.values()))


def silent(peer: int, shard: int) -> str:
    return f"shard {peer} has not said yet what it has for shard {shard}"
