"""A project that is tried out in minutes: the same steps and ways, and nobody waits for longer than a limit.

A wait for a duration, and a time-out, is cut to the limit where it is longer. A wait for a time of day or an instant
takes the limit, whenever that would be: how long it would take is known of nobody before she is there. So a day that is
past, or a trait that names none, is not found out.

What decides and is not waited for stays as it is: quiet hours and the window of a campaign's sends, caps, `within` of a
goal, reentry, the dates between which a journey is open, and every condition on time.
"""

from __future__ import annotations

from dataclasses import replace

from parcours.journey.campaign_program import CampaignProgram
from parcours.journey.campaign_steps import CampaignStep, OwnSend, Reacted, WaitAll
from parcours.journey.compile.index import indexed
from parcours.journey.program import Program, Step, Wait, WaitDuration, WaitFor
from parcours.journey.project import Project


def shortened(project: Project, most_ms: int) -> Project:
    """The project with no wait longer than this. Its documents are those of the project, which stays as it is."""
    journeys = tuple(
        replace(journey, steps={name: _short(step, most_ms) for name, step in journey.steps.items()})
        for journey in project.program.journeys
    )
    campaigns = tuple(_shortened_campaign(campaign, most_ms) for campaign in project.program.campaigns)
    program: Program = replace(project.program, journeys=journeys, campaigns=campaigns)
    return Project(project.documents, indexed(program), project.folder)


def _short(step: Step, most_ms: int) -> Step:
    if isinstance(step, WaitFor) and step.timeout_ms is not None:
        return replace(step, timeout_ms=min(step.timeout_ms, most_ms))
    return _short_wait(step, most_ms) if isinstance(step, Wait) else step


def _short_wait(wait: Wait, most_ms: int) -> WaitDuration:
    if isinstance(wait, WaitDuration):
        return replace(wait, duration_ms=min(wait.duration_ms, most_ms))
    return WaitDuration(wait.id, most_ms, wait.next)


def _shortened_campaign(campaign: CampaignProgram, most_ms: int) -> CampaignProgram:
    steps = {name: _short_step(step, most_ms) for name, step in campaign.steps.items()}
    return replace(campaign, steps=steps)


def _short_step(step: CampaignStep, most_ms: int) -> CampaignStep:
    if isinstance(step, WaitAll):
        return replace(step, wait=_short_wait(step.wait, most_ms))
    if isinstance(step, Reacted) and isinstance(step.of, OwnSend):
        return replace(step, of=replace(step.of, within_ms=min(step.of.within_ms, most_ms)))
    return step
