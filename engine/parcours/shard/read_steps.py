"""The steps of reading an audience or of a scan, as whoever makes it of all shards takes them with one.

What they come to is looked after in reads.py and scans.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from parcours.shard.commits import Commits
from parcours.shard.listing import Listing
from parcours.shard.messages import AudienceRead, DueReads, Members, PeopleColumns
from parcours.shard.published import Published
from parcours.shard.reads import Reads
from parcours.shard.scans import Scan
from parcours.shard.timekeeping import Timekeeping


class ReadSteps:
    """Of one shard. `let_go` is called for a shard that is held, and goes on."""

    def __init__(
        self,
        commits: Commits,
        listing: Listing,
        reads: Reads,
        published: Published,
        time: Timekeeping,
        let_go: Callable[[], None],
    ) -> None:
        self._commits = commits
        self._listing = listing
        self._reads = reads
        self._published = published
        self._time = time
        self._let_go = let_go

    @contextmanager
    def ending_hold(self) -> Iterator[Callable[[], None]]:
        """A step with which the shard goes on if it is held; to be noted before the commit of what changes."""

        def note() -> None:
            if self._published.held:
                self._published.hold(held=False)

        with self._commits.whole():
            yield note
        if self._published.held:
            self._let_go()

    def due_reads(self, now_ms: int) -> DueReads:
        """The reads that have to be made at this time, of each journey the newest; changes nothing."""
        self._commits.check()
        return self._listing.due(now_ms)

    def list_members(self, read: AudienceRead, after: tuple[int, str] | None, most: int, now_ms: int) -> Members:
        """A slice of those who were in the audience at the instant, which has durably passed when this returns."""
        with self._commits.whole():
            work = self._commits.begin(now_ms)
            members = self._listing.slice(work, read, after, most)
            self._commits.commit(work, always=after is None and members.state == "listed")
        return members

    def place_members(self, journey: str, at: int, number: int, entries: list[tuple[str, int]], now_ms: int) -> None:
        """Take a slice of those who will enter, each with the delay of her entry; once only."""
        with self._commits.whole():
            self._reads.place(journey, at, number, entries)
            self._commits.commit(self._commits.begin(now_ms), always=True)

    def let_in(self, journey: str, at: int, entries_from: int, people: int) -> None:
        """Whoever is placed enters, from this time on; once only. A shard that is held goes on."""
        with self.ending_hold() as note_end:
            if self._reads.let_in(journey, at, entries_from, people):
                in_time = self._time.may_change_at(entries_from, self._commits.stamp_ms)
                assert in_time, "nobody is let in behind what has happened"
                note_end()
                self._commits.commit(self._commits.begin(entries_from), always=True)

    def await_scans(self, scans: Sequence[Scan]) -> bool:
        """Scans are under way, durably; False if the instant of one has passed here before it was."""
        new = [scan for scan in scans if self._reads.scans.find(scan.name) is None]
        if self._time.wakes_itself and any(scan.at < self._commits.stamp_ms for scan in new):
            return False
        if new:
            with self._commits.whole():
                for scan in new:
                    self._reads.scans.await_(scan)
                self._commits.commit(self._commits.begin(0), always=True)
        return True

    def await_held(self, scans: Sequence[Scan]) -> None:
        """The same where the shard is held since before the instant, and goes on."""
        with self.ending_hold() as note_end:
            new = [scan for scan in scans if self._reads.scans.await_(scan)]
            if new:
                in_time = all(scan.at >= self._commits.stamp_ms for scan in new)
                assert in_time, "nobody takes columns of a time that has passed"
                note_end()
                self._commits.commit(self._commits.begin(0), always=True)

    def list_columns(self, name: str, after: tuple[int, str] | None, most: int, now_ms: int) -> PeopleColumns:
        """A slice of a scan, whose instant has durably passed when this returns."""
        scan = self._reads.scans.find(name)
        if scan is None:
            return PeopleColumns("gone")
        with self._commits.whole():
            work = self._commits.begin(now_ms)
            early = work.stamp_ms <= scan.at and self._time.wakes_itself
            listed = PeopleColumns("early") if early else self._listing.columns(work, scan, after, most)
            self._commits.commit(work, always=after is None and not early)
        return listed

    def taken(self) -> int:
        """How many people's columns have been taken before something happened to them."""
        return self._reads.scans.taken_count

    def end_scan(self, name: str) -> None:
        """Nothing is asked of the scan any more."""
        with self._commits.whole():
            if self._reads.scans.end(name):
                self._commits.commit(self._commits.begin(0), always=True)

    def skip_read(self, journey: str, at: int, now_ms: int) -> None:
        """Let nobody in by the journey's reads up to this instant."""
        with self._commits.whole():
            self._reads.skip(journey, at)
            self._commits.commit(self._commits.begin(now_ms), always=True)
