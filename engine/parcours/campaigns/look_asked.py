"""What is asked of a look at a campaign, which sends nobody anything, and what is told; no library makes sets here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from parcours.campaigns.step_made import StepMade
from parcours.core.effect import Outgoing
from parcours.errors import CallerError
from parcours.journey.campaign_program import CampaignProgram
from parcours.journey.campaign_steps import SendToSet
from parcours.shard.campaign_requests import SeedAddress
from parcours.wording import nearest, quoted

SampleRow = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class StepPreview:
    """
    made       what the step would take and give; of what comes after a wait or a reaction nobody
    gates      by gate, how many deliveries of a send it would refuse or hold
    unforeseen  what becomes of the people whom it takes is not foreseen
    sample     the first rows of each output: `person`, and the set's columns
    """

    made: StepMade
    gates: Mapping[str, int] = field(default_factory=dict)
    unforeseen: bool = False
    sample: Mapping[str, list[SampleRow]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ProofAsked:
    """
    person  whose data it has, by the name that she has in results
    to      the channel and the address
    told    is told what would be sent
    """

    step: str
    person: str
    to: SeedAddress
    told: Callable[[Outgoing], None]


@dataclass(frozen=True, slots=True)
class PreviewAsked:
    """
    at      the instant in ms, None: as soon as nothing else happens
    sample  how many rows of each set are shown
    told    is told the instant and what was found, step by step
    proof   what is asked for instead of all sets
    """

    campaign: str
    at: int | None
    sample: int
    told: Callable[[CampaignProgram, int, dict[str, StepPreview]], None]
    proof: ProofAsked | None = None


def send_step(campaign: CampaignProgram, name: str) -> SendToSet:
    """The send of a campaign that has this name. Raises CallerError for another step, and where there is none."""
    step = campaign.steps.get(name)
    sends = [each.id for each in campaign.steps.values() if isinstance(each, SendToSet)]
    if step is None:
        raise CallerError(f"the campaign {campaign.name!r} has no step {quoted(name)}{nearest(name, sends)}")
    if not isinstance(step, SendToSet):
        there = f"those that do are {', '.join(sends)}" if sends else "none of its steps does"
        raise CallerError(f"the step {name!r} of the campaign {campaign.name!r} sends nothing; {there}")
    return step
