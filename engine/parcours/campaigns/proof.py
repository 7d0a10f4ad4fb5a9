"""A proof: what a campaign's send would say with one person's data, to be sent to somebody of one's own.

Sets are made as in a preview, up to the step; nothing happens to anybody.
"""

from __future__ import annotations

from collections.abc import Mapping

from parcours.background import in_thread
from parcours.campaigns.look_asked import ProofAsked, send_step
from parcours.campaigns.people import People
from parcours.campaigns.preview import Previewing
from parcours.campaigns.run_sets import RunSets
from parcours.campaigns.run_world import nobody_asks
from parcours.core.time_text import time_text
from parcours.errors import CallerError
from parcours.journey.campaign_program import CampaignProgram
from parcours.journey.campaign_steps import SendToSet
from parcours.shard.scans import Scan
from parcours.wording import quoted


async def prove(
    campaign: CampaignProgram, sets: RunSets, people: People, scans: Mapping[int, Scan], at: int, asked: ProofAsked
) -> None:
    """Tell what the send would say at this instant. `scans` are those of `Previewing`.

    Raises CallerError if the person is not in its set, and as a preview does.
    """
    step = send_step(campaign, asked.step)
    await Previewing(campaign, sets, people, scans, 0, nobody_asks).rows_until(step.id, at)
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
