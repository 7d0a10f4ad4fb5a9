"""What do providers say? Their webhooks: of what became of deliveries, of what people answer, of mails that came back.

Who is meant is found by the channel, from the request, or by the door, from an address that it has sealed itself: the
delivery's own address, or the return path of a mail. A provider hears 200 once what it said is on disk; if it is not
genuine 403, and whatever else goes wrong makes it come again.
"""

from __future__ import annotations

from typing import Final

import msgspec

from parcours.channel import WebhookRequest
from parcours.config import MIB
from parcours.errors import CallerError, ChannelUnknown
from parcours.ingress.bounces import MAIL_BYTES_MAX
from parcours.ingress.door import Door
from parcours.ingress.exchange import Answer, Problem, Request, Route, json_answer
from parcours.ingress.tokens import ReportToken, TokenRefused

SCOPE: Final = "feedback"

MAIL: Final = "message/rfc822"

BODY_BYTES_MAX: Final = 8 * MIB
"""A mail is taken, and dropped, that is longer than any report: a bounce is never bounced."""

NO_ANSWER: Final = b'<?xml version="1.0" encoding="UTF-8"?><Response/>'
"""TwiML by which nothing is sent back."""


class Reported(msgspec.Struct, frozen=True):
    """What became of the reports in a request. It may have had none."""

    accepted: int = 0
    duplicate: int = 0
    rejected: int = 0


async def report(door: Door, request: Request) -> Answer:
    """A provider's report to the address of its channel."""
    channel = request.params["channel"]
    if _needs_key(door, channel):
        door.admit(request, SCOPE)
    if _is_mail(door, request):
        return json_answer(await take_mail(door, channel, request.body, url=_url(door, request)))
    return json_answer(await _take(door, channel, _told(door, request)))


async def report_on_delivery(door: Door, request: Request) -> Answer:
    """A provider's report to a delivery's own address, which nobody else can make; it is about that one alone."""
    key = _key_in(door, request.params["token"])
    return json_answer(await _take(door, request.params["channel"], _told(door, request, key)))


async def text(door: Door, request: Request) -> Answer:
    """What somebody has sent to a number of ours."""
    if _needs_key(door, request.params["channel"]):
        raise _nothing_here()
    await _take(door, request.params["channel"], _told(door, request))
    return Answer(body=NO_ANSWER, media_type="text/xml")


async def take_mail(door: Door, channel: str, mail: bytes, recipients: tuple[str, ...] = (), url: str = "") -> Reported:
    """Take a mail that came back. One that is about none of our deliveries, or far too long, is dropped and counted.

    recipients  to whom it was handed in, where that is known
    """
    paths = door.return_paths
    if len(mail) > MAIL_BYTES_MAX:
        return _dropped(door, channel, "too_large")
    key = None if paths is None else paths.key_in(mail, recipients)
    if key is None:
        return _dropped(door, channel, "no_token")
    request = WebhookRequest(method="POST", url=url, headers={"content-type": MAIL}, body=mail, key=key)
    return await _take(door, channel, request)


async def _take(door: Door, channel: str, told: WebhookRequest) -> Reported:
    """Hand a request to its channel, and what that reads in it to the engine."""
    try:
        taking = door.service.feedback(channel, told)
    except (ChannelUnknown, CallerError):
        raise _nothing_here() from None
    except ValueError as error:
        door.figures.unheard[channel, "refused"] += 1
        raise Problem(403, "forged", f"the report is not genuine: {error}") from None
    done = await taking
    if not (done.accepted or done.duplicate or done.rejected):
        door.figures.unheard[channel, "nothing"] += 1
    return Reported(done.accepted, done.duplicate, len(done.rejected))


def _dropped(door: Door, channel: str, why: str) -> Reported:
    door.figures.unheard[channel, why] += 1
    return Reported()


def _needs_key(door: Door, channel: str) -> bool:
    try:
        return door.service.report_needs_key(channel)
    except (ChannelUnknown, CallerError):
        raise _nothing_here() from None


def _is_mail(door: Door, request: Request) -> bool:
    bounces = door.settings.bounces
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return kind == MAIL or (bounces is not None and request.params["channel"] == bounces.channel)


def _key_in(door: Door, token: str) -> str:
    """The key of the delivery whose own address was called. Raises Problem for what is no such address."""
    if door.seals is not None:
        try:
            return door.seals.unseal(ReportToken, token).delivery
        except TokenRefused:
            pass
    raise _nothing_here()


def _told(door: Door, request: Request, key: str | None = None) -> WebhookRequest:
    return WebhookRequest(
        method=request.method, url=_url(door, request), headers=request.headers, body=request.body, key=key
    )


def _url(door: Door, request: Request) -> str:
    """The address that the provider called and may have signed. It goes by settings, and never by the Host it names."""
    return request.url if door.settings.public_url is not None else request.path


def _nothing_here() -> Problem:
    """As for an address that there is not: whoever tries channels and tokens learns nothing."""
    return Problem(404, "unknown", "there is nothing at this address")


ROUTES: Final = (
    Route(
        method="POST",
        path="/webhooks/{channel}",
        handler=report,
        summary="What a provider reports; a mail that came back needs a key with the scope `feedback`.",
        gives=Reported,
        body_bytes_max=BODY_BYTES_MAX,
    ),
    Route(
        method="POST",
        path="/webhooks/{channel}/inbound",
        handler=text,
        summary="A text that somebody has sent to a number of ours. Answered with empty TwiML.",
    ),
    Route(
        method="POST",
        path="/webhooks/{channel}/{token}",
        handler=report_on_delivery,
        summary="What a provider reports on the delivery whose own address this is.",
        gives=Reported,
    ),
)
