"""When does a step of a run end that begins now, and what has to be asked then of those whom it took?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import assert_never

from parcours.core.campaign_outcomes import OutcomeAsked, PresenceAsked, ReactionAsked, SendAsked
from parcours.core.waits import wait_until_ms
from parcours.errors import AuthorError
from parcours.expression.values import Scope
from parcours.expression.zones import next_local_time, zone
from parcours.instants import EARLIEST_MS
from parcours.journey import campaign_steps as steps
from parcours.journey.campaign_program import CampaignProgram
from parcours.journey.parts import WaitDuration, WaitLocalTime, WaitUntil


class StepUnmade(AuthorError):
    """A step of a campaign could not be made."""


@dataclass(frozen=True, slots=True)
class StepOfRun:
    """What there is to know of the run.

    view         `run` in expressions
    ends         when each step ended that ends later than it begins
    newest_runs  the number of the newest run of a campaign
    """

    campaign: CampaignProgram
    run: int
    view: Mapping[str, object]
    ends: Mapping[str, int]
    newest_runs: Callable[[str], int]


def ends_at(step: steps.CampaignStep, at: int, of: StepOfRun) -> int:
    """When a step that begins at an instant ends, as far as that is known without its people. Raises StepUnmade."""
    match step:
        case steps.WaitAll():
            return _wait_ends(step, at, of)
        case steps.Reacted(of=steps.OwnSend() as send):
            assert send.step in of.ends, "a step for reactions to a send comes after it"
            return max(at, of.ends[send.step] + send.within_ms)
        case _:
            return at


def _wait_ends(step: steps.WaitAll, at: int, of: StepOfRun) -> int:
    """In the campaign's zone."""
    wait, tz = step.wait, zone(of.campaign.timezone)
    match wait:
        case WaitDuration():
            return at + wait.duration_ms
        case WaitLocalTime():
            return next_local_time(at, wait.minute, wait.days, tz)
        case WaitUntil():
            scope = Scope(run=of.view, now_ms=at)
            try:
                until = wait_until_ms(wait, wait.until.value(scope), at, tz)
            except ValueError as error:
                raise StepUnmade(str(error)) from None
            if until is None:
                raise StepUnmade(f"wait until {wait.until.text}: {wait.until.unmet(scope)}")
            return max(until, at)
    assert_never(wait)


def outcome_asked(step: steps.CampaignStep, at: int, of: StepOfRun) -> OutcomeAsked:
    """What is asked of each of a step's people by the instant of its end."""
    match step:
        case steps.SendToSet():
            return SendAsked(step.id)
        case steps.Reacted(of=steps.OwnSend() as send):
            name, run, sent, since = of.campaign.name, of.run, send.step, EARLIEST_MS
        case steps.Reacted(of=steps.OtherSend() as send):
            name, sent = send.name, send.step
            run = 0 if not send.last_run else of.newest_runs(name) if send.kind == "campaign" else -1
            since = EARLIEST_MS if send.since_ms is None else at - send.since_ms
        case _:
            return PresenceAsked()
    return ReactionAsked(name, sent, run, step.reaction, step.channel, step.link, since, at)
