"""Which offers does somebody get? Asked by whoever shows them, who also tells what became of them.

A page's key names its user by an id and the proof of it, for what an offer says may be personal.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, TypeAlias

import msgspec

from parcours.core.input import AskedAt
from parcours.errors import RequestChanged, RequestForgotten
from parcours.ingress.bodies import decoded
from parcours.ingress.door import Door
from parcours.ingress.exchange import Answer, Problem, Request, Route, json_answer
from parcours.ingress.keys import Key, proves
from parcours.segment.inputs import DECISIONS_MAX
from parcours.service.decided import Asking, Decided

SCOPE: Final = "decide"


Id: TypeAlias = Annotated[str, msgspec.Meta(min_length=1)] | int
"""An id as a client may give it: a whole number stands for its digits."""


class WhoseOffers(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """
    userHash  the HMAC-SHA256 of the user's id by `identity_secret`, in hex, which a page's key needs for a userId
    """

    user_id: Id | None = None
    anonymous_id: Id | None = None
    user_hash: str | None = None


class DecisionsAsked(WhoseOffers, frozen=True, rename="camel", kw_only=True, forbid_unknown_fields=True):
    """
    context  the values that the decisions declare
    event    a track call of the person's, which is applied first
    dry      nothing is changed, and `why` says what spoke for and against each offer
    """

    decisions: Annotated[list[AskedAt], msgspec.Meta(min_length=1, max_length=DECISIONS_MAX)]
    request_id: Id | None = None
    context: dict[str, Any] = {}
    event: dict[str, Any] | None = None
    dry: bool = False


class OfferShown(msgspec.Struct, frozen=True):
    """
    proposition  by which its marks are told; null where nothing is remembered of it: of a fallback where nobody has
                 answered in time, of a stranger who is forgotten, and where it is only tried
    pixel        a picture that marks it as shown once it is loaded; null where the proposition is
    """

    name: str
    content: dict[str, Any]
    attributes: dict[str, Any]
    score: float | None
    fallback: bool
    proposition: str | None
    pixel: str | None


class DecisionShown(msgspec.Struct, frozen=True):
    """What a decision gives at a placement, the best first; `why` where it was only tried."""

    decision: str
    placement: str
    offers: list[OfferShown]
    why: str | None = None


class DecisionsShown(msgspec.Struct, frozen=True, rename="camel"):
    """
    timeout  the person's shard has not answered in time, and these are the fallbacks
    """

    request_id: str
    decisions: list[DecisionShown]
    timeout: bool = False


class MarkTold(WhoseOffers, frozen=True, rename="camel", kw_only=True, forbid_unknown_fields=True):
    """What became of an offer that the person got: shown, clicked, dismissed or converted."""

    proposition: str
    mark: str


class Marked(msgspec.Struct, frozen=True):
    """It is on disk."""

    success: bool = True


async def decisions(door: Door, request: Request) -> Answer:
    """The answer, which always comes in time. Raises Problem for an id that was asked otherwise, or is forgotten."""
    asked = decoded(request, DecisionsAsked)
    _check_user(door, request.key, asked)
    if asked.dry and request.key is not None and request.key.public:
        raise Problem(403, "dry", "a page's key is not told what spoke against offers")
    try:
        told = await door.service.decisions(
            asked.user_id,
            [Asking(each.decision, each.placement, each.count) for each in asked.decisions],
            context=asked.context,
            request_id=None if asked.request_id is None else str(asked.request_id),
            anonymous_id=asked.anonymous_id,
            before=[] if asked.event is None else [asked.event],
            dry=asked.dry,
        )
    except RequestChanged as error:
        raise Problem(409, "request", str(error)) from None
    except RequestForgotten as error:
        raise Problem(409, "forgotten", str(error)) from None
    return json_answer(DecisionsShown(told.request_id, [_shown(each) for each in told.decisions], told.is_late))


async def mark(door: Door, request: Request) -> Answer:
    """A mark of an offer. One that is none of the person's is counted as unmatched, and answered all the same."""
    told = decoded(request, MarkTold)
    _check_user(door, request.key, told)
    await door.service.mark_offer(told.user_id, told.proposition, told.mark, anonymous_id=told.anonymous_id)
    return json_answer(Marked())


def _check_user(door: Door, key: Key | None, who: WhoseOffers) -> None:
    """Raises Problem where nobody is named, and for a page that does not prove whom it names."""
    if who.user_id is None and who.anonymous_id is None:
        raise Problem(400, "invalid", "whose offers they are has to be said: userId or anonymousId is expected")
    if key is None or not key.public or who.user_id is None:
        return
    secret = door.settings.identity_secret
    if secret is None:
        raise Problem(403, "identity", "a page's key names a userId only where serve.yaml has an identity_secret")
    if not proves(who.user_hash or "", str(who.user_id), secret):
        raise Problem(403, "identity", "a page's key needs the userHash that proves the userId")


def _shown(decided: Decided) -> DecisionShown:
    offers = [
        OfferShown(
            each.name,
            dict(each.content),
            dict(each.attributes),
            each.score,
            each.fallback,
            each.proposition,
            each.pixel,
        )
        for each in decided.offers
    ]
    return DecisionShown(decided.decision, decided.placement, offers, decided.why or None)


ROUTES: Final = (
    Route(
        method="POST",
        path="/v1/decisions",
        handler=decisions,
        scope=SCOPE,
        takes=DecisionsAsked,
        gives=DecisionsShown,
        by_browsers=True,
        summary="Which offers a person gets, with what they say; fallbacks where nobody answers in time.",
    ),
    Route(
        method="POST",
        path="/v1/proposition",
        handler=mark,
        scope=SCOPE,
        takes=MarkTold,
        gives=Marked,
        by_browsers=True,
        summary="What became of an offer that a person got.",
    ),
)
