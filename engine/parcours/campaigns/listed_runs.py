"""Runs whose people facts tell of, or somebody has named: what does each save, and by what does it go on?

They are those of no author's campaign (journey/compile/campaigns/found.py). Whoever takes such a run over has its
people in its folder, or asks facts for them; as an audience may be kept otherwise by then, it is noted what it is for.
"""

from __future__ import annotations

from pathlib import Path

from parcours.campaigns.run_folder import RunFolder
from parcours.campaigns.run_place import ListedSave, RunPlace
from parcours.journey.campaign_program import CampaignProgram
from parcours.journey.campaign_steps import ReadFound, Save
from parcours.journey.compile.campaigns.found import PEOPLE, SAVED, saving_campaign
from parcours.journey.program import Program


def listed_by(campaign: CampaignProgram) -> ListedSave | None:
    """What a campaign saves its people as, if facts tell of them or somebody has named them."""
    if not isinstance(campaign.steps.get(PEOPLE), ReadFound):
        return None
    save = campaign.steps[SAVED]
    assert isinstance(save, Save), "that is all that is done with them"
    return ListedSave(save.audience, save.mode)


def continued(place: RunPlace, listed: ListedSave, folder: Path, program: Program) -> CampaignProgram | None:
    """By what a run goes on; None where its people are not known, and nobody asks for them any more.

    folder  of the run
    """
    if RunFolder(folder, durable=True).found(PEOPLE).exists():
        return saving_campaign(place.campaign, listed.audience, listed.mode, program.timezone)
    kept = next((each for each in program.keeping if each.name == place.campaign), None)
    return kept if kept is not None and listed_by(kept) == listed else None
