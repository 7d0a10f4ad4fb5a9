"""Cards and in-app messages: what they may say. They lie in the person's inbox, so no provider takes them over.

The engine keeps them with the person, and her app fetches them from there: `send` is never called.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from parcours.channel import Channel, Delivery, Finding, NotSent, Reaction, Receipt

CONTENT_BYTES_MAX: Final = 16 * 1024
"""Several have to find room in an inbox, and an app fetches all of them at once."""

SCRIPT: Final = re.compile(r"[\s\x00-\x1f]*(?:javascript|vbscript|data)\s*:", re.IGNORECASE)
"""What would run in the page that shows it. Apps have schemes of their own, so any other one may be right."""


class InboxSettings(BaseModel):
    """There is nothing to set: a project need not name these channels in parcours.yaml."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class CardContent(BaseModel):
    """A card, which stays until it is dismissed, taken back or expired."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str | None = None
    body: str | None = None
    image: str | None = Field(None, description="Where the picture is.")
    url: str | None = Field(None, description="Where a tap leads.")
    pinned: bool = Field(False, description="It comes before the others, and goes last where there is no room.")
    data: Mapping[str, Any] = Field(default_factory=dict, description="What else the app is to know.")

    @model_validator(mode="after")
    def _says_something(self) -> CardContent:
        if not (self.title or self.body or self.image or self.data):
            raise ValueError("needs a title, a body, an image or data")
        return self


class Button(BaseModel):
    """A button of an in-app message."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    label: str
    url: str | None = Field(None, description="Where it leads; without it the message is closed.")


class Show(BaseModel):
    """When the app is to show the message: the engine tells it, and the app obeys."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    on: str = Field("App Opened", min_length=1, description="What has to happen in the app.")
    times: Literal["once", "always", "until_click"] = Field("once", description="How often it comes up.")


class InAppContent(BaseModel):
    """A message that the app shows over whatever the person does."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str | None = None
    body: str | None = None
    buttons: Sequence[Button] = ()
    show: Show = Field(default_factory=lambda: Show())

    @model_validator(mode="after")
    def _says_something(self) -> InAppContent:
        if not (self.title or self.body):
            raise ValueError("needs a title or a body")
        return self


class InboxChannel(Channel):
    """What both channels have in common. The address is the person's own name."""

    Settings: ClassVar[type[BaseModel]] = InboxSettings
    address_kind: ClassVar[str] = "person"
    reports: ClassVar[frozenset[Reaction]] = frozenset({"delivered"})
    reports_by_app: ClassVar[frozenset[Reaction]] = frozenset({"opened", "clicked", "dismissed"})

    def __init__(self, settings: InboxSettings) -> None:
        del settings

    @staticmethod
    def normalize(address: str, region: str | None) -> str:
        """A name is taken as it is, whatever characters somebody's ids have."""
        del region
        if not address:
            raise ValueError("it is empty")
        return address

    @staticmethod
    def check(content: Any) -> list[Finding]:
        assert isinstance(content, CardContent | InAppContent), "the engine hands over the channel's own content"
        findings = [
            Finding(f"{where} is code that would run in the app, and no address", refused=True)
            for where, url in _urls_of(content)
            if SCRIPT.match(url)
        ]
        size = len(json.dumps(content.model_dump(mode="json", exclude_none=True), ensure_ascii=False).encode())
        if size > CONTENT_BYTES_MAX:
            findings.append(Finding(f"it has {size} bytes, and {CONTENT_BYTES_MAX} are the most", refused=True))
        return findings

    async def start(self) -> None:
        """There is nobody to connect to."""

    async def send(self, deliveries: Sequence[Delivery]) -> list[Receipt]:
        return [NotSent(each.key, "the engine lays it into the person's inbox itself") for each in deliveries]

    async def stop(self) -> None:
        """Nothing was opened."""


class CardChannel(InboxChannel):
    """The channel `card`."""

    Content: ClassVar[type[BaseModel]] = CardContent


class InAppChannel(InboxChannel):
    """The channel `inapp`."""

    Content: ClassVar[type[BaseModel]] = InAppContent


def _urls_of(content: CardContent | InAppContent) -> list[tuple[str, str]]:
    """The addresses of a content, each with where it stands."""
    if isinstance(content, CardContent):
        named = [("image", content.image), ("url", content.url)]
    else:
        named = [(f"the url of button {number}", each.url) for number, each in enumerate(content.buttons, 1)]
    return [(where, url) for where, url in named if url is not None]
