"""How far is a campaign of a store: its schedule, and the numbers of its runs?"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec

from parcours.campaigns.campaign_line import CampaignLine
from parcours.campaigns.run_folder import read_json
from parcours.campaigns.run_place import kept_runs

CAMPAIGN: Final = "campaign.json"


class CampaignPlace(msgspec.Struct, frozen=True):
    """
    through   up to this instant (ms) the schedule has been gone through
    runs      the number of the newest run
    expected  the name, the version and the instant of the scan with which the next run of the schedule begins
    lines     of instants with which no run began
    """

    through: int
    runs: int = 0
    expected: tuple[str, int, int] | None = None
    lines: list[CampaignLine] = []


def read_campaign(folder: Path) -> CampaignPlace | None:
    """What is kept in a campaign's folder of the campaign itself, None if nothing is. Raises OSError."""
    return read_json(folder / CAMPAIGN, CampaignPlace)


def newest_run(folder: Path) -> int:
    """The number of the newest run of the campaign in this folder, 0 if there has been none. Raises OSError."""
    place = read_campaign(folder)
    kept = [run.number for run in kept_runs(folder)]  # one may have begun that is not noted yet
    return max([0 if place is None else place.runs, *kept])
