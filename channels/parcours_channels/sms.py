"""Text messages over Twilio: one request each, and the provider's signed reports of what became of them.

Creating a message is not idempotent, so an answer that does not say whether it was created is `Ambiguous`.
A report for such a message still finds its delivery, because the address that the report is posted to
carries the delivery's key, and a proof that the key came from here.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Final
from urllib.parse import parse_qs, urlencode, urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator
from twilio.base.exceptions import TwilioRestException, TwilioServiceException
from twilio.request_validator import RequestValidator
from twilio.rest import Client

from parcours.channel import (
    Accepted,
    Attempt,
    Channel,
    Delivery,
    Feedback,
    Finding,
    Receipt,
    RequestTrace,
    SideBySide,
    WebhookRequest,
)
from parcours_channels.phone_number import e164
from parcours_channels.sms_text import segments_of
from parcours_channels.twilio_codes import DEAD_NUMBER, REACTIONS, receipt_of_error
from parcours_channels.twilio_http import TwilioHttp

TEXT_CHARACTERS_MAX: Final = 1_600
"""Twilio refuses longer ones (21617)."""

FOREIGN_SHOWN_MAX: Final = 5
"""Characters named to which a text owes its encoding: enough to find them by."""


class SmsSettings(BaseModel):
    """The account that messages are sent from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    account: str = Field(description="Account SID, AC...")
    token: SecretStr = Field(description="Auth token of the account.")
    sender: str = Field(description="Number in E.164 form, short code, name, or the SID of a messaging service, MG...")
    public_url: str | None = Field(
        None,
        description="Where the provider reaches this channel's webhook, such as "
        "https://journeys.luma.example/webhooks/sms; a delivery that brings an address of its own does without it.",
    )
    base_url: str = Field("https://api.twilio.com", description="Where the provider's API is.")
    requests_max: int = Field(20, ge=1, description="Requests under way at once.")
    timeout_s: Annotated[float, Field(gt=0)] = Field(
        50.0, description="How long one call of send may take; keep it below the engine's send_timeout_s."
    )

    @field_validator("public_url")
    @classmethod
    def _has_no_query(cls, url: str | None) -> str | None:
        if url is not None and (urlsplit(url).query or urlsplit(url).scheme not in {"http", "https"}):
            raise ValueError("needs an http or https address without a query")
        return url


