"""A shard: decides what happens to its people and makes it durable, one micro-batch at a time.

Theory of operation. Every public method that changes anything follows one pattern: begin a `Work`, apply
inputs to decoded copies of the people they concern, commit the work as one record of the store, and only
then let the outside see it. Whatever fails on the way, most of all the commit, breaks the shard: what lies
in memory may be ahead of the store then, so it refuses everything until it is opened again from its store.

The wheel may be as late as it likes, for a person's own earlier timers fire before an input is applied to her.
Live and virtual time share all of this; what differs is in timekeeping.py.

How an input is applied to a person is told in inputs.py, how deliveries leave in leaving.py. `records` names the
channels that only record: `answer` gives their deliveries a receipt.

What is published may change while the shard runs (published.py): it then holds still for a moment, so that all
shards can be told one time, and people go through the change one by one, each before anything later.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import msgspec

from parcours.channel import Ambiguous, Receipt
from parcours.config import Settings
from parcours.core.audiences import is_inside
from parcours.core.fact import Fact
from parcours.core.identity import SlotMap
from parcours.core.input import ReadReached, TimePassed
from parcours.core.profile import NEVER, Profile, decode_profile, next_due
from parcours.core.turn import Crowd
from parcours.errors import StoreBroken
from parcours.journey.program import Program
from parcours.journey.project import Project
from parcours.journey.publish.publications import Publications
from parcours.shard.claiming import Claiming
from parcours.shard.inputs import Inputs
from parcours.shard.intake import Intake
from parcours.shard.messages import Answer, Batch, Claims, Holding, Reading, Status
from parcours.shard.outbox import Answering, accept
from parcours.shard.positions import Positions
from parcours.shard.published import Published
from parcours.shard.slots import OWN, SeenIds, Slots
from parcours.shard.sweep import Sweep
from parcours.shard.timekeeping import LiveTime, Timekeeping
from parcours.shard.totals import ShardTotals
from parcours.shard.wheel import Wheel
from parcours.shard.work import Work
from parcours.store.store import Record, Store

READS = "reads"
"""The entry of the shard's own slot with the reads that have been made."""


