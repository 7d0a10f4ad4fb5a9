"""Who is in the sets of a step once it has ended, and it is known what has become of its people?"""

from __future__ import annotations

from collections.abc import Sequence

from parcours.campaigns.run_sets import RunSets
from parcours.campaigns.step_made import StepMade
from parcours.journey import campaign_steps as steps
from parcours.journey.model.campaign_sets import MAIN, REFUSED, REST


def chosen(step: steps.CampaignStep, sets: RunSets, so: Sequence[str], left: Sequence[str]) -> StepMade:
    """Make the sets.

    so    of whom it is true what was asked at the end: who was refused, or has reacted
    left  who left the run before
    """
    if isinstance(step, steps.SendToSet):
        return sets.choose(step.id, REFUSED, so, rest=None)
    if isinstance(step, steps.Reacted):
        return sets.choose(step.id, MAIN, so, rest=REST, exited=left)
    gone = set(left)
    staying = (name for name, _ in sets.people(step.sources[0]) if name not in gone)
    return sets.choose(step.id, MAIN, staying, rest=None, exited=left)