class SmsContent(BaseModel):
    """The text; longer ones are sent as several segments, which cost as much as several messages."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: str = Field(min_length=1)


class SmsChannel(Channel):
    """The channel `sms`."""

    Settings: ClassVar[type[BaseModel]] = SmsSettings
    Content: ClassVar[type[BaseModel]] = SmsContent
    address_kind: ClassVar[str] = "phone"
    dead_codes: ClassVar[frozenset[str]] = DEAD_NUMBER

    def __init__(self, settings: SmsSettings) -> None:
        self._settings = settings
        self._side_by_side = SideBySide(settings.requests_max, settings.timeout_s, one_provider=True)
        self._trace = RequestTrace()

    @staticmethod
    def normalize(address: str, region: str | None) -> str:
        return e164(address, region)

    @staticmethod
    def check(content: Any) -> list[Finding]:
        assert isinstance(content, SmsContent), "the engine hands over the channel's own content"
        if not content.text.strip():
            return [Finding("the text is empty", refused=True)]
        if len(content.text) > TEXT_CHARACTERS_MAX:
            found = f"the text has {len(content.text)} characters, and {TEXT_CHARACTERS_MAX} are the most"
            return [Finding(found, refused=True)]
        return _in_segments(content.text)

    async def start(self) -> None:
        """Open the HTTP session; nothing is asked of the provider yet."""
        self._http = TwilioHttp(self._trace)
        account, token = self._settings.account, self._settings.token.get_secret_value()
        # The environment is given so that TWILIO_EDGE and TWILIO_REGION of this machine do not redirect it.
        client = Client(account, token, http_client=self._http, environment={"TWILIO_ACCOUNT_SID": account})
        client.api.base_url = self._settings.base_url
        self._messages = client.api.v2010.account.messages

    async def send(self, deliveries: Sequence[Delivery]) -> list[Receipt]:
        return await self._side_by_side.send(deliveries, self._send_one)

    async def stop(self) -> None:
        await self._http.close()

    def read_feedback(self, request: WebhookRequest) -> list[Feedback]:
        """Translate a status callback. Raises ValueError if Twilio did not sign it or the key is not ours."""
        query = urlsplit(request.url).query
        form = dict(_pairs(request.body.decode()))
        signature = request.headers.get("x-twilio-signature", "")
        validator = RequestValidator(self._settings.token.get_secret_value())
        if not any(validator.validate(url, form, signature) for url in self._signed_urls(request.url, query)):
            raise ValueError("the request is not signed by Twilio with this account's token")
        parameters = dict(_pairs(query))
        key = parameters.get("key", "")
        if not hmac.compare_digest(parameters.get("proof", ""), self._proof(key)):
            raise ValueError(f"the key {key!r} is not one that this channel has sent")
        status = form.get("MessageStatus", "")
        reaction = REACTIONS.get(status)
        if reaction is None:
            return []
        code = form.get("ErrorCode") or (status if reaction in ("bounced", "failed") else None)
        return [Feedback(key=key, reaction=reaction, code=code)]  # without a code a bounce would be of a dead number

    def _signed_urls(self, url: str, query: str) -> list[str]:
        """The address that Twilio may have signed: that of the settings, or the one that the delivery brought.

        Behind a proxy the request's own host need not be that of the settings.
        """
        public_url = self._settings.public_url
        return [url] if public_url is None else [f"{public_url}?{query}", url]

    async def _send_one(self, delivery: Delivery, attempt: Attempt) -> Receipt:
        content = delivery.content
        assert isinstance(content, SmsContent), "the engine hands over the channel's own content"
        try:
            with self._trace.of(attempt):
                message = await self._messages.create_async(**self._parameters(delivery, content.text))
        except TwilioRestException as error:
            return receipt_of_error(delivery.key, error.status, error.code, error.msg, attempt.retry_after_s)
        except TwilioServiceException as error:
            return receipt_of_error(delivery.key, error.status, error.code, error.title, attempt.retry_after_s)
        return Accepted(delivery.key, message.sid)

    def _parameters(self, delivery: Delivery, text: str) -> dict[str, Any]:
        sender = self._settings.sender
        by = "messaging_service_sid" if sender.startswith("MG") else "from_"
        parameters: dict[str, Any] = {"to": delivery.to, "body": text, by: sender}
        report_url = delivery.report_url or self._settings.public_url
        if report_url is not None:
            query = urlencode({"key": delivery.key, "proof": self._proof(delivery.key)})
            parameters["status_callback"] = f"{report_url}{'&' if urlsplit(report_url).query else '?'}{query}"
        return parameters

    def _proof(self, key: str) -> str:
        """Shows that a key came from here; another program on the same account cannot make one up."""
        secret = self._settings.token.get_secret_value().encode()
        return hmac.new(secret, b"status callback of " + key.encode(), hashlib.sha256).hexdigest()[:32]


def _in_segments(text: str) -> list[Finding]:
    """What a text costs, where that is more than one segment in the usual alphabet."""
    segments = segments_of(text)
    if segments.count == 1 and not segments.foreign:
        return []
    cost = "1 segment" if segments.count == 1 else f"{segments.count} segments"
    leaves = f"the text leaves as {cost} in {segments.encoding}"
    if not segments.foreign:
        return [Finding(leaves)]
    # Names bring characters of their own, so these would be counted person by person.
    return [Finding(f"{leaves}, because of {segments.foreign[:FOREIGN_SHOWN_MAX]!r}", kind=leaves)]


def _pairs(encoded: str) -> list[tuple[str, str]]:
    return [(name, values[0]) for name, values in parse_qs(encoded, keep_blank_values=True).items()]
