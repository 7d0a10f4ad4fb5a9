"""Text messages over Twilio: one request each, and the provider's signed reports of what became of them.

Creating a message is not idempotent, so an answer that does not say whether it was created is `Ambiguous`.
A report for such a message still finds its delivery, because the address that the report is posted to
carries the delivery's key, and a proof that the key came from here.

Twilio's library takes long to import and is not needed to judge a text, so only a channel that runs imports it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Final
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from parcours.channel import (
    Attempt,
    Channel,
    Delivery,
    Feedback,
    Finding,
    Reaction,
    Receipt,
    SideBySide,
    WebhookRequest,
)
from parcours_channels.phone_number import e164
from parcours_channels.sms_text import segments_of
from parcours_channels.twilio_codes import DEAD_NUMBER
from parcours_channels.twilio_inbound import START_WORDS, STOP_WORDS, keyword

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
    shared_key: SecretStr | None = Field(
        None, description="Secret of the key by which a webhooks rule of the account signs, beside the auth token."
    )
    stop_words: tuple[str, ...] = Field(
        STOP_WORDS, description="Answers that are no text but the end of all messages, whatever their case."
    )
    start_words: tuple[str, ...] = Field(
        START_WORDS, description="Answers after which messages may be sent there again; they grant nothing."
    )
    base_url: str = Field("https://api.twilio.com", description="Where the provider's API is.")
    requests_max: int = Field(20, ge=1, description="Requests under way at once.")
    timeout_s: Annotated[float, Field(gt=0)] = Field(
        50.0, description="How long one call of send may take; keep it below the engine's send_timeout_s."
    )

    @field_validator("stop_words", "start_words")
    @classmethod
    def _in_one_form(cls, words: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(map(keyword, words))

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
    reports: ClassVar[frozenset[Reaction]] = frozenset({"delivered", "bounced", "failed", "unsubscribed", "replied"})
    libraries: ClassVar[tuple[str, ...]] = ("aiohttp", "twilio")

    def __init__(self, settings: SmsSettings) -> None:
        self._settings = settings
        self.capacity = settings.requests_max
        self._side_by_side = SideBySide(settings.requests_max, settings.timeout_s, one_provider=True)

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
        from parcours_channels.twilio_messages import TwilioMessages

        self._messages = TwilioMessages(self._settings)

    async def send(self, deliveries: Sequence[Delivery]) -> list[Receipt]:
        return await self._side_by_side.send(deliveries, self._send_one)

    async def stop(self) -> None:
        await self._messages.close()

    def read_feedback(self, request: WebhookRequest) -> list[Feedback]:
        """Translate a status callback, or a text that somebody has sent to a number of the account.

        Raises ValueError if Twilio did not sign it or the key is not ours.
        """
        from parcours_channels.twilio_reports import read_report

        return read_report(self._settings, request)

    async def _send_one(self, delivery: Delivery, attempt: Attempt) -> Receipt:
        content = delivery.content
        assert isinstance(content, SmsContent), "the engine hands over the channel's own content"
        return await self._messages.create(delivery, content.text, attempt)


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
