"""Which campaign is asked for, and what is told of it and of its runs? The same for its JSON and for its screens."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from parcours.core.time_text import time_text
from parcours.errors import CallerError
from parcours.ingress.campaign_bodies import (
    CampaignLooked,
    CampaignShown,
    NotBegun,
    RunListed,
    RunLooked,
    StepLooked,
)
from parcours.ingress.changes import answered
from parcours.ingress.door import Door
from parcours.ingress.exchange import Problem, Request
from parcours.ingress.hidden_names import shown_reason
from parcours.ingress.keys import Key
from parcours.insight.summary import CampaignCount
from parcours.journey.publish.ledger import Verb
from parcours.service.campaign_state import CampaignState, RunOfCampaign, StepOfRun
from parcours.service.change_outcome import ChangeOutcome
from parcours.service.live_report import LiveReport

NOTHING_YET: Final = CampaignCount(version=1)


async def campaign_of(door: Door, request: Request) -> CampaignState:
    """The campaign that the path names. Raises Problem where there is none."""
    try:
        return await answered(door.service.campaign(request.params["name"]))
    except CallerError as error:
        raise Problem(404, "unknown", str(error)) from None


def campaign_change(
    door: Door, verb: Verb, name: str, ledger: int | None, by: str
) -> Callable[[bool], Awaitable[ChangeOutcome]]:
    """Does this to a campaign, or says what it would do: which of both is what it is called with."""
    call = {
        "pause": door.service.pause_campaign,
        "resume": door.service.resume_campaign,
        "close": door.service.close_campaign,
        "stop": door.service.stop_campaign,
    }[verb]
    return lambda dry: call(name, dry=dry, ledger=ledger, by=by)


def run_of(found: CampaignState, number: str) -> RunOfCampaign:
    """The run of this number. Raises Problem where nothing is kept of one."""
    for each in found.runs:
        if str(each.number) == number:
            return each
    raise Problem(404, "unknown", "the campaign has no such run, or nothing is kept of it any more")


def count_of(report: LiveReport, name: str) -> CampaignCount:
    """What the runs of a campaign have come to together."""
    return report.campaign_counts.get(name, NOTHING_YET)


def campaign_shown(found: CampaignState, count: CampaignCount) -> CampaignShown:
    """A campaign as it is listed."""
    return CampaignShown(
        name=found.campaign,
        state=found.state,
        version=found.version,
        runs=count.runs,
        under_way=[each.number for each in found.runs if each.state == "under_way"],
        goal=count.goal,
        next=_time_or_none(found.next_ms),
    )


def campaign_looked(found: CampaignState, report: LiveReport) -> CampaignLooked:
    """A campaign as it is looked at."""
    count = count_of(report, found.campaign)
    shown = campaign_shown(found, count)
    return CampaignLooked(
        name=shown.name,
        state=shown.state,
        version=shown.version,
        runs=shown.runs,
        under_way=shown.under_way,
        goal=shown.goal,
        next=shown.next,
        steps=count.steps,
        kept=[_listed(each) for each in found.runs],
        not_begun=[NotBegun(at=time_text(at), why=why) for at, why in found.not_begun.items()],
        ledger=report.ledger.number,
    )


def run_looked(found: CampaignState, run: RunOfCampaign, key: Key | None) -> RunLooked:
    """A run, step by step."""
    listed = _listed(run)
    return RunLooked(
        name=found.campaign,
        run=listed.run,
        version=listed.version,
        state=listed.state,
        began=listed.began,
        ended=listed.ended,
        by=listed.by,
        at_hand={step: time_text(at) for step, at in run.at_hand.items()},
        steps={name: _step(step, key) for name, step in run.steps.items()},
    )


def _listed(found: RunOfCampaign) -> RunListed:
    return RunListed(
        run=found.number,
        version=found.version,
        state=found.state,
        began=time_text(found.began),
        ended=_time_or_none(found.ended),
        by=found.by,
    )


def _step(step: StepOfRun, key: Key | None) -> StepLooked:
    return StepLooked(
        at=time_text(step.at),
        begins=_time_or_none(step.begins),
        inflow=step.inflow,
        outputs=step.outputs,
        dropped=step.dropped,
        why=shown_reason(step.why, key) if step.why else "",
    )


def _time_or_none(at_ms: int | None) -> str | None:
    return None if at_ms is None else time_text(at_ms)
