"""Push notifications over FCM's HTTP v1 API.

The libraries for it take long to import and are not needed to judge a notification, so only a channel that runs
imports them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Final

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from parcours.channel import (
    Attempt,
    Delivery,
    DeliveryLinks,
    Finding,
    LinkedChannel,
    Reaction,
    Receipt,
    SideBySide,
    plain_address,
)
from parcours_channels.fcm_codes import DEAD_TOKEN

PAYLOAD_BYTES_MAX: Final = 4_096
"""FCM's limit for keys and values together."""

REACTION_URL: Final = "reaction_url"
"""The key of `data` under which an app finds where to tell what the person did, unless the message has one itself."""

RESERVED: Final = re.compile(r"from|message_type|(?:google|gcm\.notification)\..*")
"""Keys of `data` that FCM keeps for itself."""

WHITE_SPACE: Final = re.compile(r"\s")


class PushSettings(BaseModel):
    """The Firebase project that messages are sent for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    service_account: SecretStr = Field(description="The service account's key file, as JSON text.")
    endpoint: str = Field("https://fcm.googleapis.com", description="Where FCM is.")
    token_uri: str | None = Field(None, description="Where access tokens are had; without it as the key file says.")
    requests_max: int = Field(50, ge=1, description="Requests under way at once.")
    timeout_s: Annotated[float, Field(gt=0)] = Field(
        50.0, description="How long one call of send may take; keep it below the engine's send_timeout_s."
    )

    @field_validator("service_account")
    @classmethod
    def _is_a_key_file(cls, secret: SecretStr) -> SecretStr:
        try:
            account = json.loads(secret.get_secret_value())
        except ValueError:
            account = None
        if not isinstance(account, dict) or account.get("type") != "service_account":
            raise ValueError("needs the JSON of a service account's key file")
        missing = {"project_id", "private_key", "client_email", "token_uri"} - account.keys()
        if missing:
            raise ValueError(f"the key file lacks {', '.join(sorted(missing))}")
        return secret


class PushContent(BaseModel):
    """What is shown, and what the app gets to read."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str | None = None
    body: str | None = None
    data: Mapping[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _says_something(self) -> PushContent:
        if not (self.title or self.body or self.data):
            raise ValueError("needs a title, a body or data")
        return self


class PushChannel(LinkedChannel):
    """The channel `push`."""

    Settings: ClassVar[type[BaseModel]] = PushSettings
    Content: ClassVar[type[BaseModel]] = PushContent
    address_kind: ClassVar[str] = "token"
    dead_codes: ClassVar[frozenset[str]] = DEAD_TOKEN
    reports: ClassVar[frozenset[Reaction]] = frozenset({"failed"})
    reports_by_app: ClassVar[frozenset[Reaction]] = frozenset({"delivered", "opened", "clicked"})
    libraries: ClassVar[tuple[str, ...]] = ("aiohttp", "google.auth", "pyfcm", "requests")

    def __init__(self, settings: PushSettings) -> None:
        self._settings = settings
        self.capacity = settings.requests_max
        self._side_by_side = SideBySide(settings.requests_max, settings.timeout_s, one_provider=True)

    @staticmethod
    def normalize(address: str, region: str | None) -> str:
        if WHITE_SPACE.search(address):
            raise ValueError("a token holds no white space")
        return plain_address(address)

    @staticmethod
    def check(content: Any) -> list[Finding]:
        assert isinstance(content, PushContent), "the engine hands over the channel's own content"
        reserved = sorted(filter(RESERVED.fullmatch, content.data))
        findings = [Finding(f"the key {key!r} of data is reserved by FCM", refused=True) for key in reserved]
        size = _size_of(content)
        if size > PAYLOAD_BYTES_MAX:
            found = f"the payload has {size} bytes, and {PAYLOAD_BYTES_MAX} are the most"
            findings.append(Finding(found, refused=True))
        return findings

    @staticmethod
    def with_links(content: Any, links: DeliveryLinks) -> BaseModel:
        """The app finds in its data where to tell what the person did."""
        assert isinstance(content, PushContent), "the engine hands over the channel's own content"
        linked = content.model_copy(update={"data": {REACTION_URL: links.reaction, **content.data}})
        return linked if _size_of(linked) <= PAYLOAD_BYTES_MAX else content  # what is shown goes before what is told

    async def start(self) -> None:
        """Read the credentials. Raises ValueError if the private key cannot be read; asks nobody yet."""
        from parcours_channels.fcm_messages import FcmMessages

        self._messages = FcmMessages(self._settings)

    async def send(self, deliveries: Sequence[Delivery]) -> list[Receipt]:
        return await self._side_by_side.send(deliveries, self._send_one)

    async def stop(self) -> None:
        await self._messages.close()

    async def _send_one(self, delivery: Delivery, attempt: Attempt) -> Receipt:
        content = delivery.content
        assert isinstance(content, PushContent), "the engine hands over the channel's own content"
        return await self._messages.post(delivery, content, attempt)


def _size_of(content: PushContent) -> int:
    """The bytes of the payload as FCM counts them: keys and values, in UTF-8."""
    shown = {name: text for name, text in (("title", content.title), ("body", content.body)) if text is not None}
    return sum(len(text.encode()) for pair in (*shown.items(), *content.data.items()) for text in pair)
