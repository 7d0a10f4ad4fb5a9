"""What would a campaign do now, and who is in an audience? Nothing happens to anybody, but that a proof is sent.

Whoever may not see people is told sizes alone.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Final, TypeVar

from parcours.core.time_text import time_text
from parcours.dispatch.proofs import ProofUnsent
from parcours.errors import AuthorError, CallerError, EngineClosed
from parcours.ingress.campaign_figures import campaign_of
from parcours.ingress.changes import answered, body_alone, by_whom, looking
from parcours.ingress.door import Door
from parcours.ingress.exchange import VARY, Answer, Problem, Request, Route, json_answer
from parcours.ingress.hidden_names import shown_reason
from parcours.ingress.keys import SEES_PEOPLE, sees_people
from parcours.ingress.look_bodies import (
    AudienceLooked,
    AudienceNamed,
    Audiences,
    CampaignPreviewed,
    MemberShown,
    OffersPreviewAsked,
    OffersPreviewed,
    PreviewAsked,
    ProofAsked,
    ProofSent,
)
from parcours.insight.offers_foreseen import known_decision
from parcours.service.campaign_preview import SAMPLE_MAX
from parcours.shard.messages import Look
from parcours.wording import nearest

T = TypeVar("T")

SAMPLE: Final = 5


async def preview(door: Door, request: Request) -> Answer:
    """All sets of a campaign as of now."""
    asked = body_alone(request, PreviewAsked, optional=True)
    name = (await campaign_of(door, request)).campaign
    sample = asked.sample if sees_people(request.key) else 0
    look = _look(request, "/campaigns/{name}/preview") if sample else None
    previewed = await _unless_refused(request, door.service.preview_campaign(name, sample, look=look))
    foreseen = previewed.foreseen
    return json_answer(
        CampaignPreviewed(
            name=previewed.campaign,
            at=time_text(previewed.at),
            version=foreseen.version,
            runs=foreseen.runs,
            goal=foreseen.goal,
            steps=foreseen.steps,
            sample=foreseen.sample if sees_people(request.key) else {},
        )
    )


async def proof(door: Door, request: Request) -> Answer:
    """Send a message of a campaign to one of the addresses that are for that."""
    asked = body_alone(request, ProofAsked, optional=False)
    _check_shown_people(request)
    name = (await campaign_of(door, request)).campaign
    if asked.to not in door.settings.test_addresses:
        raise Problem(409, "refused", "a proof goes to one of the addresses of `test_addresses` in serve.yaml alone")
    look = _look(request, "/campaigns/{name}/proof")
    proving = door.service.prove_campaign(name, asked.step, asked.person, asked.to, asked.channel, look=look)
    sent = await _unless_refused(request, proving)
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
        await _check_audience(door, asked.audience)
    sample = asked.sample if sees_people(request.key) else 0
    look = _look(request, "/decisions/{name}/preview") if sample or asked.person is not None else None
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
    foreseen = await _unless_refused(request, previewing)
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
    listed = await answered(door.service.audiences())
    return json_answer(Audiences([AudienceNamed(each.audience, each.condition) for each in listed]), headers=VARY)


async def audience(door: Door, request: Request) -> Answer:
    """How many are in one of them now, and the first of them."""
    name = request.params["name"]
    await _check_audience(door, name)
    sample = _sample(request) if sees_people(request.key) else 0
    look = _look(request, "/audiences/{name}") if sample else None
    shown = await _unless_refused(request, door.service.audience(name, sample, look=look))
    looked = AudienceLooked(
        name=shown.audience,
        at=time_text(shown.at),
        condition=shown.condition,
        size=shown.size,
        sample=[MemberShown(each.person, [*each.because]) for each in shown.sample],
    )
    return json_answer(looked, headers=VARY)


async def _check_audience(door: Door, name: str) -> None:
    """Raises Problem where there is none of this name."""
    known = {each.audience for each in await answered(door.service.audiences())}
    if name not in known:
        raise Problem(404, "unknown", f"there is no such audience{nearest(name, known)}")


async def _unless_refused(request: Request, call: Awaitable[T]) -> T:
    """What the engine answers. Raises Problem where what is asked for cannot be done."""
    try:
        return await answered(call)
    except EngineClosed:
        raise
    except (AuthorError, CallerError, ProofUnsent) as error:
        raise Problem(409, "refused", shown_reason(str(error), request.key)) from None


def _sample(request: Request) -> int:
    asked = request.query.get("sample", str(SAMPLE))
    if not (asked.isascii() and asked.isdigit() and len(asked) <= len(str(SAMPLE_MAX)) and int(asked) <= SAMPLE_MAX):
        raise Problem(400, "invalid", f"?sample= is a whole number from 0 to {SAMPLE_MAX}")
    return int(asked)


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


def _look(request: Request, route: str) -> Look:
    return Look(by_whom(request), f"{request.method} {route}")


ROUTES: Final[tuple[Route, ...]] = (
    Route(
        method="POST",
        path="/campaigns/{name}/preview",
        handler=preview,
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
    looking("/audiences", audiences, Audiences, "The audiences that there are."),
    looking("/audiences/{name}", audience, AudienceLooked, "How many are in an audience now, and the first of them."),
)
