"""A proof: what a campaign's send would say with one person's data, to be sent to somebody of one's own.

Sets are made as in a preview, up to the step; nothing happens to anybody.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from parcours.background import in_thread
from parcours.campaigns.people import People
from parcours.campaigns.preview import Previewing
from parcours.campaigns.run_sets import RunSets
from parcours.core.effect import Outgoing
from parcours.core.time_text import time_text
from parcours.errors import CallerError
from parcours.journey.campaign_program import CampaignProgram
from parcours.journey.campaign_steps import SendToSet
from parcours.shard.campaign_requests import SeedAddress
from parcours.shard.scans import Scan
from parcours.wording import nearest, quoted


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


async def prove(
    campaign: CampaignProgram, sets: RunSets, people: People, scans: Mapping[int, Scan], at: int, asked: ProofAsked
) -> None:
    """Tell what the send would say at this instant. `scans` are those of `Previewing`.

    Raises CallerError if the person is not in its set, and as a preview does.
    """
    step = send_step(campaign, asked.step)
    await Previewing(campaign, sets, people, scans, 0).rows_until(step.id, at)
    row = await in_thread(_row_of, asked.person, step, sets)
    if row is None:
        said = f"is not in the set that {step.id!r} takes as of {time_text(at)}"
        after = "; nobody is foreseen there" if sets.size(step.sources[0]) == 0 else ""
        raise CallerError(f"{quoted(asked.person)} {said}{after}")
    (outgoing,) = await people.copies(campaign.name, campaign.version, step.id, at, asked.person, row, (asked.to,))
    asked.told(outgoing)


def _row_of(person: str, step: SendToSet, sets: RunSets) -> Mapping[str, object] | None:
    rows = sets.people(step.sources[0], step.row_paths)
    return next((row for name, row in rows if name == person), None)
