"""What comes next for which everybody is held at an instant under virtual time: a read of an audience, a campaign."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from parcours.campaigns.campaign_due import CampaignDue
from parcours.journey.program import Program
from parcours.routing.audience_reads import Due, Upcoming

if TYPE_CHECKING:
    from parcours.campaigns.coordinator import Coordinator

AnyDue: TypeAlias = Due | CampaignDue


class Agenda:
    """The reads of journeys, and campaigns if there are any. Of one instant reads go first, but for what is early."""

    def __init__(self, program: Program, campaigns: Coordinator | None) -> None:
        self.reads = Upcoming(program)
        self.campaigns = campaigns

    def first(self) -> AnyDue | None:
        """The earliest one, None if there is none."""
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
            assert self.campaigns is not None, "it comes from there"
            self.campaigns.drop(due)
