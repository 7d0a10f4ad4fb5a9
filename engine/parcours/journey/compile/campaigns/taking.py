"""What a campaign does with one person, as a journey: the steps at which it takes her along, its exits and its goal.

The core knows nothing of sets. To it a campaign is a journey that nobody enters and goes through alone: each person is
taken to a step, and stays there until the campaign takes her on or ends her run.
"""

from __future__ import annotations

from collections.abc import Iterator

from parcours.journey import campaign_steps as steps
from parcours.journey.campaign_program import CampaignProgram
from parcours.journey.experiments import Experiment
from parcours.journey.program import CampaignEntry, Journey, Send, Standby, Step, Update


def taking_people(campaign: CampaignProgram) -> Journey:
    """The campaign as the journey of one person, in its version."""
    taken = {step.id: step for step in _taken(campaign)}
    return Journey(
        name=campaign.name,
        version=campaign.version,
        entry=CampaignEntry(),
        correlation=None,
        reentry_after_ms=0,
        exits=campaign.exits,
        goal=campaign.goal,
        timezone=campaign.timezone,
        starts_ms=None,
        ends_ms=None,
        priority=campaign.priority,
        first=next(iter(taken), ""),
        steps=taken,
        entry_paths=frozenset(),
        event_paths=frozenset(),
        description=campaign.description,
        messages=campaign.messages,
    )


def _taken(campaign: CampaignProgram) -> Iterator[Step]:
    for step in campaign.steps.values():
        match step:
            case steps.SendToSet():
                yield Send(
                    step.id,
                    step.message,
                    {channel: address.expression for channel, address in step.to.items()},
                    on_refused=None,
                    has_on_refused=False,
                    next=None,
                    only_first=step.only_first,
                    prefer=None if step.prefer is None else step.prefer.expression,
                    window=step.window,
                )
            case steps.UpdatePeople():
                yield Update(step.id, {name: each.expression for name, each in step.values.items()}, None)
            case steps.WaitAll() | steps.Reacted() | steps.DivideAtRandom(experiment=Experiment()):
                yield Standby(step.id)
            case _:
                pass  # it is about the set, and nothing happens to anybody
