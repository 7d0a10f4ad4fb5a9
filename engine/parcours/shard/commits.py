"""The commits of a shard: a work is begun, made durable as one record of the store, and only then visible.

Whatever fails on the way, most of all the commit, breaks the shard: what lies in memory may be ahead of the store then,
so it refuses everything until it is opened again from its store.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from parcours.clock import stopwatch_ms
from parcours.core.fact import Fact
from parcours.core.input_block import InputEncoder
from parcours.durations import Durations
from parcours.errors import ShardStopped, StoreBroken
from parcours.shard.export_state import ExportState
from parcours.shard.ids.seen import SeenIds
from parcours.shard.imaging import Imaging
from parcours.shard.in_hand import InHand
from parcours.shard.inbox_news import InboxNews
from parcours.shard.outbox import Outbox
from parcours.shard.published import Published
from parcours.shard.reads import Reads
from parcours.shard.recovery import recover
from parcours.shard.retention import Retention
from parcours.shard.slots import OWN, Slots
from parcours.shard.stored_stash import stored_entries
from parcours.shard.timekeeping import Timekeeping
from parcours.shard.totals import ShardTotals
from parcours.shard.wheel import Wheel
from parcours.shard.work import Work
from parcours.store.store import Record, Store

log = logging.getLogger("parcours")


class Commits:
    """Where one shard's journal stands, and how it goes on.

    export    how far its export is
    epoch     that under which the shard writes
    sequence  the number of the newest record
    durations how long records took to be written
    stamp_ms  the effective time of the newest input
    inboxes   the newest changes of inboxes
    looks     who has looked at somebody, to be kept with the next work
    """

    def __init__(
        self,
        slots: Slots,
        store: Store,
        time: Timekeeping,
        published: Published,
        reads: Reads,
        totals: ShardTotals,
        seen: SeenIds,
        imaging: Imaging,
        wheel: Wheel,
        outbox: Outbox,
        in_hand: InHand,
        export: ExportState,
        inboxes: InboxNews,
    ) -> None:
        self._slots = slots
        self._store = store
        self._time = time
        self._published = published
        self._reads = reads
        self._totals = totals
        self._seen = seen
        self._imaging = imaging
        self._wheel = wheel
        self._outbox = outbox
        self._in_hand = in_hand
        self._retention = Retention(export.readers, export.destinations.held_for_ms, trims=not export.is_on)
        self._encoder = InputEncoder()
        self.export = export
        self.inboxes = inboxes
        self.looks: list[Fact] = []
        self.epoch = self.sequence = self.stamp_ms = 0
        self.durations = Durations()
        self._broken: str | None = None

    def open(self, expected_epoch: int | None) -> None:
        """Take the store over, and bring back from it what lies in memory."""
        self.epoch = self._store.acquire(expected_epoch)
        self.sequence, self.stamp_ms = recover(self._store, self._slots, self._seen, self._totals, self._imaging)
        self._seen.restored(self.epoch)
        self._retention.restore(self._slots.own.profiles)
        self.export.restore(self._slots.own.profiles, self.sequence)

    @contextmanager
    def whole(self) -> Iterator[None]:
        """A change is carried out whole, or it is the last one.

        Raises ShardStopped for what an input raises: when the shard opens again, it sets that input aside.
        """
        self.check()
        try:
            yield
        except BaseException as error:
            self._broken = f"the shard stopped at {type(error).__name__}: {error}; open it again from its store"
            if isinstance(error, Exception) and self._in_hand.blame(error):
                log.error("an input cannot be applied", exc_info=error)
                raise ShardStopped(self._broken) from error
            raise

    def check(self) -> None:
        """Raises StoreBroken once a change has failed."""
        if self._broken is not None:
            raise StoreBroken(self._broken)

    @property
    def is_broken(self) -> bool:
        """Whether the shard refuses everything until it is opened again."""
        return self._broken is not None

    def begin(self, now_ms: int) -> Work:
        """A work at this time, or at that of the newest input if it is later."""
        stamp_ms = self._time.stamp_ms(self.stamp_ms, now_ms)
        if stamp_ms > self._reads.first_ms:
            self._reads.pass_to(stamp_ms)
        work = Work(self._slots, stamp_ms, self._published.touching, reading=stamp_ms > self._reads.first_ms)
        if self.looks:
            work.facts, self.looks = self.looks, []
        return work

    def commit(self, work: Work, *, always: bool = False) -> None:
        """Make the work durable, then visible. A work without any change is committed only if asked for."""
        self._in_hand.nothing()
        self.stamp_ms = work.stamp_ms
        profiles = work.profiles()
        outbox = work.outbox_changes()
        inputs, reached, addresses = work.kept_inputs(self._encoder), work.reached_changes(), work.address_changes()
        stashed = stored_entries(self._time.stash) if self._time.keeps_stash and self._time.stash.changed else []
        if profiles or outbox or work.facts or inputs or reached or addresses or work.own or stashed or always:
            if lets_go := self._time.counts_facts and self._retention.is_new(work.stamp_ms):
                self._let_go(work)
            facts = self._time.keep(work.facts)
            own = [*work.own, *stashed, *self._published.entries(self._slots.own.profiles), *self._reads.entries()]
            own += self._seen.entries()
            if self._time.counts_facts:
                facts_for_ms = self._published.program.insight.usually_kept_for
                own += self._retention.note(work.stamp_ms, self.sequence + 1, facts_for_ms)
            if work.facts and self._time.counts_facts:
                own += self._totals.count(work.facts, self.sequence + 1, work.stamp_ms)
            elif work.facts:
                self._totals.count_offers(work.facts)
            if work.transfers and self._time.counts_facts:
                own += self._totals.transfer(work.transfers, self.sequence + 1)
            if work.erased and self._time.counts_facts:
                own += self._totals.count_untold(work.untold, self.sequence + 1)
            latest = dict(own)  # one work may have changed an entry several times
            written = [*profiles, *((OWN, name, data) for name, data in latest.items())] if own else profiles
            record = Record(
                self.sequence + 1, self.epoch, work.stamp_ms, work.seen, written, outbox, facts, inputs, reached,
                addresses,
            )  # fmt: skip
            started_ms = stopwatch_ms()
            size_bytes = self._store.append(record)
            self.durations.note(stopwatch_ms() - started_ms)
            self.sequence += 1
            self._retention.committed()
            self.export.committed(self.sequence, self.stamp_ms, tells=bool(facts or inputs))
            if lets_go:
                self.export.destinations.let_gone()
            self._slots.show_own(latest.items())
            self._slots.show_reached(reached)
            self._slots.show_addresses(addresses)
            self._published.saved()
            self._reads.saved()
            self._seen.saved()
            self._time.stash.changed.clear()
            if outbox:
                self._outbox.count(work.outbox_counts())
            for person, due in self._slots.show(profiles, outbox):
                self._wheel.add(person, due)
            self._imaging.committed(self.sequence, size_bytes, self._seen.through, self.stamp_ms)
            self._seen.committed(self.sequence, size_bytes, self.stamp_ms)
        if work.inbox:
            self.inboxes.note(work.inbox)
        for channel, ready in work.ready:
            self._outbox.offer(channel, ready)

    def _let_go(self, work: Work) -> None:
        """A day begins: what destinations of facts were not told for too long is held no more."""
        destinations = self.export.destinations
        first = self._retention.since(work.stamp_ms - destinations.held_for_ms)
        if first is not None:
            destinations.let_go(work, first)