class Shard:
    """Called from one thread. `now_ms` is the clock's time; under virtual time it is not looked at."""

    def __init__(
        self,
        number: int,
        slot_map: SlotMap,
        program: Program,
        store: Store,
        settings: Settings,
        *,
        time: Timekeeping | None = None,
        records: Iterable[str] = (),
        answer: Answering = accept,
        crowd: Crowd | None = None,
        project: Project | None = None,
    ) -> None:
        """`project` is what the program was compiled from; without it nothing else can ever be published.

        slot_map  where people live: the shard owns the slots that it gives to `number`
        time  live time unless told otherwise
        """
        self._published = Published(program, project)
        self._store = store
        self._settings = settings
        self._time = time or LiveTime()
        self._slot_map = slot_map
        self._slots = Slots(number, slot_map)
        self._seen = SeenIds(self._slots, settings.message_ids_for_ms, settings.message_ids_max)
        self._intake = Intake(program, settings, slot_map, self._slots, self._seen, self._time)
        self._wheel = Wheel(self._due_of)
        self._sweep = Sweep(self._slots)
        self._totals = ShardTotals(settings)
        recorded = dict.fromkeys(records, answer)
        self._inputs = Inputs(self._published, self._time, settings, recorded, crowd)
        self._leaving = Claiming(self._slots, self._inputs, self._time)
        self._positions = Positions(settings)
        self._reads: dict[str, int] = {}
        self._stamp_ms = 0
        self._sequence = 0
        self.epoch = 0
        """The epoch under which the shard writes."""

        self._broken: str | None = None

    def open(self, now_ms: int, *, expected_epoch: int | None = None) -> None:
        """Come back from the store and take it over: from now on this is the only writer. Called once.

        With an expected epoch it raises StoreBusy where the store has been given to another owner since.
        """
        self.epoch = self._store.acquire(expected_epoch)
        for image in self._store.images():
            self._slots.restore(image)
        self._totals.restore(self._slots.own.profiles)
        oldest = self._slots[self._slots.oldest()].sequence
        for record in self._store.records(after=max(0, oldest - 1)):  # the newest is always there, for its stamp
            self._slots.replay(record)
            self._totals.replay(record, self._slots.own.profiles)
            self._sequence, self._stamp_ms = record.sequence, record.stamp_ms
        own = self._slots.own.profiles
        self._totals.restored(own)
        self._published.restore(own)
        self._positions.restore(own)
        self._reads = msgspec.msgpack.decode(own[READS], type=dict[str, int]) if READS in own else {}
        self._intake.publish(self._published.program)
        if self._published.touching:
            self._sweep.start()
        self._seen.restore(self._stamp_ms)
        for slot in self._slots.owned.values():
            for person, data in slot.profiles.items():
                if next_due(data) != NEVER:
                    self._wheel.add(person, next_due(data))
        if self._time.counts_facts:
            self._totals.begin_check(self._slots, self._slot_map)
        with self._whole():
            work = self._begin(0 if self._published.held else now_ms)  # held: its time has been told
            self._leaving.take_up(work)
            self._commit(work, always=self._published.fresh)

    # Inputs

    def take(self, batch: Batch, now_ms: int) -> Answer:
        """Apply a router's batch, unless another number comes next; a batch already taken gets its old answer."""
        self._check()
        outcomes = self._positions.outcomes(batch)
        if outcomes is not None:
            return self._intake.answer_again(batch, outcomes, self._stamp_ms)
        expected = self._positions.expected(batch.router)
        if batch.number != expected:
            return Answer(batch.number, expected=expected)
        with self._whole():
            work = self._begin(now_ms)
            for slot, person, given in self._intake.inputs(batch, work):
                self._inputs.offer(work, slot, person, given)
            self._fire_due(work, self._time.due_with_batch_ms(work.stamp_ms))
            answer = self._intake.answer(batch.number)
            work.own.append(self._positions.advance(batch, answer.outcomes, self._sequence + 1))
            if self._time.counts_facts:
                work.own.append(self._totals.count_lines(answer.outcomes))
            self._commit(work, always=True)
        return answer

    def pass_time(self, now_ms: int) -> None:
        """Let the timers due before now fire, at most a slice of people; `status` tells whether some are left."""
        with self._whole():
            work = self._begin(now_ms)
            before = self._time.passed_ms(now_ms, work.stamp_ms)
            self._fire_due(work, before)
            for slot, person in self._sweep.take(self._settings.due_people_max):
                if not self._time.stands_still(person) and self._published.concerns(self._slots[slot].profiles[person]):
                    self._inputs.apply(work, slot, person, TimePassed(before))
            self._commit(work)
            if self._published.changes and self._sweep.is_over() and not self._is_due_before(self._published.since_ms):
                self._published.over()

    def _is_due_before(self, at: int) -> bool:
        next_ms = self._wheel.next_ms()
        return next_ms is not None and next_ms < at

    def read(self, reading: Reading, now_ms: int) -> None:
        """Let these people enter a journey, each at the time given. Once only for a journey's version and time.

        Live, a read is carried out some milliseconds after its instant, which is nobody's concern. One that was missed
        for longer than `read_late_ms` lets people in now: what they would be doing by now cannot be made up for.
        """
        if self.has_read(reading.journey, reading.version, reading.at):
            return
        with self._whole():
            work = self._begin(now_ms)
            in_time = not self._time.wakes_itself or work.stamp_ms - reading.at <= self._settings.read_late_ms
            at = reading.at if in_time else work.stamp_ms
            for person, enter_at in reading.entries:
                self._inputs.offer(
                    work, self._slot_map.slot(person), person, ReadReached(at, reading.journey, enter_at)
                )
            self._reads = {**self._reads, f"{reading.journey}@{reading.version}": reading.at}
            work.own.append((READS, msgspec.msgpack.encode(self._reads)))
            self._commit(work, always=True)

    def members(self, audience: str, at: int) -> list[str]:
        """Everybody who is in the audience, sorted by the bytes of their names."""
        self._check()
        people = (pair for slot in self._slots.owned.values() for pair in slot.profiles.items())
        program = self._published.program
        inside = [person for person, data in people if is_inside(program, decode_profile(data), audience, at)]
        return sorted(inside, key=str.encode)

    def has_read(self, journey: str, version: int, at: int) -> bool:
        """Whether the journey's read entry of this time has been made."""
        self._check()
        return self._reads.get(f"{journey}@{version}", -1) >= at

    # What is published

    def holding(self) -> Holding:
        """What is published, and how far the time of the shard is."""
        self._check()
        return Holding(self._published.publications, self._stamp_ms, self._published.held, self._published.fresh)

    def hold(self, *, held: bool) -> None:
        """Note that a change is coming, or that it is not; whoever drives the shard keeps everything else from it."""
        with self._whole():
            self._published.hold(held)
            self._commit(self._begin(0), always=True)

    def publish(self, publications: Publications) -> None:
        """What is published from its ledger's time on, which is no earlier than anything that has happened.

        May be repeated: what is not newer than what the shard has changes nothing, and the shard goes on.
        """
        self._check()
        if not self._published.is_news(publications):
            if self._published.held:
                self.hold(held=False)
            return
        with self._whole():
            in_time = self._time.may_change_at(publications.ledger.at, self._stamp_ms)
            assert in_time or self._published.fresh, "the shard stands still before it"
            self._published.take(publications)
            self._intake.publish(self._published.program)
            if self._published.touching:
                self._sweep.start()
            self._commit(self._begin(publications.ledger.at), always=True)

    def runs(self, slot: int) -> Counter[tuple[str, int]]:
        """How many runs are open in each version of each journey, in one of the shard's slots (`Published.count`)."""
        self._check()
        people = self._slots[slot].profiles.values() if slot in self._slots.owned else ()
        return self._published.count(people, self._time.reached_ms(self._stamp_ms))

    # Deliveries

    def claim(self, channel: str, most: int, by: str, now_ms: int) -> Claims:
        """Hand up to `most` deliveries to the dispatcher `by`; they are durably claimed when this returns."""
        with self._whole():
            work = self._begin(now_ms)
            leaving = self._leaving.claim(work, channel, most, by)
            self._commit(work)
            return Claims(leaving, more=channel in self._leaving.outbox.ready())

    def settle(self, receipts: Iterable[Receipt], now_ms: int) -> None:
        """Take a dispatcher's answers. One for a delivery that is not under way changes nothing."""
        with self._whole():
            work = self._begin(now_ms)
            self._leaving.settle(work, receipts)
            self._commit(work)

    def give_up(self, by: str, now_ms: int) -> None:
        """The dispatcher is gone: nobody can say what became of the deliveries that it had claimed."""
        reason = "the dispatcher stopped while it was being sent"
        self.settle([Ambiguous(key, reason) for key in self._leaving.outbox.claimed_by(by)], now_ms)

    # The pattern

    @contextmanager
    def _whole(self) -> Iterator[None]:
        """A change is carried out whole, or it is the last one."""
        self._check()
        try:
            yield
        except BaseException as error:
            self._broken = f"the shard stopped at {type(error).__name__}: {error}; open it again from its store"
            raise

    def _check(self) -> None:
        if self._broken is not None:
            raise StoreBroken(self._broken)

    def _begin(self, now_ms: int) -> Work:
        return Work(self._slots, self._time.stamp_ms(self._stamp_ms, now_ms), self._published.touching)

    def _fire_due(self, work: Work, before: int) -> None:
        """Fire the timers due before this time, of a slice of people."""
        for person in self._wheel.take(before, self._settings.due_people_max):
            if not self._time.stands_still(person):
                self._inputs.apply(work, self._slot_map.slot(person), person, TimePassed(before))

    def _commit(self, work: Work, *, always: bool = False) -> None:
        """Make the work durable, then visible. A work without any change is committed only if asked for."""
        self._stamp_ms = work.stamp_ms
        profiles = work.profiles()
        outbox = work.outbox_changes()
        if profiles or outbox or work.facts or always:
            facts = self._time.keep(work.facts)
            own = [*work.own, *self._published.entries(self._slots.own.profiles)]
            if work.facts and self._time.counts_facts:
                own += self._totals.count(work.facts, self._sequence + 1)
            written = [*profiles, *((OWN, name, data) for name, data in own)] if own else profiles
            self._store.append(Record(self._sequence + 1, self.epoch, work.stamp_ms, work.seen, written, outbox, facts))
            self._sequence += 1
            self._slots.own.profiles.update(own)
            self._published.saved()
            for person, due in self._slots.show(profiles, outbox):
                self._wheel.add(person, due)
            self._renew_image()
        for channel, ready in work.ready:
            self._leaving.outbox.offer(channel, ready)

    def _renew_image(self) -> None:
        """Once the journal is long, each commit renews one slot's image and drops one record nobody needs."""
        if self._store.size_bytes() < self._settings.journal_bytes_max:
            return
        oldest = self._slots.oldest()
        if oldest == OWN:
            self._slots.own.profiles.update(self._totals.entries(self._sequence))
        self._store.save_image(self._slots.image(oldest, self._sequence))
        self._slots[oldest].sequence = self._sequence
        self._store.trim(self._slots[self._slots.oldest()].sequence)

    def _due_of(self, person: str) -> int:
        return self._slots.due_of(self._slot_map.slot(person), person)

    # Looking in

    @property
    def wakes_itself(self) -> bool:
        """Whether its time goes on by a clock, so that its host sets an alarm for the next timer."""
        return self._time.wakes_itself

    def ready(self) -> dict[str, int]:
        """How many deliveries could be claimed now, by channel."""
        self._check()
        return self._leaving.outbox.ready()

    def next_ms(self) -> int | None:
        """Nothing falls due before this time; None if nothing is due at all. A change is due until it is over."""
        self._check()
        return self._wheel.next_ms() if self._sweep.is_over() else self._published.since_ms

    def profile(self, person: str) -> Profile | None:
        """Everything known of a person, None if nothing is."""
        self._check()
        data = self._slots[self._slot_map.slot(person)].profiles.get(person)
        return None if data is None else decode_profile(data)

    @property
    def newest(self) -> int:
        """The number of the newest record."""
        self._check()
        return self._sequence

    @property
    def totals(self) -> ShardTotals:
        """The totals of its facts. Under virtual time they stay empty: whoever collects the facts counts them."""
        self._check()
        return self._totals

    def status(self) -> Status:
        self._check()
        return Status(
            people=sum(len(slot.profiles) for slot in self._slots.owned.values()),
            stamp_ms=self._stamp_ms,
            next_ms=self.next_ms(),
            reads=self._reads,
            ready=self.ready(),
            claimed=self._leaving.outbox.under_way(),
            standing_still=self._time.standing_still,
        )

    def collect_facts(self) -> list[Fact]:
        """Under virtual time: the facts since the last call, in the order of happening for each person."""
        self._check()
        return self._time.collect()
