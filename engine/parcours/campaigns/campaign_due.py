"""What is to be done for a campaign next, and when."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from parcours.journey.campaign_program import CampaignProgram


@dataclass(frozen=True, slots=True)
class CampaignDue:
    """Something that is to be done for a campaign.

    begins      a run is to begin; else one goes on
    recurs      whether it is one of several, by a rule
    is_endless  whether there is always another one after it
    early       it goes before everything else of its instant
    looks       it is a preview, after everything else of its instant
    asks_facts  a run is to begin that asks facts: everything of its instant has happened before, timers as well
    """

    at_ms: int
    name: str
    run: int
    begins: bool
    recurs: bool = False
    is_endless: bool = False
    early: bool = False
    looks: bool = False
    asks_facts: bool = False

    @property
    def after_events(self) -> bool:
        """Whether it comes after the events of its instant."""
        return not self.early


def occurrences(campaign: CampaignProgram, timezone: str, after_ms: int = -1) -> Iterator[int]:
    """The instants (ms) of a campaign's schedule later than `after_ms` at which a run may begin, in rising order.

    timezone  the project's
    """
    schedule = campaign.schedule
    for at in () if schedule is None else schedule.instants(timezone, after_ms):
        if campaign.ends_ms is not None and at >= campaign.ends_ms:
            return
        if campaign.starts_ms is None or at >= campaign.starts_ms:
            yield at
