"""What comes next for which everybody is held at an instant under virtual time: a read of an audience, a campaign, or
somebody who wants to know.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, TypeAlias

from parcours.campaigns.campaign_due import CampaignDue
from parcours.journey.program import Program
from parcours.journey.project import Project
from parcours.routing.audience_reads import Due, Upcoming
from parcours.simulation.people_look import DueOnce, LookDue, PeopleLook, check_look
from parcours.simulation.score_cut import ScoreCut, check_cuts
from parcours.simulation.snapshots import SnapshotDue, UpcomingSnapshots

if TYPE_CHECKING:
    from parcours.campaigns.coordinator import Coordinator


@dataclass(frozen=True, slots=True)
class Looks:
    """What somebody wants to know on the way.

    look  at everybody, after which nothing comes
    cuts  for scores, which everything else goes before that is due at their instants
    """

    look: PeopleLook | None = None
    cuts: Sequence[ScoreCut] = ()

    def check(self, project: Project) -> None:
        """Raises CallerError for what is looked at, or a score, that the project does not have."""
        check_look(project, self.look)
        check_cuts(project, self.cuts)


NO_LOOKS: Final = Looks()


@dataclass(frozen=True, slots=True)
class CutDue(DueOnce):
    """It is time for a cut."""

    at_ms: int
    cut: ScoreCut

    @property
    def name(self) -> str:
        return self.cut.score


AnyDue: TypeAlias = Due | CampaignDue | LookDue | CutDue | SnapshotDue


class Agenda:
    """The reads of journeys, campaigns and snapshots. Of one instant reads go first, but for what is early, and
    snapshots last.
    """

    def __init__(self, program: Program, campaigns: Coordinator | None, looks: Looks) -> None:
        self.reads = Upcoming(program)
        self.snapshots = UpcomingSnapshots(program)
        self.campaigns = campaigns
        self.look = looks.look
        self._is_over = False
        self._cuts = deque(sorted(looks.cuts, key=lambda cut: cut.at))

    def first(self) -> AnyDue | None:
        """The earliest one, None if there is none."""
        due = self._first()
        if self._cuts and (due is None or due.at_ms > self._cuts[0].at):
            return CutDue(self._cuts[0].at, self._cuts[0])
        if self.look is None or self.look.at is None:
            return None if self._is_over else due
        return due if due is not None and due.at_ms <= self.look.at else LookDue(self.look.at, self.look)

    def look_with(self, at_ms: int) -> bool:
        """Look at this instant, if nothing else was said; whether there is to be a look."""
        if self.look is None or self.look.at is not None:
            return False
        self.look = replace(self.look, at=at_ms)
        return True

    def looked(self) -> None:
        """That was the look."""
        self.look, self._is_over = None, True

    @property
    def has_cuts(self) -> bool:
        return bool(self._cuts)

    def cut(self) -> None:
        """That was the first of the cuts."""
        self._cuts.popleft()

    def _first(self) -> AnyDue | None:
        due, snapshot = self._first_entry(), self.snapshots.first()
        return snapshot if snapshot is not None and (due is None or snapshot.at_ms < due.at_ms) else due

    def _first_entry(self) -> Due | CampaignDue | None:
        read = self.reads.first()
        due = None if self.campaigns is None else self.campaigns.first()
        if read is None or due is None:
            return due if read is None else read
        goes_before = due.at_ms < read.at_ms or (due.at_ms == read.at_ms and due.early)
        return due if goes_before else read

    def drop(self, due: AnyDue) -> None:
        """Neither this one, which is the earliest, nor any other of its rule is to come."""
        if isinstance(due, Due):
            self.reads.drop()
        elif isinstance(due, SnapshotDue):
            self.snapshots.drop(due)
        else:
            assert isinstance(due, CampaignDue), "neither a look nor a cut recurs"
            assert self.campaigns is not None, "it comes from there"
            self.campaigns.drop(due)
