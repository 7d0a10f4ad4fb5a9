"""Learning in one shard: its counts of what became of offers are told, and lessons made of all shards' are taken."""

from __future__ import annotations

from collections.abc import Callable

from parcours.core.fact import Learned
from parcours.core.offers.lessons import Lessons
from parcours.shard.archiving import Archiving
from parcours.shard.commits import Commits
from parcours.shard.learning_requests import OffersCounted
from parcours.shard.publication_facts import FIRST_SHARD
from parcours.shard.published import Published
from parcours.shard.read_steps import ReadSteps
from parcours.shard.slots import Slots
from parcours.shard.timekeeping import Timekeeping
from parcours.shard.totals import ShardTotals


class Learning:
    """Of one shard. `is_due_before` says whether anything that is due before an instant is still to be done."""

    def __init__(
        self,
        slots: Slots,
        commits: Commits,
        published: Published,
        totals: ShardTotals,
        time: Timekeeping,
        reading: ReadSteps,
        archiving: Archiving,
        is_due_before: Callable[[int], bool],
    ) -> None:
        self._shard = slots.shard
        self._commits = commits
        self._published = published
        self._totals = totals
        self._time = time
        self._reading = reading
        self._archiving = archiving
        self._is_due_before = is_due_before

    def counted(self) -> OffersCounted:
        """As of the newest commit."""
        self._commits.check()
        kept = self._published.lessons
        self.forget(self._commits.stamp_ms)
        return OffersCounted(self._totals.offers.tallies, kept.newest, kept.has_room(self._totals.settings))

    def forget(self, at: int) -> None:
        """Forget lessons that nothing goes by any more at this time; with the next commit."""
        self._published.lessons.forget(at, self._is_due_before)

    def learn(self, lessons: Lessons) -> None:
        """Rankings know this from its instant on; once only. A shard that is held goes on."""
        with self._reading.ending_hold() as note_end:
            if self._published.lessons.learn(lessons):
                in_time = self._time.may_change_at(lessons.since, self._commits.stamp_ms + 1)
                assert in_time, "nobody learns what others have not known at the same instant"
                work = self._commits.begin(lessons.since)
                self.forget(lessons.since)
                if self._shard == FIRST_SHARD:
                    told = lessons.subjects.items()
                    work.facts += [Learned(lessons.since, "", subject, each.groups) for subject, each in told]
                self._archiving.note_lessons(work, lessons)
                note_end()
                self._commits.commit(work, always=True)
