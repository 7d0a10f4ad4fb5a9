"""/campaigns/{name}/run: what a run would do that begins now, as a page of its own, and the button for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from parcours.errors import CallerError
from parcours.ingress.campaign_figures import campaign_of
from parcours.ingress.changes import answered, by_whom
from parcours.ingress.door import Door
from parcours.ingress.exchange import Answer, Request
from parcours.ingress.page.forms import alert, confirming, number_known
from parcours.ingress.page.frame import TEXT_MAX, address, name, screen, seen, sent_to
from parcours.ingress.page.run_parts import compiled, run_address
from parcours.ingress.page.session import check_form, form_of
from parcours.insight.page.markup import Child, Markup, element, together
from parcours.journey import campaign_steps as steps
from parcours.journey.campaign_program import CampaignProgram
from parcours.journey.picture.set_words import set_step_words
from parcours.journey.picture.svg_text import cut
from parcours.journey.picture.words import WHOLE
from parcours.service.campaign_state import CampaignState

RUN_FIELD: Final = "run"
"""The number of the run that is to begin: whoever sends a form twice begins one."""

READS: Final = steps.ReadAudience | steps.ReadPeople | steps.ReadTable | steps.ReadFound

ACTS: Final = steps.SendToSet | steps.UpdatePeople | steps.Save | steps.Export


async def _show(door: Door, request: Request) -> Answer:
    return _page(door, request, await campaign_of(door, request))


begin_screen = seen(_show)


async def _begin(door: Door, request: Request) -> Answer:
    """Let a run begin, for a form of that page, and lead to it."""
    fields = form_of(request)
    check_form(door, request, fields)
    state = await campaign_of(door, request)
    if number_known(fields, RUN_FIELD) != _next(state):
        told = f"Nothing was done: run {_next(state) - 1} has begun meanwhile."
        return _page(door, request, state, told=told, status=409)
    try:
        number = await answered(door.service.run_campaign(state.campaign, by=by_whom(request)))
    except CallerError as error:
        return _page(door, request, state, told=str(error), status=409)
    return sent_to(run_address(request, state.campaign, number))


begun_screen = seen(_begin)


def _next(state: CampaignState) -> int:
    return state.runs[-1].number + 1 if state.runs else 1


def _page(door: Door, request: Request, state: CampaignState, *, told: str | None = None, status: int = 200) -> Answer:
    campaign = state.campaign
    back, preview = address(request, "campaigns", campaign), address(request, "campaigns", campaign, "preview")
    why = _hindrance(door, state)
    sentences = [why] if why else [*_sentences(compiled(door, campaign, state.version), state)]
    look = element("p", "Who would be in its sets, and what gates would say: ", element("a", "Preview", href=preview))
    return screen(
        door,
        request,
        f"Run {campaign}",
        element("p", element("a", name(campaign), href=back), class_="up"),
        element("h1", "Run ", name(campaign)),
        alert(None if told is None else element("bdi", cut(told, TEXT_MAX))),
        element("ul", [element("li", each) for each in sentences], class_="foreseen"),
        look,
        element("p", element("a", "Back", href=back)) if why else _form(door, request, state, back),
        status=status,
        reloads=False,
    )


def _form(door: Door, request: Request, state: CampaignState, back: str) -> Markup:
    action = address(request, "campaigns", state.campaign, "run")
    number = f"{_next(state)}"
    return confirming(door, request, action, f"Let run {number} begin", back, run=number)


def _hindrance(door: Door, state: CampaignState) -> str | None:
    """Why no run may begin."""
    program = compiled(door, state.campaign, state.version)
    under_way = [each.number for each in state.runs if each.state == "under_way"]
    if state.state != "open":
        return f"It is {state.state}: no run of it begins."
    if program is None:
        return "It is not offered any more: no run of it begins."
    if under_way and not program.overlapping:
        return f"Run {under_way[0]} is under way, and no other one begins before it is over."
    return None


def _sentences(program: CampaignProgram | None, state: CampaignState) -> Iterator[Child]:
    yield f"Run {_next(state)} begins now, by version {state.version}, whatever its schedule says."
    for step in () if program is None else program.steps.values():
        if isinstance(step, READS | ACTS):
            yield together(name(step.id), ": ", element("bdi", cut(set_step_words(step, WHOLE), TEXT_MAX)), ".")
    yield "It can be paused, and stopped; what has been sent cannot be taken back."
