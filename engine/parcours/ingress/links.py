"""What happens when somebody follows an address that a message carries? It is opened, clicked, or withdrawn from.

The picture of an offer is one of them, wherever that is shown.

A token says whose message it is and for what it is good, and nothing else in the request counts. That a picture was
loaded or a link followed is told as far as there is room, and the picture and the way on come in any case. What a
person says of consent is on disk before the answer: with no room for it the client hears that, and comes again.
"""

from __future__ import annotations

import logging
from typing import Final, TypeVar
from urllib.parse import quote

import msgspec

from parcours.channel import Feedback, Reaction
from parcours.errors import CallerError, EngineClosed, NobodyYet
from parcours.ingress.bodies import decoded
from parcours.ingress.door import Door
from parcours.ingress.exchange import Answer, Problem, Request, Route, json_answer
from parcours.ingress.machines import is_machine
from parcours.ingress.preferences import (
    ONE_CLICK,
    Preference,
    Wish,
    form_of,
    names_any,
    page_of,
    preferences_of,
    wishes_of,
)
from parcours.ingress.sealed_links import is_web_page
from parcours.ingress.tokens import (
    ClickToken,
    OfferToken,
    OpenToken,
    ReactionToken,
    Token,
    TokenRefused,
    UnsubscribeToken,
)
from parcours.segment.reports import feedback_line
from parcours.wording import ForeignText

log = logging.getLogger("parcours.door")

T = TypeVar("T", bound=Token)

PIXEL: Final = (
    b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x01\x00\x00\x00\x00,"
    b"\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"
)
"""A transparent picture of one pixel, in 43 bytes."""

PICTURE: Final = Answer(body=PIXEL, media_type="image/gif")

REACTIONS: Final[dict[str, Reaction]] = {
    "delivered": "delivered",
    "opened": "opened",
    "seen": "opened",
    "clicked": "clicked",
    "dismissed": "dismissed",
}
"""What an app may tell, and which reaction it is."""

LINK_CHARACTERS_MAX: Final = 2_048

ANSWER_WAIT_S: Final = 8.0
"""How long a shard may take to answer: clients give up a request after ten seconds or more."""

HTML: Final = "text/html; charset=utf-8"

PAGE_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Robots-Tag": "noindex",
}

URL_SAFE: Final = "!#$%&'()*+,/:;=?@[]~"
"""What may stand in an address as it is; all else is percent-encoded, so that it is one line of ASCII."""


class ReactionTold(msgspec.Struct, frozen=True):
    """What the person did, by her app's word: delivered, opened (or seen), clicked, dismissed.

    link  which one was clicked
    """

    reaction: str
    link: str | None = None


class ReactionTaken(msgspec.Struct, frozen=True):
    """It is on disk."""

    success: bool = True


async def opened(door: Door, request: Request) -> Answer:
    """The picture of one pixel, whatever the token is; the message is opened if it is one."""
    try:
        token = _unsealed(door, OpenToken, request)
    except Problem:
        pass
    else:
        by_machine = door.settings.machine_opens == "ignore" and is_machine(request.method, request.headers)
        report = Feedback(key=token.delivery, reaction="opened", machine=by_machine, by_link=True)
        await _tell_if_room(door, feedback_line(report), "opened")
    return PICTURE


async def offer_shown(door: Door, request: Request) -> Answer:
    """The same picture, whatever the token is; the offer was shown if it is one, unless a machine asks for it."""
    try:
        token = _unsealed(door, OfferToken, request)
    except Problem:
        door.figures.unheard["", "unmatched"] += 1
        return PICTURE
    if door.settings.machine_opens == "count" or not is_machine(request.method, request.headers):
        told = {"type": "proposition", "person": token.person, "proposition": token.proposition, "mark": "shown"}
        await _tell_if_room(door, msgspec.json.encode(told), "shown")
    return PICTURE


async def clicked(door: Door, request: Request) -> Answer:
    """On to the address that is sealed inside, and nowhere else."""
    token = _unsealed(door, ClickToken, request)
    if not is_web_page(token.url):
        raise _nothing_here()
    report = Feedback(
        key=token.delivery,
        reaction="clicked",
        link=token.url,
        at_ms=request.received_ms,  # or a second click would be taken for the first one again
        machine=is_machine(request.method, request.headers),
        by_link=True,
    )
    await _tell_if_room(door, feedback_line(report), "clicked")
    return Answer(status=302, headers={"Location": quote(token.url, safe=URL_SAFE)}, media_type="text/plain")


async def preferences(door: Door, request: Request) -> Answer:
    """The page on which a person says what she wants to get. To look at it changes nothing."""
    token = _unsealed(door, UnsubscribeToken, request)
    page = page_of(await _boxes(door, token), token.channel, is_saved="saved" in request.query)
    return Answer(body=page, media_type=HTML, headers=PAGE_HEADERS)


