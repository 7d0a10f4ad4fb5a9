"""How is an input applied to a person? After her own earlier timers, and after every change she has yet to go through.

What an input leads to is gathered in the work at hand. A delivery that becomes ready on a channel that only
records is answered on the spot; under virtual time any other one stops the person's clock.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping

from parcours.config import Settings
from parcours.core.advance import advance, first_timer
from parcours.core.effect import Effects
from parcours.core.input import DeliveryRecorded, Input, TimePassed, TimerDue
from parcours.core.profile import Profile
from parcours.core.turn import Crowd
from parcours.shard.outbox import Answering, Ready
from parcours.shard.published import Published
from parcours.shard.timekeeping import Timekeeping
from parcours.shard.work import Work


class Inputs:
    """Applies inputs to the people of one shard. `records` says how each channel that only records is answered."""

    def __init__(
        self,
        published: Published,
        time: Timekeeping,
        settings: Settings,
        records: Mapping[str, Answering],
        crowd: Crowd | None,
    ) -> None:
        self._published = published
        self._time = time
        self._settings = settings
        self._records = records
        self._crowd = crowd

    def offer(self, work: Work, slot: int, person: str, given: Input) -> None:
        """Apply an input now, or when the person's clock goes on."""
        if self._time.stands_still(person):
            self._time.put_aside(person, (given,))
        else:
            self.apply(work, slot, person, given)

    def apply(self, work: Work, slot: int, person: str, given: Input) -> None:
        """Apply an input after whatever change the person has yet to go through."""
        touching = self._published.touching
        if touching and work.profile(slot, person).change_number < touching:
            inputs = deque[Input]([*self._published.missed(work.profile(slot, person).change_number), given])
            while inputs and not self._time.stands_still(person):
                self._apply_next(work, slot, person, inputs.popleft())
            if inputs:
                self._time.put_aside(person, inputs)
        else:
            self._apply_next(work, slot, person, given)

    def _apply_next(self, work: Work, slot: int, person: str, given: Input) -> None:
        """Apply an input after the person's own earlier timers."""
        profile = work.profile(slot, person)
        while True:
            timer = first_timer(profile, given.at)
            if timer is None and type(given) is TimePassed:
                return
            now = given if timer is None else TimerDue(timer.due)
            effects = self._advance(person, profile, now)
            work.add(slot, effects)
            leaving = self.make_ready(work, slot, person, now.at, effects.ready) if effects.ready else ()
            if leaving and self._time.stop(person, leaving, () if timer is None else (given,)):
                return
            if timer is None:
                return

    def _advance(self, person: str, profile: Profile, given: Input) -> Effects:
        """By what was published at the input's time."""
        published = self._published
        program = published.program if given.at >= published.since_ms else published.program_at(given.at)
        return advance(person, profile, given, program, self._settings, self._crowd)

    def make_ready(self, work: Work, slot: int, person: str, at: int, keys: Iterable[str]) -> list[str]:
        """Offer deliveries to dispatchers, and return their keys; those on channels that only record are answered here.

        Nothing leaves the process for a recorded one, so its decision, claim and receipt are one commit.
        """
        leaving: list[str] = []
        waiting = deque(keys)
        while waiting:
            key = waiting.popleft()
            channel = work.entry(slot, key).channel
            if channel in self._records:
                waiting += self._record(work, slot, person, at, key)
            else:
                leaving.append(key)
                work.ready.append((channel, Ready(key, slot, person, at)))
        return leaving

    def _record(self, work: Work, slot: int, person: str, at: int, key: str) -> list[str]:
        """Have a delivery answered; the keys of those that become ready by it."""
        outgoing = work.entry(slot, key)
        receipt = self._records[outgoing.channel](outgoing, self._published.program)
        effects = self._advance(person, work.profile(slot, person), DeliveryRecorded(at, receipt))
        work.add(slot, effects)
        return effects.ready
