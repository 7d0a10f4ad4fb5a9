"""A shard: decides what happens to its people and makes it durable, one micro-batch at a time.

Theory of operation. Every public method that changes anything follows one pattern: begin a `Work`, apply
inputs to decoded copies of the people they concern, commit the work as one record of the store, and only
then let the outside see it. Whatever fails on the way, most of all the commit, breaks the shard: what lies
in memory may be ahead of the store then, so it refuses everything until it is opened again from its store.

The wheel may be as late as it likes, for a person's own earlier timers fire before an input is applied to her.
Live and virtual time share all of this; what differs is in timekeeping.py.

How an input is applied to a person is told in inputs.py, how deliveries leave in claiming.py, how audiences are read
in reads.py. `records` names the channels that only record: `answer` gives their deliveries a receipt.

What is published may change while the shard runs (published.py): it then holds still for a moment, so that all
shards can be told one time, and people go through the change one by one, each before anything later.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from parcours.channel import Ambiguous
from parcours.config import Settings
from parcours.core.fact import Fact
from parcours.core.identity import SlotMap
from parcours.core.input import Settlement, TimePassed
from parcours.core.profile import NEVER, Profile, decode_profile, next_due
from parcours.core.turn import Crowd, DeadCodes, Normalize, as_it_stands, no_codes
from parcours.errors import StoreBroken
from parcours.journey.program import Program
from parcours.journey.project import Project
from parcours.journey.publish.publications import Publications
from parcours.shard.claiming import Claiming
from parcours.shard.imaging import Imaging
from parcours.shard.inputs import Inputs
from parcours.shard.intake import Intake
from parcours.shard.listing import Listing
from parcours.shard.messages import Answer, AudienceRead, Batch, Claims, DueReads, Holding, Members, Status
from parcours.shard.outbox import Answering, accept
from parcours.shard.positions import Positions
from parcours.shard.published import Published
from parcours.shard.reads import Reads
from parcours.shard.slots import OWN, SeenIds, Slots
from parcours.shard.sweep import Sweep
from parcours.shard.timekeeping import LiveTime, Timekeeping
from parcours.shard.totals import ShardTotals
from parcours.shard.wheel import Wheel
from parcours.shard.work import Work
from parcours.store.store import Record, Store


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
        normalize: Normalize = as_it_stands,
        project: Project | None = None,
        dead_codes: DeadCodes = no_codes,
    ) -> None:
        """`project` is what the program was compiled from; without it nothing else can ever be published.

        slot_map  where people live: the shard owns the slots that it gives to `number`
        time  live time unless told otherwise
        """
        self._published = Published(program, project)
        self._store = store
        self._settings = settings
        self._time = time = time or LiveTime()
        self._slot_map = slot_map
        self._slots = Slots(number, slot_map)
        self._seen = SeenIds(self._slots, settings.message_ids_for_ms, settings.message_ids_max)
        self._intake = Intake(program, settings, slot_map, self._slots, self._seen, self._time)
        self._wheel = Wheel(self._due_of)
        self._sweep = Sweep(self._slots)
        self._totals = ShardTotals(settings)
        self._imaging = Imaging(self._slots, self._totals, store, settings)
        recorded = dict.fromkeys(records, answer)
        self._reads = Reads(live=self._time.wakes_itself)
        self._inputs = Inputs(self._published, self._reads, time, settings, recorded, crowd, normalize, dead_codes)
        self._listing = Listing(self._slots, self._inputs, self._published, self._reads, settings)
        self._leaving = Claiming(self._slots, self._inputs, self._time)
        self._positions = Positions(settings)
        self._stamp_ms = self._sequence = 0
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
        reached = self._imaging.restore()
        for record in self._store.records(after=max(0, reached - 1)):  # the newest is always there, for its stamp
            self._slots.replay(record)
            self._imaging.replay(record)
            self._totals.replay(record, self._slots.own.profiles)
            self._sequence, self._stamp_ms = record.sequence, record.stamp_ms
        own = self._slots.own.profiles
        self._totals.restored(own)
        self._published.restore(own)
        if self._published.fresh and self._time.wakes_itself:
            self._published.begin(now_ms)
        self._positions.restore(own)
        self._reads.restore(own)
        self._reads.publish(self._published.program, self._published.ledger.at)
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
            for person in self._reads.next_slice(self._slots.own.profiles):
                self._inputs.apply(work, self._slot_map.slot(person), person, TimePassed(before))
            self._reads.end_slice()
            self._commit(work)
            if self._published.changes and self._sweep.is_over() and not self._is_due_before(self._published.since_ms):
                self._published.over()

    def _is_due_before(self, at: int) -> bool:
        next_ms = self._wheel.next_ms()
        return (next_ms is not None and next_ms < at) or self._reads.is_unfinished_before(at)

    # Reads of audiences (reads.py)

    def due_reads(self, now_ms: int) -> DueReads:
        """The reads that have to be made at this time, of each journey the newest; changes nothing."""
        self._check()
        return self._listing.due(now_ms)

    def list_members(self, read: AudienceRead, after: tuple[int, str] | None, most: int, now_ms: int) -> Members:
        """A slice of those who were in the audience at the instant, which has durably passed when this returns."""
        with self._whole():
            work = self._begin(now_ms)
            members = self._listing.slice(work, read, after, most)
            self._commit(work, always=after is None and members.state == "listed")
        return members

    def place_members(self, journey: str, at: int, number: int, entries: list[tuple[str, int]], now_ms: int) -> None:
        """Take a slice of those who will enter, each with the delay of her entry; once only."""
        with self._whole():
            self._reads.place(journey, at, number, entries)
            self._commit(self._begin(now_ms), always=True)

    def let_in(self, journey: str, at: int, entries_from: int, people: int) -> None:
        """Whoever is placed enters, from this time on; once only. A shard that is held goes on."""
        with self._whole():
            if self._reads.let_in(journey, at, entries_from, people):
                in_time = self._time.may_change_at(entries_from, self._stamp_ms)
                assert in_time, "nobody is let in behind what has happened"
                if self._published.held:
                    self._published.hold(held=False)
                self._commit(self._begin(entries_from), always=True)
        if self._published.held:
            self.hold(held=False)

    def skip_read(self, journey: str, at: int, now_ms: int) -> None:
        """Let nobody in by the journey's reads up to this instant."""
        with self._whole():
            self._reads.skip(journey, at)
            self._commit(self._begin(now_ms), always=True)

    # What is published

    def holding(self) -> Holding:
        """What is published, and how far the time of the shard is."""
        self._check()
        known = self._published
        return Holding(known.publications, self._stamp_ms, known.held, known.fresh, self._reads.states())

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
            beginning = publications.ledger.number == self._published.ledger.number
            assert in_time or beginning or self._published.fresh, "the shard stands still before it"
            if not beginning:
                self._reads.close(publications.ledger.at)
            self._published.take(publications)
            self._reads.publish(self._published.program, self._published.ledger.at)
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

    def settle(self, receipts: Iterable[Settlement], now_ms: int) -> None:
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
        stamp_ms = self._time.stamp_ms(self._stamp_ms, now_ms)
        if stamp_ms > self._reads.first_ms:
            self._reads.pass_to(stamp_ms)
        return Work(self._slots, stamp_ms, self._published.touching, reading=stamp_ms > self._reads.first_ms)

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
            own = [*work.own, *self._published.entries(self._slots.own.profiles), *self._reads.entries()]
            if work.facts and self._time.counts_facts:
                own += self._totals.count(work.facts, self._sequence + 1)
            written = [*profiles, *((OWN, name, data) for name, data in own)] if own else profiles
            record = Record(self._sequence + 1, self.epoch, work.stamp_ms, work.seen, written, outbox, facts)
            size_bytes = self._store.append(record)
            self._sequence += 1
            self._slots.show_own(own)
            self._published.saved()
            self._reads.saved()
            for person, due in self._slots.show(profiles, outbox):
                self._wheel.add(person, due)
            self._imaging.committed(self._sequence, size_bytes)
        for channel, ready in work.ready:
            self._leaving.outbox.offer(channel, ready)

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
        if not self._sweep.is_over():
            return self._published.since_ms
        return min((at for at in (self._wheel.next_ms(), self._reads.lets_in_from()) if at is not None), default=None)

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
            reads=self._reads.newest(),
            reads_missed=self._reads.missed(),
            ready=self.ready(),
            claimed=self._leaving.outbox.under_way(),
            standing_still=self._time.standing_still,
        )

    def collect_facts(self) -> list[Fact]:
        """Under virtual time: the facts since the last call, in the order of happening for each person."""
        self._check()
        return self._time.collect()
