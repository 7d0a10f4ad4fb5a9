"""The archive: which inputs are kept with a commit, as they came?

The lines of those events that the project names (`insight: {events: ...}`), so that whoever analyses them later has the
events themselves; four in five of them move nobody and are never decoded here. With `insight: {inputs: true}` every
line that is taken, and as told lines (segment/told.py) what else happens to people: a twin of the store lives through
the same again. The exporter reads both. Without one, nothing is kept.
"""

from __future__ import annotations

from collections.abc import Collection, Container, Mapping
from typing import Final, Literal

from parcours.config import DAY_MS
from parcours.core.fact import LimitReached
from parcours.core.identity import id_of
from parcours.core.input import Input
from parcours.core.offers.lessons import Lessons
from parcours.journey.program import Program
from parcours.journey.publish.publications import Publications
from parcours.segment.told import PublicationLine, TickLine, encode_told, merge_line, name_told, told_line
from parcours.shard.export_state import ExportState
from parcours.shard.reports import NOBODY
from parcours.shard.work import Work

KEEPS_INPUTS: Final = "inputs"
"""The entry of the shard's own slot that says that no input has been left out since the newest beginning."""


class _Everything:
    """Holds every name."""

    def __contains__(self, name: object) -> bool:
        return name is not None


LEFT_OUT = {
    True: "facts wait for the exporter: events are not archived from now on",
    False: "the exporter has caught up: events are archived again",
}

ALL = _Everything()
NOTHING: frozenset[str] = frozenset()


def heard_events(program: Program, *, archives: bool) -> frozenset[str] | None:
    """The names of the events of which a line has to come to a shard; None: all of them.

    archives  whether the events are kept that the program names
    """
    listened_for, insight = program.moving | program.entering, program.insight
    if not archives:
        return listened_for
    kept = ALL if insight.inputs else archived_events(program)
    return None if isinstance(kept, _Everything) else listened_for | kept


def hears_more(was: Program, will_be: Program, *, archives: bool) -> bool:
    """Whether the lines of some events have to come to a shard by the second program, and not by the first."""
    before, after = (heard_events(each, archives=archives) for each in (was, will_be))
    return before is not None and (after is None or not after <= before)


def archived_events(program: Program) -> frozenset[str] | _Everything:
    """The names of the events that the program has kept."""
    match program.insight.events:
        case "all":
            return ALL
        case "declared":
            return frozenset(program.events) | frozenset(program.derived)
        case "none":
            return NOTHING
        case names:
            return frozenset(names)


class Archiving:
    """Decides for one shard. Where facts wait for the exporter for too long, inputs are left out until it is there.

    keeps_inputs  whether all of them are kept now
    """

    def __init__(self, program: Program, export: ExportState, records: Collection[str]) -> None:
        """records: the channels that only record; their deliveries are not told of."""
        self._export = export
        self._records = tuple(sorted(records))
        self._is_behind = False
        self._named: Container[str] = NOTHING
        self._wants_inputs = False
        self._told_on = -1
        """The day of the newest tick that says that inputs are kept."""

        self.keeps_inputs = False
        self.publish(program)

    def publish(self, program: Program) -> None:
        """From now on those are kept that this program names."""
        self._wants_inputs = program.insight.inputs
        self._named = archived_events(program)

    def open(self, work: Work, entries: Mapping[str, bytes], publications: Publications, *, is_new: bool) -> None:
        """The shard is open, by the entries of its own slot; whether it is one in which nothing has happened yet."""
        self.keeps_inputs = KEEPS_INPUTS in entries
        self._look(work, "new" if is_new else "anew")
        if is_new:
            self.note_publication(work, publications)

    def begin(self, work: Work) -> Container[str]:
        """The events of the batch at hand whose lines are kept."""
        self._look(work)
        is_read = (self._export.is_on and not self._is_behind) or self._export.destinations.take_events
        return self._named if is_read else NOTHING

    def note(self, work: Work, person: str, given: Input) -> None:
        """This happens to the person, and no caller has handed it in."""
        self._look(work)
        if self.keeps_inputs:
            at = None if given.at == work.stamp_ms else given.at
            work.kept.add(told_line(person, given), name_told(person), is_event=False, at=at)

    def note_merge(self, work: Work, person: str, name: str, at: int, refused: Literal["", "shared"] = "") -> None:
        """The name is this user's from now on, or was hers and has been used anew; kept in the order of her own inputs.

        Told once, by the shard in which the user lives, behind the call that said so where that is of the same commit.
        A call that merged nobody is not told of, and its line alone is kept; but where it has cut a name loose
        (`refused`) the shard of whoever had that tells of it.
        """
        self._look(work)
        if self.keeps_inputs:
            her = None if person == id_of(person) else person
            time = None if at == work.stamp_ms else at
            work.kept.add(merge_line(person, name, at, refused), her, is_event=False, at=time)

    def note_publication(self, work: Work, publications: Publications) -> None:
        """This is published now."""
        self._look(work)
        if self.keeps_inputs:
            work.kept.add(encode_told(PublicationLine(publications)), NOBODY, is_event=False)

    def note_lessons(self, work: Work, lessons: Lessons) -> None:
        """Rankings of offers know this from now on."""
        self._look(work)
        if self.keeps_inputs:
            work.kept.add(encode_told(TickLine(learned=lessons.subjects)), NOBODY, is_event=False)

    def _look(self, work: Work, keeps: Literal["new", "anew"] = "anew") -> None:
        """Whether anything is kept may have changed."""
        is_behind = self._export.is_behind(work.stamp_ms)
        if is_behind != self._is_behind:
            self._is_behind = is_behind
            work.facts.append(LimitReached(work.stamp_ms, NOBODY, "export_lag_max_ms", LEFT_OUT[is_behind]))
        if self._may_keep() != self.keeps_inputs:
            self.keeps_inputs = not self.keeps_inputs
            work.own.append((KEEPS_INPUTS, b"\x01" if self.keeps_inputs else b""))
            if self.keeps_inputs:
                self._tell_begin(work, keeps)
        elif self.keeps_inputs and work.stamp_ms // DAY_MS != self._told_on:
            self._tell_begin(work, "on")  # what is kept for long enough goes by days, and each says what it is
        work.kept.whole = self.keeps_inputs

    def _may_keep(self) -> bool:
        return self._wants_inputs and self._export.is_on and not self._is_behind

    def _tell_begin(self, work: Work, keeps: Literal["new", "on", "anew"]) -> None:
        self._told_on = work.stamp_ms // DAY_MS
        work.kept.add(encode_told(TickLine(keeps=keeps, records=self._records)), NOBODY, is_event=False)
