"""What Twilio reports of a message: the address that it is given for that, and its signed posts to it."""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlencode, urlsplit

from twilio.request_validator import RequestValidator

from parcours.channel import Feedback, WebhookRequest
from parcours_channels.twilio_codes import REACTIONS

if TYPE_CHECKING:
    from parcours_channels.sms import SmsSettings


def callback_url(settings: SmsSettings, report_url: str, key: str) -> str:
    """Where the reports of the delivery `key` go: the address, with the key and a proof that it came from here."""
    query = urlencode({"key": key, "proof": _proof(settings, key)})
    return f"{report_url}{'&' if urlsplit(report_url).query else '?'}{query}"


def read_report(settings: SmsSettings, request: WebhookRequest) -> list[Feedback]:
    """Translate a status callback. Raises ValueError if Twilio did not sign it or the key is not ours."""
    query = urlsplit(request.url).query
    form = dict(_pairs(request.body.decode()))
    signature = request.headers.get("x-twilio-signature", "")
    validator = RequestValidator(settings.token.get_secret_value())
    if not any(validator.validate(url, form, signature) for url in _signed_urls(settings, request.url, query)):
        raise ValueError("the request is not signed by Twilio with this account's token")
    parameters = dict(_pairs(query))
    key = parameters.get("key", "")
    if not hmac.compare_digest(parameters.get("proof", ""), _proof(settings, key)):
        raise ValueError(f"the key {key!r} is not one that this channel has sent")
    status = form.get("MessageStatus", "")
    reaction = REACTIONS.get(status)
    if reaction is None:
        return []
    code = form.get("ErrorCode") or (status if reaction in ("bounced", "failed") else None)
    return [Feedback(key=key, reaction=reaction, code=code)]  # without a code a bounce would be of a dead number


def _signed_urls(settings: SmsSettings, url: str, query: str) -> list[str]:
    """The address that Twilio may have signed: that of the settings, or the one that the delivery brought.

    Behind a proxy the request's own host need not be that of the settings.
    """
    return [url] if settings.public_url is None else [f"{settings.public_url}?{query}", url]


def _proof(settings: SmsSettings, key: str) -> str:
    """Shows that a key came from here; another program on the same account cannot make one up."""
    secret = settings.token.get_secret_value().encode()
    return hmac.new(secret, b"status callback of " + key.encode(), hashlib.sha256).hexdigest()[:32]


def _pairs(encoded: str) -> list[tuple[str, str]]:
    return [(name, values[0]) for name, values in parse_qs(encoded, keep_blank_values=True).items()]
