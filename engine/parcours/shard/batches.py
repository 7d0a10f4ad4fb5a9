"""Batches of routers: each is taken once, as one commit, and what is read of a source is taken once line by line."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence

from msgspec.structs import replace

from parcours.config import Settings
from parcours.errors import ShardUnavailable
from parcours.shard.commits import Commits
from parcours.shard.dead_letters import DeadLetters
from parcours.shard.firing import Firing
from parcours.shard.intake import SET_ASIDE, Intake
from parcours.shard.messages import Answer, Batch, Lease, LineOutcome
from parcours.shard.moving import Moving
from parcours.shard.partitions import Partitions
from parcours.shard.positions import Positions
from parcours.shard.published import Published
from parcours.shard.slots import Slots
from parcours.shard.timekeeping import Timekeeping
from parcours.shard.totals import ShardTotals
from parcours.shard.unusable import read_unusable
from parcours.shard.wheel import DUE_WITH_BATCH
from parcours.shard.work import Work

NONE_OF_YOURS = 0
"""No batch has this number: it is said to come next to whoever is not the reader of the partition any more."""


NONE_ALONE = 0, 0
"""How many lines routers have answered by themselves that do not."""


class Batches:
    """Those that one shard takes.

    positions   where routers are
    partitions  how far partitions of sources have been taken
    """

    def __init__(
        self,
        slots: Slots,
        intake: Intake,
        moving: Moving,
        firing: Firing,
        letters: DeadLetters,
        commits: Commits,
        time: Timekeeping,
        totals: ShardTotals,
        published: Published,
        settings: Settings,
    ) -> None:
        self.positions = Positions(settings)
        self.partitions = Partitions()
        self._slots = slots
        self._intake = intake
        self._moving = moving
        self._firing = firing
        self._letters = letters
        self._commits = commits
        self._time = time
        self._totals = totals
        self._published = published
        self._settings = settings

    def restore(self, entries: Mapping[str, bytes]) -> None:
        """Come back from the entries of the shard's own slot."""
        for part in (self.positions, self.partitions):
            part.restore(entries)

    def taking(self, batch: Batch, now_ms: int) -> Generator[None, None, Answer]:
        """Take a batch, in steps of an input each."""
        self._commits.check()
        outcomes = self.positions.outcomes(batch)
        if outcomes is not None:
            deferred = self.positions.deferred(batch)
            return self._intake.answer_again(batch, outcomes, deferred, self._commits.stamp_ms)
        if batch.partition:
            if not self.partitions.is_read_by(batch.partition, batch.router):
                return Answer(batch.number, expected=NONE_OF_YOURS)
            if self._moving.halted_until_ms > now_ms:
                raise ShardUnavailable("nothing is taken of sources while all shards are to be of one moment")
        expected = self.positions.expected(batch.router)
        if batch.number != expected:
            return Answer(batch.number, expected=expected)
        with self._commits.whole():
            work = self._commits.begin(now_ms)
            news = self.partitions.news(batch) if batch.partition else None
            given = batch if news is None else _part_of(batch, news)
            deferrals = self.positions.deferrals(given)
            for slot, person, each in self._intake.inputs(given, work, deferrals):
                self._moving.offer(work, slot, person, each)
                yield
            most = min(len(batch.lines) + DUE_WITH_BATCH, self._settings.due_people_max)
            yield from self._firing.due(work, self._time.due_with_batch_ms(work.stamp_ms), most)
            answer = self._intake.answer(batch.number)
            if batch.partition:
                self._settle_lines(work, given, answer)
                if news is not None:
                    answer = _of_whole(batch, news, answer)
                    deferrals.deferred = answer.deferred
            work.own.append(self.positions.advance(batch, answer.outcomes, self._commits.sequence + 1, deferrals))
            if self._time.counts_facts:
                work.own.append(self._totals.count_lines(answer.consumed, batch.alone or NONE_ALONE))
            self._commits.commit(work, always=True)
        if batch.alone is not None and self._time.wakes_itself:
            answer = replace(answer, lease=Lease(self._published.ledger.number, self._commits.export.keeps_events))
        return answer

    def _settle_lines(self, work: Work, batch: Batch, answer: Answer) -> None:
        """These lines of a partition have been looked at: what is of no use goes aside, and the others are taken."""
        left, reasons = {each.place for each in answer.deferred}, iter(answer.reasons)
        for place, outcome in enumerate(answer.outcomes):
            if outcome == LineOutcome.REJECTED and not (reason := next(reasons)).startswith(SET_ASIDE):
                self._put_aside(work, batch, place, reason)
        taken = [number for place, number in enumerate(batch.line_numbers) if place not in left]
        work.own += self.partitions.advance(batch.partition, batch.below, taken)

    def _put_aside(self, work: Work, batch: Batch, place: int, reason: str) -> None:
        line = batch.lines[place]
        reason, line = read_unusable(line) or (reason, line)
        line = line[: self._settings.event_bytes_max]
        where = f"{batch.partition} at offset {batch.line_numbers[place]}"
        digest = self._intake.digest_of_nameless(batch, place)
        self._letters.put_aside(work, self._intake.person_told(line), line, digest, f"{where}: {reason}")

    def foretell(self, partition: str, offsets: Sequence[int], lines: Sequence[bytes], now_ms: int) -> bytes:
        """What would become of lines of a partition if they were read again, of each its outcome. Nothing changes."""
        self._commits.check()
        work = Work(self._slots, max(now_ms, self._commits.stamp_ms))
        return self._intake.foretell(Batch("", 0, list(offsets), list(lines), partition=partition), work)

    # Readers of partitions

    def begin_reading(self, partition: str, reader: str) -> int | None:
        """This router reads the partition from now on, and no other one: durably. Its position, None if it has none."""
        with self._commits.whole():
            work = self._commits.begin(0)
            work.own.append(self.partitions.begin(partition, reader))
            self._commits.commit(work)
        return self.partitions.positions()[partition]

    def tell_position(self, partition: str, reader: str, below: int | None) -> bool:
        """Nothing before this offset is outstanding. Whether that router is still the reader; else nothing changes."""
        self._commits.check()
        if not self.partitions.is_read_by(partition, reader):
            return False
        if below is None:
            return True
        with self._commits.whole():
            work = self._commits.begin(0)
            work.own += self.partitions.advance(partition, below)
            self._commits.commit(work)
        return True

    def pause_source(self, source: str, *, paused: bool) -> None:
        """Nobody is to read this source from now on, or everybody may again: durably."""
        with self._commits.whole():
            work = self._commits.begin(0)
            work.own.append(self.partitions.pause(source, paused=paused))
            self._commits.commit(work)

    def move_position(self, partition: str, position: int) -> bool:
        """Whoever operates the engine has decided where reading goes on. Whether the shard knows the partition."""
        self._commits.check()
        if partition not in self.partitions.positions():
            return False
        with self._commits.whole():
            work = self._commits.begin(0)
            work.own += self.partitions.move(partition, position)
            self._commits.commit(work)
        return True


def _part_of(batch: Batch, places: Sequence[int]) -> Batch:
    """The batch with the lines at these places only. `again` are those at the front."""
    return replace(
        batch,
        line_numbers=[batch.line_numbers[place] for place in places],
        lines=[batch.lines[place] for place in places],
        skews_ms=[batch.skews_ms[place] for place in places] if batch.skews_ms else [],
        again=[batch.again[place] for place in places if place < len(batch.again)],
    )


def _of_whole(batch: Batch, places: Sequence[int], answer: Answer) -> Answer:
    """The answer of a part as that of the whole batch, whose other lines had been taken before."""
    outcomes = bytearray([LineOutcome.DUPLICATE]) * len(batch.lines)
    for place, outcome in zip(places, answer.outcomes, strict=True):
        outcomes[place] = outcome
    deferred = [replace(each, place=places[each.place]) for each in answer.deferred]
    return replace(answer, outcomes=bytes(outcomes), deferred=deferred)
