"""The bounds of a campaign's document: what a setting allows, and what an engine with the usual ones would refuse."""

from __future__ import annotations

from collections.abc import Iterator

from parcours.config import Settings
from parcours.journey.campaign_program import CampaignProgram
from parcours.journey.campaign_steps import Divide, DivideAtRandom, Enrich
from parcours.journey.read.finding import KeyPath, Margin


def beyond_limits(campaign: CampaignProgram, settings: Settings) -> Iterator[tuple[KeyPath, str]]:
    """Each place of a campaign that is beyond a setting, in words; publishing is refused where there is one."""
    most = settings.campaign_steps_max
    if len(campaign.steps) > most:
        yield ("steps",), f"these are {len(campaign.steps)} steps, and campaign_steps_max allows {most}"
    most = settings.campaign_seeds_max
    if len(campaign.seeds) > most:
        yield ("seeds",), f"these are {len(campaign.seeds)} seeds, and campaign_seeds_max allows {most}"
    for number, step in enumerate(campaign.steps.values()):
        most = settings.campaign_outputs_max
        if isinstance(step, Divide | DivideAtRandom) and len(step.outputs) > most:
            said = f"these are {len(step.outputs)} outputs, and campaign_outputs_max allows {most}"
            yield ("steps", number, "split"), said
        most = settings.enrich_rows_max
        for each in step.enrichments if isinstance(step, Enrich) else ():
            if each.take is not None and each.take > most:
                said = f"these are {each.take} rows a person, and enrich_rows_max allows {most}"
                yield ("steps", number, "enrich", each.name, "take"), said


def warn_of_limits(campaign: CampaignProgram, margin: Margin) -> None:
    """Warn of what only an engine with higher settings than the usual ones takes."""
    for path, said in beyond_limits(campaign, Settings()):
        margin.warn(f"{said} unless it is set higher", *path)
