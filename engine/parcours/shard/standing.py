"""Where does a shard stand? Its status, its troubles and its figures, told without looking at anybody."""

from __future__ import annotations

from typing import Final

from parcours.core.profile import NEVER, decode_profile, next_due
from parcours.shard.claiming import Claiming
from parcours.shard.commits import Commits
from parcours.shard.dead_letters import DeadLetters
from parcours.shard.erasing import Erasing
from parcours.shard.figures import ShardFigures
from parcours.shard.ids.seen import SeenIds
from parcours.shard.imaging import Imaging
from parcours.shard.messages import Outstanding, Status
from parcours.shard.names import Names
from parcours.shard.peers import Peers
from parcours.shard.reads import Reads
from parcours.shard.slots import Slots
from parcours.shard.timekeeping import Timekeeping
from parcours.shard.totals import ShardTotals
from parcours.shard.wheel import Wheel

LATE_LOOKED_AT: Final = 20
"""People looked at for whose journeys are late: those who are due first."""


class Standing:
    """Told by one shard of itself."""

    def __init__(
        self,
        slots: Slots,
        commits: Commits,
        time: Timekeeping,
        reads: Reads,
        leaving: Claiming,
        seen: SeenIds,
        dead_letters: DeadLetters,
        wheel: Wheel,
        imaging: Imaging,
        totals: ShardTotals,
        erasing: Erasing,
        peers: Peers,
        names: Names,
    ) -> None:
        self._slots = slots
        self._commits = commits
        self._time = time
        self._reads = reads
        self._leaving = leaving
        self._seen = seen
        self._dead_letters = dead_letters
        self._wheel = wheel
        self._imaging = imaging
        self._totals = totals
        self._erasing = erasing
        self._peers = peers
        self._names = names

    def status(self, now_ms: int, next_ms: int | None) -> Status:
        """By the time of the clock, troubles are left out that have been told for long."""
        return Status(
            people=sum(len(slot.profiles) for slot in self._slots.owned.values()) - self._names.alone_count,
            stamp_ms=self._commits.stamp_ms,
            next_ms=next_ms,
            reads=self._reads.newest(),
            reads_missed=self._reads.missed(),
            ready=self._leaving.outbox.ready(),
            claimed=self._leaving.outbox.under_way(),
            standing_still=self._time.standing_still + len(self._names.still),
            message_ids_window_ms=self._seen.window_ms(),
            troubles=self.troubles(now_ms),
            refuses=self._leaving.refuses(),
            unanswered=self._peers.unanswered(),
        )

    def outstanding(self, next_ms: int | None) -> Outstanding:
        """What is left to do under virtual time."""
        return Outstanding(next_ms, self._time.standing_still)

    def is_unsettled(self, next_ms: int | None) -> bool:
        """Whether anything is left to do. That somebody's names are let go one day is nothing, though it is due."""
        if next_ms is None or self._reads.lets_in_from() is not None:
            return next_ms is not None
        slots = self._slots.owned.values()
        waiting = (data for slot in slots for data in slot.profiles.values() if next_due(data) != NEVER)
        return any(timer.kind != "names" for data in waiting for timer in decode_profile(data).timers)

    def refuses(self) -> str | None:
        """Why no further events are wanted for now, None if they are."""
        return self._leaving.refuses()

    def troubles(self, now_ms: int) -> list[str]:
        """What whoever runs the engine should know of this shard, a sentence each."""
        export = self._commits.export.troubles(now_ms)
        erasing = self._erasing.troubles(now_ms)
        told = [*self._dead_letters.troubles(), *self._leaving.troubles(now_ms), *self._seen.troubles()]
        return [*told, *export, *erasing, *self._peers.troubles(now_ms)]

    def reached(self, channel: str, address: str) -> list[str]:
        """Everybody to whom something has left for this address of the channel lately, sorted."""
        self._commits.check()
        return self._leaving.reached.names(channel, address, self._commits.stamp_ms)

    def figures(self, status: Status, now_ms: int, process: str) -> ShardFigures:
        """What the shard counts and measures, beside where it stands; `process` says where it runs."""
        next_ms = self._wheel.next_ms()
        late_ms = 0 if next_ms is None else max(0, now_ms - next_ms)
        return ShardFigures(
            status=status,
            totals=self._totals.totals(),
            epoch=self._commits.epoch,
            journal_bytes=self._imaging.behind_bytes,
            timers_late_ms=late_ms,
            commits=self._commits.durations,
            handovers=dict(self._leaving.handovers),
            outbox=self._leaving.outbox.there(),
            recent=self._totals.recent(now_ms),
            late=self._late(now_ms) if late_ms else {},
            journal_from_ms=self._imaging.behind_ms,
            timers_late=self._wheel.due(now_ms) if late_ms else 0,
            process=process,
            facts_to=self._commits.export.destinations.standings(),
        )

    def _late(self, now_ms: int) -> dict[str, int]:
        """By journey, for how long the first timer of its runs has been due, of a few people who are due first."""
        late: dict[str, int] = {}
        for person in self._wheel.first(LATE_LOOKED_AT):
            data = self._slots.owned[self._slots.slot_map.slot(person)].profiles.get(person)
            if data is None or next_due(data) == NEVER:
                continue
            for timer in decode_profile(data).timers:
                if timer.journey and timer.due < now_ms:
                    late[timer.journey] = max(late.get(timer.journey, 0), now_ms - timer.due)
        return late
