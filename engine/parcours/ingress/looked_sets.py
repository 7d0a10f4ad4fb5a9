"""What is told of sets of people as of now, and to whom? The same for its JSON and for its screens."""

from __future__ import annotations

from collections.abc import Awaitable, Collection
from typing import Final, TypeVar

from parcours.core.time_text import time_text
from parcours.dispatch.proofs import ProofUnsent
from parcours.errors import AuthorError, CallerError, EngineClosed
from parcours.ingress.campaign_figures import campaign_of
from parcours.ingress.changes import answered, by_whom
from parcours.ingress.door import Door
from parcours.ingress.exchange import Problem, Request
from parcours.ingress.hidden_names import shown_reason
from parcours.ingress.keys import sees_people
from parcours.ingress.look_bodies import AudienceLooked, AudienceNamed, CampaignPreviewed, MemberShown, SaveShown
from parcours.service.audience_saves import LastSave
from parcours.service.campaign_preview import SAMPLE_MAX
from parcours.shard.messages import Look
from parcours.wording import nearest

T = TypeVar("T")

SAMPLE: Final = 5
"""People of an audience who are shown where nothing else is said."""


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


async def audience_looked(door: Door, request: Request) -> AudienceLooked:
    """How many are in the audience that the path names, and `?sample=` of them, for whoever may see people."""
    sample = _sample(request) if sees_people(request.key) else 0
    listed = await audience_named(door, request.params["name"])
    look = look_of(request, "/audiences/{name}") if sample else None
    shown = await unless_refused(request, door.service.audience(listed.name, sample, look=look))
    return AudienceLooked(
        name=shown.audience,
        at=time_text(shown.at),
        condition=shown.condition,
        label=listed.label,
        used_by=listed.used_by,
        last_save=listed.last_save,
        size=shown.size,
        sample=[MemberShown(each.person, [*each.because]) for each in shown.sample],
    )


async def audiences_named(door: Door) -> list[AudienceNamed]:
    """All audiences, by name. Nobody is looked at."""
    return [
        AudienceNamed(
            name=each.audience,
            condition=each.condition,
            label=each.label,
            used_by=[*each.uses],
            last_save=_save(each.last_save),
        )
        for each in await answered(door.service.audiences())
    ]


async def audience_named(door: Door, name: str) -> AudienceNamed:
    """The audience of this name. Raises Problem where there is none."""
    known = {each.name: each for each in await audiences_named(door)}
    check_audience(name, known)
    return known[name]


def check_audience(name: str, known: Collection[str]) -> None:
    """Raises Problem where no audience of those that are known has this name."""
    if name not in known:
        raise Problem(404, "unknown", f"there is no such audience{nearest(name, known)}")


def _save(of: LastSave | None) -> SaveShown | None:
    if of is None:
        return None
    return SaveShown(campaign=of.campaign, run=of.run, at=time_text(of.at), people=of.people)


def _sample(request: Request) -> int:
    asked = request.query.get("sample", str(SAMPLE))
    if not (asked.isascii() and asked.isdigit() and len(asked) <= len(str(SAMPLE_MAX)) and int(asked) <= SAMPLE_MAX):
        raise Problem(400, "invalid", f"?sample= is a whole number from 0 to {SAMPLE_MAX}")
    return int(asked)


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
