"""What is told of sets of people as of now, and to whom? The same for its JSON and for its screens."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TypeVar

from parcours.core.time_text import time_text
from parcours.dispatch.proofs import ProofUnsent
from parcours.errors import AuthorError, CallerError, EngineClosed
from parcours.ingress.campaign_figures import campaign_of
from parcours.ingress.changes import answered, by_whom
from parcours.ingress.door import Door
from parcours.ingress.exchange import Problem, Request
from parcours.ingress.hidden_names import shown_reason
from parcours.ingress.keys import sees_people
from parcours.ingress.look_bodies import AudienceLooked, CampaignPreviewed, MemberShown
from parcours.shard.messages import Look
from parcours.wording import nearest

T = TypeVar("T")


async def previewed(door: Door, request: Request, sample: int) -> CampaignPreviewed:
    """All sets of the campaign that the path names, with so many rows of each for whoever may see people."""
    name = (await campaign_of(door, request)).campaign
    shown = sample if sees_people(request.key) else 0
    look = look_of(request, "/campaigns/{name}/preview") if shown else None
    preview = await unless_refused(request, door.service.preview_campaign(name, shown, look=look))
    foreseen = preview.foreseen
    return CampaignPreviewed(
        name=preview.campaign,
        at=time_text(preview.at),
        version=foreseen.version,
        runs=foreseen.runs,
        goal=foreseen.goal,
        steps=foreseen.steps,
        sample=foreseen.sample if sees_people(request.key) else {},
    )


async def audience_looked(door: Door, request: Request, sample: int) -> AudienceLooked:
    """How many are in the audience that the path names, and so many of them; none for whoever may not see people."""
    name = request.params["name"]
    await check_audience(door, name)
    look = look_of(request, "/audiences/{name}") if sample else None
    shown = await unless_refused(request, door.service.audience(name, sample, look=look))
    return AudienceLooked(
        name=shown.audience,
        at=time_text(shown.at),
        condition=shown.condition,
        size=shown.size,
        sample=[MemberShown(each.person, [*each.because]) for each in shown.sample],
    )


async def check_audience(door: Door, name: str) -> None:
    """Raises Problem where there is none of this name."""
    known = {each.audience for each in await answered(door.service.audiences())}
    if name not in known:
        raise Problem(404, "unknown", f"there is no such audience{nearest(name, known)}")


async def unless_refused(request: Request, call: Awaitable[T]) -> T:
    """What the engine answers. Raises Problem where what is asked for cannot be done."""
    try:
        return await answered(call)
    except EngineClosed:
        raise
    except (AuthorError, CallerError, ProofUnsent) as error:
        raise Problem(409, "refused", shown_reason(str(error), request.key)) from None


def look_of(request: Request, route: str) -> Look:
    """That somebody looks, and at what, to be recorded."""
    return Look(by_whom(request), f"{request.method} {route}")
