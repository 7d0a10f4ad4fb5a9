"""Which timers fire now: those due before a time, of a slice of people, but of nobody who stands still."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from parcours.core.input import TimePassed
from parcours.core.profile import NEVER
from parcours.shard.inputs import Inputs
from parcours.shard.names import Names
from parcours.shard.peer_exchange import PeerExchange
from parcours.shard.slots import Slots
from parcours.shard.timekeeping import Timekeeping
from parcours.shard.turns import never
from parcours.shard.wheel import DUE_TOGETHER, Wheel
from parcours.shard.work import Work


class Firing:
    """Of one shard."""

    def __init__(
        self, wheel: Wheel, slots: Slots, inputs: Inputs, names: Names, time: Timekeeping, exchanging: PeerExchange
    ) -> None:
        self._wheel = wheel
        self._slots = slots
        self._inputs = inputs
        self._names = names
        self._time = time
        self._exchanging = exchanging

    def due(self, work: Work, before: int, most: int, enough: Callable[[], bool] = never) -> Iterator[None]:
        """Fire the timers due before this time, of up to so many people and until there is enough."""
        slot_of, apply, passed = self._slots.slot_map.slot, self._inputs.apply, TimePassed(before)
        while most > 0 and (people := self._wheel.take(before, min(most, DUE_TOGETHER))):
            most -= len(people)
            for person in people:
                if self._exchanging.awaits_hello and person in self._names.still:
                    self._exchanging.timers_wait.append(person)  # what other shards have for her goes first
                elif not self._time.stands_still(person):
                    apply(work, slot_of(person), person, passed)
                    yield
            if enough():
                break

    def after_hello(self) -> None:
        """Those whose timers had to wait for the hello are due as others are: before that nothing could be done."""
        while self._exchanging.timers_wait and not self._exchanging.awaits_hello:
            name = self._exchanging.timers_wait.pop()
            if (due := self._slots.due_of(name)) != NEVER:
                self._wheel.add(name, due)