async def set_preferences(door: Door, request: Request) -> Answer:
    """One click that withdraws (RFC 8058), or the page's form."""
    token = _unsealed(door, UnsubscribeToken, request)
    try:
        fields = form_of(request.body, request.headers.get("content-type", ""))
    except ValueError:
        raise Problem(400, "invalid", "the body is no form") from None
    if not fields:
        raise Problem(400, "invalid", "the form is empty")
    if ONE_CLICK in fields:
        await _say(door, token, [Wish(token.channel, None, granted=False)])
        return Answer(body=b"You get no more of this.\n", media_type="text/plain; charset=utf-8")
    boxes = await _boxes(door, token)
    await _say(door, token, wishes_of(fields, boxes))
    saved = "?saved" if names_any(fields, boxes) else ""
    return Answer(status=303, headers={"Location": f"{request.params['token']}{saved}"}, media_type="text/plain")


async def reacted(door: Door, request: Request) -> Answer:
    """What an app tells of a notification, or of an entry of the inbox."""
    token = _unsealed(door, ReactionToken, request)
    told = decoded(request, ReactionTold)
    reaction = REACTIONS.get(told.reaction)
    if reaction is None:
        raise Problem(400, "invalid", f"an app tells one of {', '.join(REACTIONS)}")
    if told.link is not None and len(told.link) > LINK_CHARACTERS_MAX:
        raise Problem(400, "invalid", f"the link has more than {LINK_CHARACTERS_MAX:,} characters")
    link = told.link if reaction == "clicked" else None
    at_ms = request.received_ms if link is not None else None
    await _take(door, [feedback_line(Feedback(key=token.delivery, reaction=reaction, link=link, at_ms=at_ms))])
    return json_answer(ReactionTaken())


def _unsealed(door: Door, kind: type[T], request: Request) -> T:
    """What the token in the path says. Raises Problem for every other text, as for an address that there is not."""
    if door.seals is not None:
        try:
            return door.seals.unseal(kind, request.params["token"])
        except TokenRefused:
            pass
    raise _nothing_here()


def _nothing_here() -> Problem:
    return Problem(404, "unknown", "there is nothing at this address")


async def _tell_if_room(door: Door, line: bytes, what: str) -> None:
    """Hand in that it was opened, clicked or shown, if there is room for that at once; else drop it, and count that."""
    wait_s = door.settings.room_wait_ms / 1_000
    try:
        if door.state in ("starting", "stopping"):
            raise EngineClosed
        taken = await door.service.take_lines([line], are_reports=True, room_wait_s=wait_s, answer_wait_s=wait_s)
        if taken.rejected:
            log.warning("a link's report is not taken: %s", ForeignText(taken.rejected[0][1]))
    except (NobodyYet, EngineClosed):
        door.figures.unheard["", f"{what}_dropped"] += 1


async def _boxes(door: Door, token: UnsubscribeToken) -> list[Preference]:
    person = await door.service.profile(token.person)
    return preferences_of(door.service.program, {} if person is None else person.consents, token.channel)


async def _say(door: Door, token: UnsubscribeToken, wishes: list[Wish]) -> None:
    """Hand in what the person says. Whatever becomes of the message, and of her, it holds from then on."""
    lines = []
    if any(wish.channel == token.channel and wish.purpose is None for wish in wishes):
        lines.append(feedback_line(Feedback(key=token.delivery, reaction="unsubscribed", by_link=True)))
    for wish in wishes:
        told: dict[str, object] = {"type": "consent", "person": token.person, "channel": wish.channel}
        purpose = {} if wish.purpose is None else {"purpose": wish.purpose}
        lines.append(msgspec.json.encode({**told, **purpose, "granted": wish.granted}))
    if lines:
        await _take(door, lines)


async def _take(door: Door, lines: list[bytes]) -> None:
    """Returns once all lines are on disk. Raises NobodyYet, and the client comes again."""
    taken = await door.service.take_lines(
        lines, are_reports=True, room_wait_s=door.settings.room_wait_ms / 1_000, answer_wait_s=ANSWER_WAIT_S
    )
    if taken.failure is not None:
        raise taken.failure
    if taken.rejected:
        raise CallerError(taken.rejected[0][1])


ROUTES: Final = (
    Route(
        method="GET",
        path="/o/{token}",
        handler=opened,
        always=True,
        in_any_case=PICTURE,  # a reader of mail shows a broken picture for anything else
        summary="The picture of one pixel that tells that a message was opened.",
    ),
    Route(
        method="GET",
        path="/p/{token}",
        handler=offer_shown,
        always=True,
        in_any_case=PICTURE,
        summary="The picture of one pixel that tells that an offer was shown.",
    ),
    Route(
        method="GET",
        path="/c/{token}",
        handler=clicked,
        status=302,
        always=True,
        summary="A link of a message: it tells of the click and leads on.",
    ),
    Route(
        method="GET",
        path="/u/{token}",
        handler=preferences,
        summary="The page on which a person says what she wants to get, as HTML.",
    ),
    Route(
        method="POST",
        path="/u/{token}",
        handler=set_preferences,
        other_statuses=(303,),
        summary="One click that withdraws consent to the channel (RFC 8058): 200. The page's form: 303.",
    ),
    Route(
        method="POST",
        path="/r/{token}",
        handler=reacted,
        takes=ReactionTold,
        gives=ReactionTaken,
        by_browsers=True,
        summary="What a person did with a notification or an entry of her inbox, by her app's word.",
    ),
)
