"""A shard: decides what happens to its people and makes it durable, one micro-batch at a time.

Theory of operation. Every public method that changes anything follows one pattern (commits.py): begin a `Work`, apply
inputs to decoded copies of the people they concern, commit the work as one record of the store, and only then let the
outside see it.

The wheel may be as late as it likes, for a person's own earlier timers fire before an input is applied to her.
Live and virtual time share all of this; what differs is in timekeeping.py. How an input is applied to a person is told
in inputs.py, how deliveries leave in claiming.py, how audiences are read in reads.py. `records` names the channels that
only record: `answer` gives their deliveries a receipt. `inbox` renders what lies in inboxes, which leaves as little.

What is published may change while the shard runs (published.py): it then holds still for a moment, so that all
shards can be told one time, and people go through the change one by one, each before anything later.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Iterable, Sequence

from parcours.config import Settings
from parcours.core.fact import Fact
from parcours.core.identity import SlotMap
from parcours.core.input import TimePassed
from parcours.core.offers.totals import TotalAnswer
from parcours.core.profile import Profile
from parcours.core.turn import Crowd, DeadCodes, Normalize, as_it_stands, no_codes
from parcours.journey.program import Program
from parcours.journey.project import Project
from parcours.journey.publish.publications import Publications
from parcours.shard.addresses import Addresses
from parcours.shard.archiving import Archiving
from parcours.shard.batches import Batches
from parcours.shard.campaigning import Campaigning
from parcours.shard.census import Census
from parcours.shard.claiming import Claiming
from parcours.shard.commits import Commits
from parcours.shard.dead_letters import DeadLetter, DeadLetters, batch_of
from parcours.shard.deferrals import Deferrals
from parcours.shard.erasing import Erasing
from parcours.shard.export_state import ExportState
from parcours.shard.exporting import Exporting
from parcours.shard.fact_positions import NO_FACTS, FactsAsked
from parcours.shard.firing import Firing
from parcours.shard.ids.seen import SeenIds
from parcours.shard.imaging import Imaging
from parcours.shard.inbox_news import InboxNews
from parcours.shard.inputs import Inputs
from parcours.shard.intake import Intake
from parcours.shard.learning import Learning
from parcours.shard.listing import Listing
from parcours.shard.messages import Answer, Batch, Claims, Holding, Status
from parcours.shard.moving import Moving
from parcours.shard.names import Names
from parcours.shard.offer_asking import OfferAsking
from parcours.shard.outbox import Answering, Outbox, accept, answers_of
from parcours.shard.peer_exchange import PeerExchange, Take
from parcours.shard.peer_taking import PeerTaking
from parcours.shard.peers import Peers
from parcours.shard.persons import Persons
from parcours.shard.publication_facts import told_by
from parcours.shard.published import Published
from parcours.shard.read_steps import ReadSteps
from parcours.shard.reads import Reads
from parcours.shard.requests import ExchangeDeliveries
from parcours.shard.slots import Slots
from parcours.shard.standing import Standing
from parcours.shard.stubs import Stubs
from parcours.shard.sweep import Sweep
from parcours.shard.timekeeping import LiveTime, Timekeeping
from parcours.shard.totals import ShardTotals
from parcours.shard.turns import at_once, never
from parcours.shard.wheel import Wheel
from parcours.store.store import Store


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
        records: Collection[str] = (),
        answer: Answering = accept,
        inbox: Answering = accept,
        crowd: Crowd | None = None,
        normalize: Normalize = as_it_stands,
        project: Project | None = None,
        dead_codes: DeadCodes = no_codes,
        exports: bool = False,
        facts_to: FactsAsked = NO_FACTS,
        take_message: Take | None = None,
    ) -> None:
        """`project` is what the program was compiled from; without it nothing else can ever be published.

        slot_map  where people live: the shard owns the slots that it gives to `number`; time is live if not given
        exports, facts_to  whether there is an exporter, and which facts go to destinations: for them nothing is trimmed
        take_message  what taking a message of another shard means (peer_exchange.py), if not what it does to people
        """
        self._published, time = (published := Published(program, project)), time or LiveTime()
        self._store, self.settings, self._time = store, settings, time
        self._slots, self._seen = slots, seen = (own := Slots(number, slot_map)), SeenIds(own.own, store, settings)
        export = ExportState(store, settings, facts_to, is_on=exports)
        self._archiving = archiving = Archiving(program, export, records)
        self._sweep, self._dead_letters = _, letters = Sweep(slots), DeadLetters(settings)
        self._totals, self._reads = totals, reads = ShardTotals(settings), Reads(live=time.wakes_itself)
        self._wheel, self._imaging = wheel, imaging = Wheel(slots.due_of), Imaging(slots, totals, store, settings)
        answers, addresses = answers_of(records, answer, inbox), Addresses(slots, settings, normalize)
        self._names, self.peers = names, peers = Names(slots), Peers(slots, settings)
        self.asking = asking = OfferAsking(names, peers, published, archiving, time, settings)
        rules = crowd, normalize, dead_codes
        self._inputs = inputs = Inputs(
            published, reads, time, settings, answers, *rules, letters, archiving, addresses, asking
        )
        self._listing = listing = Listing(slots, inputs, published, reads, settings)
        outbox, stubs = Outbox(), Stubs(names, peers)
        self._moving = moving = Moving(
            slots, names, inputs, outbox, reads, peers, addresses, seen, archiving, time, settings
        )
        self._intake = Intake(program, settings, slots, seen, time, letters, archiving, names, moving)
        self._leaving = leaving = Claiming(slots, inputs, moving, names, stubs, outbox, time, settings, archiving)
        self.commits = commits = Commits(
            slots, store, time, published, reads, totals, seen, imaging, wheel, outbox, letters.in_hand, export,
            InboxNews(settings.inbox_changes_max),
        )  # fmt: skip
        take = take_message or PeerTaking(moving, asking, time).take
        self.exchanging = PeerExchange(peers, commits, take, settings.hello_wait_s)
        self._firing = Firing(wheel, slots, inputs, names, time, self.exchanging)
        kept = commits, time, totals, published, settings
        self.batches = Batches(slots, self._intake, moving, self._firing, letters, *kept)
        self.reading = reading = ReadSteps(commits, listing, reads, published, time, lambda: self.hold(held=False))
        self.persons = Persons(slots, names, commits, published, addresses, leaving.reached, seen, letters, inputs)
        self.erasing = erasing = Erasing(
            slots, names, peers, self.batches.positions, store, commits, leaving, letters, reads, imaging, seen,
            addresses, settings.erase_within_ms, exports=exports,
        )  # fmt: skip
        self.exporting, self.census = Exporting(commits, store, erasing), Census(slots, commits, published, time)
        self.learning = Learning(slots, commits, published, totals, time, reading, archiving, self._is_due_before)
        taking = slots, names, inputs, moving, commits, reads, time, archiving
        self.campaigning = Campaigning(*taking, reading, erasing.erasures)
        self.standing = Standing(
            slots, commits, time, reads, leaving, seen, letters, wheel, imaging, totals, erasing, peers, names
        )

    def open(self, now_ms: int, *, expected_epoch: int | None = None) -> None:
        """Come back from the store and take it over: from now on this is the only writer. Called once.

        With an expected epoch it raises StoreBusy where the store has been given to another owner since.
        """
        self.commits.open(expected_epoch)
        own = self._slots.own.profiles
        self._published.restore(own)
        if self._published.fresh and self._time.wakes_itself:
            self._published.begin(now_ms)
        self._dead_letters.restore(own, self._store.scratch())
        for part in (self.batches, self._reads, self.erasing.erasures):
            part.restore(own)
        self.peers.restore()
        self._moving.restore()
        self.asking.restore(own)
        self._go_by_what_is_published()
        for person, due in self._slots.timers():
            self._wheel.add(person, due)
        if self._time.counts_facts:
            self._totals.begin_check(self._slots, self._slots.slot_map)
        now_ms = 0 if self._published.held else now_ms  # its time has been told then
        with self.commits.whole():
            work = self.commits.begin(now_ms)
            self._archiving.open(work, own, self._published.publications, is_new=self._published.fresh)
            self.commits.export.destinations.open(work, self.commits.sequence)
            self._leaving.take_up(work)
            self.asking.forget_removed(work)
            self.learning.forget(work.stamp_ms)
            work.own += self._dead_letters.give_up()
            if self._published.fresh and self._time.wakes_itself:
                work.facts += told_by(self._slots.shard, None, self._published.publications)
            self.commits.commit(work, always=self._published.fresh or bool(work.own))
        if asked_for := self._dead_letters.asked_for():
            self.resend(asked_for, now_ms)

    # Inputs

    def take(self, batch: Batch, now_ms: int) -> Answer:
        """Apply a router's batch, unless another number comes next; a batch already taken gets its old answer."""
        return at_once(self.taking(batch, now_ms))

    def taking(self, batch: Batch, now_ms: int) -> Generator[None, None, Answer]:
        """`take`, in steps of an input each."""
        return self.batches.taking(batch, now_ms)

    def pass_time(self, now_ms: int) -> None:
        """Let the timers due before now fire, at most a slice of people; `status` tells whether some are left."""
        at_once(self.passing(now_ms))

    def passing(self, now_ms: int, enough: Callable[[], bool] = never) -> Generator[None, None, None]:
        """`pass_time`, in steps of a person each. Fewer people's timers fire once there is `enough`."""
        with self.commits.whole():
            work = self.commits.begin(now_ms)
            before = self._time.passed_ms(now_ms, work.stamp_ms)
            if not self.exchanging.awaits_hello:
                self.asking.expire(work)
            yield from self._firing.due(work, before, self.settings.due_people_max, enough)
            for slot, person in self._sweep.take(self.settings.due_people_max):
                if not self._time.stands_still(person) and self._published.concerns(self._slots[slot].profiles[person]):
                    self._inputs.apply(work, slot, person, TimePassed(before))
                    yield
            for person in self._reads.next_slice(self._slots.own.profiles):
                self._inputs.apply(work, self._slots.slot_map.slot(person), person, TimePassed(before))
                yield
            self._reads.end_slice()
            through = yield from self.campaigning.pass_saves(work)
            self.commits.commit(work, always=through)
            is_over = self._published.changes and self._sweep.is_over()
            if is_over and not self._is_due_before(self._published.since_ms):
                self._published.over()

    def _is_due_before(self, at: int) -> bool:
        next_ms, stash = self._wheel.next_ms(), self._time.stash
        is_late = next_ms is not None and next_ms < at
        return is_late or self._reads.is_unfinished_before(at) or stash.holds_before(at)

    def resend(self, numbers: Iterable[int], now_ms: int) -> Answer:
        """Apply dead letters anew, but for those of a name that has moved to another shard: the answer tells whose."""
        return self.apply_letters(self._dead_letters.numbered(numbers), now_ms, are_ours=True)

    def apply_letters(self, letters: Sequence[DeadLetter], now_ms: int, *, are_ours: bool) -> Answer:
        """Apply these as if they came only now; ours are taken off the list by the same commit."""
        with self.commits.whole():
            work = self.commits.begin(now_ms)
            batch, digests = batch_of(letters), [letter.digest for letter in letters]
            deferrals = Deferrals({}, batch, 0)
            for slot, person, given in self._intake.inputs(batch, work, deferrals, digests):
                self._moving.offer(work, slot, person, given)
            answer = self._intake.answer(0)
            kept = {each.place for each in answer.deferred}
            if are_ours:
                work.own += [self._dead_letters.drop(each) for place, each in enumerate(letters) if place not in kept]
            self.commits.commit(work, always=bool(letters))
            return answer

    def drop_letters(self, numbers: Iterable[int]) -> None:
        """Take dead letters off the list that another shard has applied."""
        with self.commits.whole():
            work = self.commits.begin(0)
            work.own += [self._dead_letters.drop(each) for each in self._dead_letters.numbered(numbers)]
            self.commits.commit(work)

    # What is published

    def holding(self) -> Holding:
        """What is published, and how far the time of the shard is."""
        self.commits.check()
        known, reads, stamp_ms = self._published, self._reads, self.commits.stamp_ms
        under_way = reads.states(), reads.scans.names(), reads.saves.known(), known.lessons.since_ms
        return Holding(known.publications, stamp_ms, known.held, known.fresh, *under_way)

    def hold(self, *, held: bool) -> None:
        """Note that a change is coming, or that it is not; whoever drives the shard keeps everything else from it."""
        with self.commits.whole():
            self._published.hold(held)
            self.commits.commit(self.commits.begin(0), always=True)

    def publish(self, publications: Publications) -> None:
        """What is published from its ledger's time on, which is no earlier than anything that has happened.

        May be repeated: what is not newer than what the shard has changes nothing, and the shard goes on.
        """
        self.commits.check()
        if not self._published.is_news(publications):
            if self._published.held:
                self.hold(held=False)
            return
        with self.commits.whole():
            in_time = self._time.may_change_at(publications.ledger.at, self.commits.stamp_ms)
            beginning = publications.ledger.number == self._published.ledger.number
            assert in_time or beginning or self._published.fresh, "the shard stands still before it"
            if not beginning:
                self._reads.close(publications.ledger.at)
            before = self._published.ledger
            self._published.take(publications)
            self._go_by_what_is_published()
            work = self.commits.begin(publications.ledger.at)
            work.facts += told_by(self._slots.shard, before, publications)
            self._archiving.note_publication(work, publications)
            self.asking.forget_removed(work)
            self.learning.forget(work.stamp_ms)
            self.commits.commit(work, always=True)

    def _go_by_what_is_published(self) -> None:
        self._reads.publish(self._published.program, self._published.ledger.at)
        self._intake.publish(self._published.program)
        self._totals.offers.keep_to(self._published.program.offers)
        if self._published.touching:
            self._sweep.start()

    def halt_moves(self, until_ms: int) -> int:
        """Let no move between shards begin before this time; returns how many are under way."""
        self.commits.check()
        self._moving.halted_until_ms = until_ms
        return self._moving.under_way()

    # Deliveries

    def exchange(self, asked: ExchangeDeliveries, now_ms: int) -> Claims:
        """Take a dispatcher's answers and hand deliveries to it; they are durably claimed when this returns."""
        with self.commits.whole():
            leaving = self._leaving.exchange(work := self.commits.begin(now_ms), asked)
            self.commits.commit(work)
            return Claims(leaving, more=self._leaving.has_more(asked))

    def give_up(self, by: str, now_ms: int) -> None:
        """The dispatcher is gone: nobody can say what became of the deliveries that it had claimed."""
        with self.commits.whole():
            work = self.commits.begin(now_ms)
            self._leaving.give_up(work, by)
            self.commits.commit(work)

    def claimants(self) -> set[str]:
        """The dispatchers that have claimed deliveries, and not said what became of them."""
        return self._leaving.outbox.claimants()

    def answer_totals(self, answers: Iterable[tuple[str, Sequence[TotalAnswer]]]) -> None:
        """Under virtual time: what these people's decisions have asked total caps is answered."""
        with self.commits.whole():
            work = self.commits.begin(0)
            self.asking.take_answers(work, answers)
            self.commits.commit(work)

    # Looking in

    @property
    def wakes_itself(self) -> bool:
        """Whether its time goes on by a clock, so that its host sets an alarm for the next timer."""
        return self._time.wakes_itself

    def ready(self) -> dict[str, int]:
        """How many deliveries could be claimed now, by channel."""
        self.commits.check()
        return self._leaving.outbox.ready()

    def next_ms(self) -> int | None:
        """Nothing falls due before this time; None if nothing is due at all. A change is due until it is over."""
        self.commits.check()
        self._firing.after_hello()
        if not self._sweep.is_over():
            return self._published.since_ms
        waits_until = None if self.exchanging.awaits_hello else self.asking.next_ms()
        times = self._wheel.next_ms(), self._reads.lets_in_from(), waits_until
        return min((at for at in times if at is not None), default=None)

    def profile(self, person: str) -> Profile | None:
        """What lies under a name, None if nothing does."""
        return self.persons.profile(person)

    @property
    def totals(self) -> ShardTotals:
        """The totals of its facts. Under virtual time they stay empty: whoever collects the facts counts them."""
        self.commits.check()
        return self._totals

    def status(self, now_ms: int = 0) -> Status:
        """Where it stands. By the time of the clock, troubles are left out that have been told for long."""
        self.commits.check()
        return self.standing.status(now_ms, self.next_ms())

    @property
    def dead_letters(self) -> DeadLetters:
        """What could not be applied."""
        self.commits.check()
        return self._dead_letters

    def collect_facts(self) -> list[Fact]:
        """Under virtual time: the facts since the last call, in the order of happening for each person."""
        self.commits.check()
        return self._time.collect()
