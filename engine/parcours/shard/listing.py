"""The members of an audience at the instant of its read, listed slice by slice over the people of one shard.

Who has a mark of the instant is as it says. Nothing later has happened to anybody else; whoever had something due
before the instant, or has to go through a change, does so first and has a mark then.
"""

from __future__ import annotations

from collections.abc import Iterator

from parcours.config import Settings
from parcours.core.audiences import is_inside
from parcours.core.input import TimePassed
from parcours.core.profile import NEVER, decode_profile, is_unknown_data, next_due
from parcours.shard.inputs import Inputs
from parcours.shard.messages import AudienceRead, DueRead, DueReads, Members
from parcours.shard.published import Published
from parcours.shard.reads import Reads
from parcours.shard.slots import Slots
from parcours.shard.work import Work


class Listing:
    """Of one shard."""

    def __init__(self, slots: Slots, inputs: Inputs, published: Published, reads: Reads, settings: Settings) -> None:
        self._slots = slots
        self._inputs = inputs
        self._published = published
        self._reads = reads
        self._settings = settings

    def due(self, now_ms: int) -> DueReads:
        """The reads that have to be made at this time, of each journey the newest."""
        newest: dict[str, DueRead] = {}
        for read, missed in self._reads.due(now_ms):
            if read.journey not in newest or newest[read.journey].read.at < read.at:
                paused = self._published.program_at(read.at).paused.get(read.journey, NEVER) <= read.at
                newest[read.journey] = DueRead(read, missed, paused)
        return DueReads(list(newest.values()), self._reads.next_ms())

    def slice(self, work: Work, read: AudienceRead, after: tuple[int, str] | None, most: int) -> Members:
        """The members among the next `most` people; whoever is behind the instant is brought there in this work."""
        state = self._reads.begin(read, work.stamp_ms, anew=after is None)
        if state != "listed":
            return Members(state)
        people: list[str] = []
        looked_at = 0
        for number, person in self._following(after):
            if looked_at == most:
                return Members("listed", people, after)
            looked_at, after = looked_at + 1, (number, person)
            if self._is_inside(work, number, person, read):
                people.append(person)
        return Members("listed", people)

    def _following(self, after: tuple[int, str] | None) -> Iterator[tuple[int, str]]:
        first, beyond = after or (-1, "")
        for number, slot in self._slots.owned.items():
            if number >= first:
                yield from ((number, name) for name in sorted(slot.profiles) if number > first or name > beyond)

    def _is_inside(self, work: Work, number: int, person: str, read: AudienceRead) -> bool:
        data = self._slots[number].profiles[person]
        if is_unknown_data(data):
            return False  # whoever is called so now is counted under her own name
        profile = decode_profile(data)
        marks = [mark for mark in profile.reads if mark.at == read.at]
        behind = next_due(data) < read.at or profile.change_number < self._published.touching
        if not marks and behind:
            self._inputs.apply(work, number, person, TimePassed(read.at + 1))
            profile = work.profile(number, person)
            marks = [mark for mark in profile.reads if mark.at == read.at]
        if marks:
            return read.journey in marks[0].inside
        return is_inside(self._published.program_at(read.at), profile, read.audience, read.at, self._settings)
