"""The people of one shard at an instant, listed slice by slice: the members of an audience, or everybody's columns.

Who has a mark of the instant, or whose columns of it have been taken, is as these say. Nothing later has happened to
anybody else; whoever had something due before the instant, or has to go through a change, does so first.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from parcours.config import Settings
from parcours.core.audiences import is_inside
from parcours.core.input import TimePassed
from parcours.core.profile import NEVER, Profile, decode_profile, is_unknown_data, next_due
from parcours.shard.inputs import Inputs
from parcours.shard.messages import AudienceRead, DueRead, DueReads, Members, PeopleColumns
from parcours.shard.published import Published
from parcours.shard.reads import Reads
from parcours.shard.scans import OffersAsked, Scan
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

    def columns(self, work: Work, scan: Scan, after: tuple[int, str] | None, most: int) -> PeopleColumns:
        """The columns of those who were known at a scan's instant, among the next `most` people."""
        listed = PeopleColumns("listed", [])
        looked_at = 0
        for number, person in self._asked_about(scan, after):
            if looked_at == most:
                return msgspec.structs.replace(listed, after=after)
            looked_at, after = looked_at + 1, (number, person)
            row = self._row(work, number, person, scan)
            if row is not None:
                listed.rows.append((person, row))
        return listed

    def _asked_about(self, scan: Scan, after: tuple[int, str] | None) -> Iterator[tuple[int, str]]:
        person = scan.asked.person if isinstance(scan.asked, OffersAsked) else None
        if person is None:
            return self._following(after, scan.name)
        at = self._slots.slot_map.slot(person)
        return iter([(at, person)] if at in self._slots.owned and person in self._slots[at].profiles else [])

    def _following(self, after: tuple[int, str] | None, scan: str = "") -> Iterator[tuple[int, str]]:
        """Whoever has a profile, and of a scan whoever had one; by slot and name."""
        first, beyond = after or (-1, "")
        for number, slot in self._slots.owned.items():
            if number >= first:
                gone = self._reads.scans.taken(scan, number).keys() - slot.profiles.keys()
                names = sorted([*slot.profiles, *gone])
                yield from ((number, name) for name in names if number > first or name > beyond)

    def _row(self, work: Work, number: int, person: str, scan: Scan) -> bytes | None:
        scans = self._reads.scans
        if person in (taken := scans.taken(scan.name, number)):
            return taken[person]
        data = self._slots[number].profiles[person]
        if is_unknown_data(data):
            return None  # whoever is called so now is counted under her own name
        profile = self._brought(work, number, person, data, scan.at)
        if person in (taken := scans.taken(scan.name, number)):
            return taken[person]
        program, lessons = self._published.program_at(scan.at), self._published.lessons.at(scan.at)
        return scans.row(scan.name, person, profile, program, self._settings, lessons)

    def _is_inside(self, work: Work, number: int, person: str, read: AudienceRead) -> bool:
        data = self._slots[number].profiles[person]
        if is_unknown_data(data):
            return False  # whoever is called so now is counted under her own name
        profile = decode_profile(data)
        if not any(mark.at == read.at for mark in profile.reads):
            profile = self._brought(work, number, person, data, read.at)
        for mark in profile.reads:
            if mark.at == read.at:
                return read.journey in mark.inside
        return is_inside(self._published.program_at(read.at), profile, read.audience, read.at, self._settings)

    def _brought(self, work: Work, number: int, person: str, data: bytes, at: int) -> Profile:
        """Somebody without a later trace; whatever is due of hers before the instant has happened to her."""
        profile = decode_profile(data)
        if next_due(data) >= at and profile.change_number >= self._published.touching:
            return profile
        self._inputs.apply(work, number, person, TimePassed(at + 1))
        return work.profile(number, person)
