"""What comes next for which everybody is held at an instant under virtual time: a read of an audience, a campaign."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from parcours.campaigns.campaign_due import CampaignDue
from parcours.journey.program import Program
from parcours.routing.audience_reads import Due, Upcoming
from parcours.simulation.audience_look import AudienceLook, LookDue

if TYPE_CHECKING:
    from parcours.campaigns.coordinator import Coordinator

AnyDue: TypeAlias = Due | CampaignDue | LookDue


class Agenda:
    """The reads of journeys, and campaigns if there are any. Of one instant reads go first, but for what is early.

    look  a look at an audience, after which nothing comes
    """

    def __init__(self, program: Program, campaigns: Coordinator | None, look: AudienceLook | None) -> None:
        self.reads = Upcoming(program)
        self.campaigns = campaigns
        self.look = look
        self._is_over = False

    def first(self) -> AnyDue | None:
        """The earliest one, None if there is none."""
        due = self._first()
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

    def _first(self) -> AnyDue | None:
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
        else:
            assert isinstance(due, CampaignDue), "a look does not recur"
            assert self.campaigns is not None, "it comes from there"
            self.campaigns.drop(due)
