"""How do campaigns and their runs stand? And their controls: a run by hand, pause, resume, close, stop."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from parcours.core.time_text import time_text
from parcours.errors import CallerError
from parcours.ingress.campaign_bodies import (
    CampaignLooked,
    Campaigns,
    CampaignShown,
    NotBegun,
    RunAsked,
    RunBegun,
    RunListed,
    RunLooked,
    StepLooked,
)
from parcours.ingress.changes import answered, body_alone, by_whom, change_routes, looking, outcome_of
from parcours.ingress.door import Door
from parcours.ingress.exchange import VARY, Answer, Handler, Problem, Request, Route, json_answer
from parcours.ingress.hidden_names import shown_reason
from parcours.ingress.keys import Key
from parcours.ingress.operate_bodies import ChangeAsked
from parcours.insight.summary import CampaignCount
from parcours.journey.publish.ledger import Verb
from parcours.service.campaign_state import CampaignState, RunOfCampaign, StepOfRun

NOTHING_YET: Final = CampaignCount(version=1)


async def campaigns(door: Door, _request: Request) -> Answer:
    """All campaigns, by name."""
    report = await answered(door.service.report())
    counts = report.campaign_counts
    shown = [_shown(each, counts.get(each.campaign, NOTHING_YET)) for each in await answered(door.service.campaigns())]
    return json_answer(Campaigns(report.ledger.number, shown), headers=VARY)


async def campaign(door: Door, request: Request) -> Answer:
    """One of them, step by step, with its runs."""
    found = await campaign_of(door, request)
    report = await answered(door.service.report())
    count = report.campaign_counts.get(found.campaign, NOTHING_YET)
    shown = _shown(found, count)
    return json_answer(
        CampaignLooked(
            name=shown.name,
            state=shown.state,
            version=shown.version,
            runs=shown.runs,
            under_way=shown.under_way,
            goal=shown.goal,
            steps=count.steps,
            kept=[_listed(each) for each in found.runs],
            not_begun=[NotBegun(at=time_text(at), why=why) for at, why in found.not_begun.items()],
            ledger=report.ledger.number,
        ),
        headers=VARY,
    )


async def run(door: Door, request: Request) -> Answer:
    """One run, step by step."""
    found, number = await campaign_of(door, request), request.params["run"]
    for each in found.runs:
        if str(each.number) == number:
            listed = _listed(each)
            looked = RunLooked(
                name=found.campaign,
                run=listed.run,
                version=listed.version,
                state=listed.state,
                began=listed.began,
                ended=listed.ended,
                by=listed.by,
                steps={name: _step(step, request.key) for name, step in each.steps.items()},
            )
            return json_answer(looked, headers=VARY)
    raise Problem(404, "unknown", "the campaign has no such run, or nothing is kept of it any more")


async def campaign_of(door: Door, request: Request) -> CampaignState:
    """The campaign that the path names. Raises Problem where there is none."""
    try:
        return await answered(door.service.campaign(request.params["name"]))
    except CallerError as error:
        raise Problem(404, "unknown", str(error)) from None


def _shown(found: CampaignState, count: CampaignCount) -> CampaignShown:
    return CampaignShown(
        name=found.campaign,
        state=found.state,
        version=found.version,
        runs=count.runs,
        under_way=[each.number for each in found.runs if each.state == "under_way"],
        goal=count.goal,
    )


def _listed(found: RunOfCampaign) -> RunListed:
    return RunListed(
        run=found.number,
        version=found.version,
        state=found.state,
        began=time_text(found.began),
        ended=None if found.ended is None else time_text(found.ended),
        by=found.by,
    )


def _step(step: StepOfRun, key: Key | None) -> StepLooked:
    return StepLooked(
        at=time_text(step.at),
        begins=None if step.begins is None else time_text(step.begins),
        inflow=step.inflow,
        outputs=step.outputs,
        dropped=step.dropped,
        why=shown_reason(step.why, key) if step.why else "",
    )


async def begin(door: Door, request: Request) -> Answer:
    """Let a run begin now."""
    body_alone(request, RunAsked, optional=True)
    found = await campaign_of(door, request)
    try:
        number = await answered(door.service.run_campaign(found.campaign, by=by_whom(request)))
    except CallerError as error:
        is_open = (await campaign_of(door, request)).state == "open"
        raise Problem(409, "running" if is_open else "refused", str(error)) from None
    return json_answer(RunBegun(name=found.campaign, run=number), status=202)


def changing(verb: Verb) -> Handler:
    """The handler that does this to a campaign, or says what it would do."""

    async def change(door: Door, request: Request) -> Answer:
        asked = body_alone(request, ChangeAsked, optional=True)
        name, by = (await campaign_of(door, request)).campaign, by_whom(request)
        call = {
            "pause": door.service.pause_campaign,
            "resume": door.service.resume_campaign,
            "close": door.service.close_campaign,
            "stop": door.service.stop_campaign,
        }[verb]
        return await outcome_of(lambda dry: call(name, dry=dry, ledger=asked.ledger, by=by), dry=bool(asked.dry))

    return change


CHANGES: Final[Mapping[Verb, str]] = {
    "pause": "No run and no step begins, and nobody moves.",
    "resume": "Go on, and make up for what was missed.",
    "close": "No run begins any more.",
    "stop": "End all runs where they are.",
}

ROUTES: Final[tuple[Route, ...]] = (
    looking("/campaigns", campaigns, Campaigns, "How campaigns stand."),
    looking("/campaigns/{name}", campaign, CampaignLooked, "How a campaign stands, with its runs."),
    looking("/campaigns/{name}/runs/{run}", run, RunLooked, "How a run of a campaign stands, step by step."),
    Route(
        method="POST",
        path="/campaigns/{name}/run",
        handler=begin,
        takes=RunAsked,
        gives=RunBegun,
        status=202,
        scope="operate",
        summary="Let a run begin now.",
    ),
    *change_routes("/campaigns/{name}", changing, CHANGES),
)
