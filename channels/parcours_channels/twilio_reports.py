"""What Twilio reports: its signed posts of what became of a message, to the address given for that, and of texts."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

from twilio.request_validator import (
    HMAC_SHA1,
    HMAC_SHA256,
    SIGNATURE_SETTINGS_HEADER,
    RequestValidator,
    get_signature_algorithm,
)

from parcours.channel import Feedback, WebhookRequest
from parcours_channels.twilio_codes import REACTIONS
from parcours_channels.twilio_inbound import read_text

if TYPE_CHECKING:
    from parcours_channels.sms import SmsSettings

FIELDS_MAX: Final = 1_000
"""Many more fields than a callback has."""


def callback_url(settings: SmsSettings, report_url: str, key: str) -> str:
    """Where the reports of the delivery `key` go: the address, with the key and a proof that it came from here."""
    query = urlencode({"key": key, "proof": _proof(settings, key)})
    return f"{report_url}{'&' if urlsplit(report_url).query else '?'}{query}"


def read_report(settings: SmsSettings, request: WebhookRequest) -> list[Feedback]:
    """Translate a status callback, or a text that has come in.

    Raises ValueError if Twilio did not sign it or the key is not ours.
    """
    query = urlsplit(request.url).query
    form = _form(request.body)
    if not _is_signed(settings, request, query, form):
        raise ValueError("the request is not signed by Twilio with this account's token")
    if "MessageStatus" not in form:
        return read_text(_firsts(form), settings.stop_words, settings.start_words)
    return _read_status(request.key or _proven_key(settings, query), _firsts(form))


def _read_status(key: str, form: Mapping[str, str]) -> list[Feedback]:
    status = form["MessageStatus"]
    reaction = REACTIONS.get(status)
    if reaction is None:
        return []
    code = form.get("ErrorCode") or (status if reaction in ("bounced", "failed") else None)
    return [Feedback(key=key, reaction=reaction, code=code)]  # without a code a bounce would be of a dead number


def _proven_key(settings: SmsSettings, query: str) -> str:
    """The key in the address, if it was put there by this channel."""
    parameters = dict(parse_qsl(query, keep_blank_values=True))
    key = parameters.get("key", "")
    if not hmac.compare_digest(parameters.get("proof", "").encode(), _proof(settings, key).encode()):
        raise ValueError(f"the key {key!r} is not one that this channel has sent")
    return key


def _is_signed(settings: SmsSettings, request: WebhookRequest, query: str, form: Form) -> bool:
    """Whether Twilio signed the request: with the auth token, or by a webhooks rule with a shared key.

    The rule names its algorithm in a header of its own; either secret is known to nobody else.
    """
    signature = request.headers.get("x-twilio-signature", "")
    algorithm = get_signature_algorithm(request.headers.get(SIGNATURE_SETTINGS_HEADER.lower()))
    secrets = [each.get_secret_value() for each in (settings.token, settings.shared_key) if each is not None]
    if algorithm.upper() not in (HMAC_SHA1, HMAC_SHA256):
        return False
    return any(
        RequestValidator(secret).validate(url, form, signature, algorithm)
        for secret in secrets
        for url in _signed_urls(settings, request.url, query)
    )


def _signed_urls(settings: SmsSettings, url: str, query: str) -> list[str]:
    """The address that Twilio may have signed: that of the settings, or the one that the delivery brought.

    Behind a proxy the request's own host need not be that of the settings.
    """
    return [url] if settings.public_url is None else [f"{settings.public_url}?{query}", url]


def _proof(settings: SmsSettings, key: str) -> str:
    """Shows that a key came from here; another program on the same account cannot make one up."""
    secret = settings.token.get_secret_value().encode()
    return hmac.new(secret, b"status callback of " + key.encode(), hashlib.sha256).hexdigest()[:32]


class Form(dict[str, list[str]]):
    """The fields of a form, each with all its values: those are signed."""

    def getlist(self, name: str) -> list[str]:
        """As the validator asks for them."""
        return self[name]


def _form(body: bytes) -> Form:
    """Raises ValueError for what is no form."""
    return Form(parse_qs(body.decode(), keep_blank_values=True, max_num_fields=FIELDS_MAX))


def _firsts(form: Form) -> dict[str, str]:
    return {name: values[0] for name, values in form.items()}
