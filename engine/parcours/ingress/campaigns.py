"""How do campaigns and their runs stand? And their controls: a run by hand, pause, resume, close, stop."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Final

from parcours.errors import CallerError
from parcours.ingress.campaign_bodies import CampaignLooked, Campaigns, RunAsked, RunBegun, RunLooked
from parcours.ingress.campaign_figures import (
    campaign_change,
    campaign_looked,
    campaign_of,
    campaign_shown,
    count_of,
    run_looked,
    run_of,
)
from parcours.ingress.changes import answered, body_alone, by_whom, change_routes, looking, outcome_of
from parcours.ingress.door import Door
from parcours.ingress.exchange import VARY, Answer, Handler, Problem, Request, Route, json_answer
from parcours.ingress.operate_bodies import ChangeAsked
from parcours.ingress.page.campaign import campaign_screen
from parcours.ingress.page.campaign_changes import changeable_campaign
from parcours.ingress.page.campaign_run import begin_screen, begun_screen
from parcours.ingress.page.campaigns import campaigns_screen
from parcours.ingress.page.changing import change_screen, changed_screen
from parcours.ingress.page.forms import page_alone
from parcours.journey.publish.ledger import Verb


async def campaigns(door: Door, _request: Request) -> Answer:
    """All campaigns, by name."""
    report = await answered(door.service.report())
    every = await answered(door.service.campaigns())
    shown = [campaign_shown(each, count_of(report, each.campaign)) for each in every]
    return json_answer(Campaigns(report.ledger.number, shown), headers=VARY)


async def campaign(door: Door, request: Request) -> Answer:
    """One of them, step by step, with its runs."""
    found = await campaign_of(door, request)
    return json_answer(campaign_looked(found, await answered(door.service.report())), headers=VARY)


async def run(door: Door, request: Request) -> Answer:
    """One run, step by step."""
    found = await campaign_of(door, request)
    return json_answer(run_looked(found, run_of(found, request.params["run"]), request.key), headers=VARY)


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
        name = (await campaign_of(door, request)).campaign
        change = campaign_change(door, verb, name, asked.ledger, by_whom(request))
        return await outcome_of(change, dry=bool(asked.dry))

    return change


def foreseeing(verb: Verb) -> Handler:
    """The handler that says what this would do to a campaign."""

    async def foresee(door: Door, request: Request) -> Answer:
        name = (await campaign_of(door, request)).campaign
        return await outcome_of(campaign_change(door, verb, name, None, by_whom(request)), dry=True)

    return foresee


CHANGES: Final[Mapping[Verb, str]] = {
    "pause": "No run and no step begins, and nobody moves.",
    "resume": "Go on, and make up for what was missed.",
    "close": "No run begins any more.",
    "stop": "End all runs where they are.",
}

ROUTES: Final[tuple[Route, ...]] = (
    looking("/campaigns", campaigns, Campaigns, "How campaigns stand.", page=campaigns_screen),
    looking(
        "/campaigns/{name}",
        campaign,
        CampaignLooked,
        "How a campaign stands, with its runs.",
        page=campaign_screen,
    ),
    looking(
        "/campaigns/{name}/runs/{run}",
        run,
        RunLooked,
        "How a run of a campaign stands, step by step.",
        page=campaign_screen,
    ),
    Route(
        method="POST",
        path="/campaigns/{name}/run",
        handler=begin,
        page=begun_screen,
        takes=RunAsked,
        gives=RunBegun,
        status=202,
        scope="operate",
        summary="Let a run begin now.",
    ),
    Route(
        method="GET",
        path="/campaigns/{name}/run",
        handler=page_alone,
        page=begin_screen,
        scope="operate",
        summary="What a run would do, as a page with the button that lets it begin.",
    ),
    *change_routes(
        "/campaigns/{name}",
        changing,
        foreseeing,
        CHANGES,
        page=partial(change_screen, changeable_campaign),
        form=partial(changed_screen, changeable_campaign),
    ),
)
