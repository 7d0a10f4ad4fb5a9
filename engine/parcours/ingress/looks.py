"""What would a campaign do now, and who is in an audience? Nothing happens to anybody, but that a proof is sent.

Whoever may not see people is told sizes alone.
"""

from __future__ import annotations

from typing import Final

from parcours.core.time_text import time_text
from parcours.errors import CallerError
from parcours.ingress.campaign_figures import campaign_of
from parcours.ingress.changes import body_alone, by_whom, looking
from parcours.ingress.door import Door
from parcours.ingress.exchange import VARY, Answer, Problem, Request, Route, json_answer
from parcours.ingress.keys import SEES_PEOPLE, sees_people
from parcours.ingress.look_bodies import (
    AudienceLooked,
    Audiences,
    CampaignPreviewed,
    OffersPreviewAsked,
    OffersPreviewed,
    PreviewAsked,
    ProofAsked,
    ProofSent,
)
from parcours.ingress.looked_sets import (
    audience_looked,
    audiences_named,
    check_audience,
    look_of,
    previewed,
    unless_refused,
)
from parcours.ingress.page.audience import audience_screen
from parcours.ingress.page.audiences import audiences_screen
from parcours.ingress.page.forms import page_alone
from parcours.ingress.page.preview import preview_screen, previewed_screen
from parcours.insight.audience_shown import audience_names
from parcours.insight.offers_foreseen import known_decision


async def preview(door: Door, request: Request) -> Answer:
    """All sets of a campaign as of now."""
    asked = body_alone(request, PreviewAsked, optional=True)
    return json_answer(await previewed(door, request, asked.sample))


async def proof(door: Door, request: Request) -> Answer:
    """Send a message of a campaign to one of the addresses that are for that."""
    asked = body_alone(request, ProofAsked, optional=False)
    _check_shown_people(request)
    name = (await campaign_of(door, request)).campaign
    if asked.to not in door.settings.test_addresses:
        raise Problem(409, "refused", "a proof goes to one of the addresses of `test_addresses` in serve.yaml alone")
    look = look_of(request, "/campaigns/{name}/proof")
    proving = door.service.prove_campaign(name, asked.step, asked.person, asked.to, asked.channel, look=look)
    sent = await unless_refused(request, proving)
    return json_answer(
        ProofSent(
            name=name,
            step=asked.step,
            person=sent.person,
            to=asked.to,
            channel=sent.channel,
            provider_id=sent.provider_id,
        )
    )


async def offers_preview(door: Door, request: Request) -> Answer:
    """Who would get which offer by a decision now. Of one person only somebody who may see people is told."""
    asked = body_alone(request, OffersPreviewAsked, optional=True)
    if asked.person is not None or asked.where is not None:
        _check_shown_people(request)
    name = _decision(door, request)
    if asked.audience is not None:
        check_audience(asked.audience, audience_names(door.service.program))
    sample = asked.sample if sees_people(request.key) else 0
    look = look_of(request, "/decisions/{name}/preview") if sample or asked.person is not None else None
    previewing = door.service.preview_offers(
        name,
        placements=asked.placements,
        person=asked.person,
        audience=asked.audience,
        where=asked.where,
        context=asked.context,
        sample=sample,
        look=look,
    )
    foreseen = await unless_refused(request, previewing)
    return json_answer(
        OffersPreviewed(
            decision=foreseen.decision,
            at=time_text(foreseen.at),
            people=foreseen.people,
            placements=foreseen.placements,
            sample=foreseen.sample,
        )
    )


async def audiences(door: Door, _request: Request) -> Answer:
    """All audiences, by name."""
    return json_answer(Audiences(await audiences_named(door)), headers=VARY)


async def audience(door: Door, request: Request) -> Answer:
    """How many are in one of them now, and the first of them."""
    return json_answer(await audience_looked(door, request), headers=VARY)


def _check_shown_people(request: Request) -> None:
    """Raises Problem for whoever may not see people."""
    if not sees_people(request.key):
        raise Problem(403, "scope", f"the key {by_whom(request)!r} does not open {SEES_PEOPLE!r}")


def _decision(door: Door, request: Request) -> str:
    """The decision that the path names. Raises Problem where there is none."""
    try:
        return known_decision(door.service.program, request.params["name"]).name
    except CallerError as error:
        raise Problem(404, "unknown", str(error)) from None


ROUTES: Final[tuple[Route, ...]] = (
    Route(
        method="GET",
        path="/campaigns/{name}/preview",
        handler=page_alone,
        page=preview_screen,
        scope="operate:read",
        summary="The page with the button that makes a preview.",
    ),
    Route(
        method="POST",
        path="/campaigns/{name}/preview",
        handler=preview,
        page=previewed_screen,
        takes=PreviewAsked,
        gives=CampaignPreviewed,
        scope="operate:read",
        summary="What a campaign would do now.",
    ),
    Route(
        method="POST",
        path="/campaigns/{name}/proof",
        handler=proof,
        takes=ProofAsked,
        gives=ProofSent,
        scope="operate",
        summary="Send a message of a campaign to an address of one's own.",
    ),
    Route(
        method="POST",
        path="/decisions/{name}/preview",
        handler=offers_preview,
        takes=OffersPreviewAsked,
        gives=OffersPreviewed,
        scope="operate:read",
        summary="Who would get which offer by a decision now.",
    ),
    looking("/audiences", audiences, Audiences, "The audiences that there are.", page=audiences_screen),
    looking(
        "/audiences/{name}",
        audience,
        AudienceLooked,
        "How many are in an audience now, and the first of them.",
        page=audience_screen,
    ),
)
