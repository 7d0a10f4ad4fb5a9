"""The lines that campaigns of a store have told, as far as something is kept of their runs."""

from __future__ import annotations

from pathlib import Path

from parcours.campaigns.campaign_line import CampaignLine
from parcours.campaigns.campaign_place import read_campaign
from parcours.campaigns.run_place import kept_runs


def told_lines(folder: Path, record: int) -> list[CampaignLine]:
    """What is kept, durably, of lines with a higher number than this one, in the order of their numbers.

    folder  that of all campaigns; there need not be one
    Raises OSError.
    """
    lines: list[CampaignLine] = []
    for campaign in folder.glob("*"):
        place = read_campaign(campaign)
        lines += [] if place is None else place.lines
        lines += [line for run in kept_runs(campaign) for line in run.lines]
    return sorted((line for line in lines if line.record > record), key=lambda line: line.record)
