"""What a message document holds for mail, and which of it is wrong before or after it is filled in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from email.utils import formataddr, getaddresses, parseaddr
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from parcours.channel import is_filled_in
from parcours_channels.email_address import normal_address
from parcours_channels.html_links import ACTIVE, links_in, scheme_of
from parcours_channels.mime import folded, without_breaks
from parcours_channels.mjml_source import LIQUID, compiled

LINE_BREAK: Final = re.compile(r"[\r\n\x00\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
"""Everything that some reader takes for the end of a header line, or of the text."""

HEADER_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,75}")

HEADERS: Final = {
    name.lower(): name
    for name in (
        "Auto-Submitted",
        "Feedback-ID",
        "Importance",
        "In-Reply-To",
        "Keywords",
        "List-Id",
        "List-Unsubscribe",
        "List-Unsubscribe-Post",
        "Organization",
        "Precedence",
        "References",
    )
}
"""Headers that a message may set, besides those that begin with X-. All others belong to the channel."""


class EmailContent(BaseModel):
    """A subject, and a text, an HTML part, or both. MJML is compiled to HTML when the document is read."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    subject: str = Field(description="A line break in it becomes a space.")
    text: str | None = Field(None, description="The plain part; without it one is made of the HTML.")
    html: str | None = Field(None, json_schema_extra={"contentMediaType": "text/html"})
    mjml: str | None = Field(None, description="Becomes `html`; Liquid tags pass through it untouched.")
    preheader: str | None = Field(None, description="Shown behind the subject in a list of mails; needs HTML.")
    reply_to: str | None = Field(
        None, description="Where answers go, one address: shop@luma.example or Luma <shop@luma.example>."
    )
    headers: dict[str, str] | None = Field(
        None, description="Further headers: " + ", ".join(HEADERS.values()) + ", and X-...."
    )

    @model_validator(mode="before")
    @classmethod
    def _compile_mjml(cls, values: Any) -> Any:
        if not isinstance(values, Mapping) or not isinstance(values.get("mjml"), str):
            return values
        if values.get("html") is not None:
            raise ValueError("takes html or mjml, not both")
        with suppress(ValueError):  # which is told of the field
            return {**values, "html": compiled(values["mjml"]), "mjml": None}
        return values

    @field_validator("mjml")
    @classmethod
    def _can_be_compiled(cls, source: str | None) -> str | None:
        if source is not None:
            compiled(source)
        return source

    @field_validator("html")
    @classmethod
    def _leads_somewhere(cls, html: str | None) -> str | None:
        """As the document is read, and once more when templates are filled in, which may make any address."""
        for link in links_in(html or ""):
            if (scheme := scheme_of(link.url)) in ACTIVE:
                raise ValueError(f"has a link of the scheme {scheme}:, which no reader of mail follows")
        return html

    @field_validator("subject", "preheader")
    @classmethod
    def _on_one_line(cls, text: str | None, info: ValidationInfo) -> str | None:
        """What YAML's block text, a condition of Liquid or somebody's name leaves in it becomes a space."""
        if text is None or is_filled_in(info):
            return None if text is None else folded(text)
        # Within a tag of Liquid a line break may mean something; what the tag makes of it comes by here once more.
        parts = LIQUID.split(text)
        line = "".join(part if place % 2 else without_breaks(part) for place, part in enumerate(parts))
        return line.strip(" ")

    @field_validator("reply_to")
    @classmethod
    def _is_an_address(cls, reply_to: str | None, info: ValidationInfo) -> str | None:
        if reply_to is None or (LIQUID.search(reply_to) and not is_filled_in(info)):
            return reply_to
        return mailbox(reply_to) if reply_to.strip() else None

    @field_validator("headers")
    @classmethod
    def _are_allowed(cls, headers: dict[str, str] | None, info: ValidationInfo) -> dict[str, str] | None:
        known: dict[str, str] = {}
        for given, value in (headers or {}).items():
            name = HEADERS.get(given.lower(), given)
            if not HEADER_NAME.fullmatch(name) or not (name in HEADERS.values() or name.lower().startswith("x-")):
                raise ValueError(f"{given!r} cannot be set, only {', '.join(HEADERS.values())} and X-...")
            if any(name.lower() == each.lower() for each in known):
                raise ValueError(f"{given!r} is there twice")
            parts = [value] if is_filled_in(info) else LIQUID.split(value)[::2]
            found = next(filter(None, map(LINE_BREAK.search, parts)), None)
            if found is not None:
                raise ValueError(f"{given!r} holds {_named(found[0])}")
            known[name] = value
        return known or None

    @model_validator(mode="after")
    def _says_something(self) -> EmailContent:
        if self.text is None and self.html is None:
            raise ValueError("needs text, html or mjml")
        if self.preheader is not None and self.html is None:
            raise ValueError("preheader needs html or mjml")
        return self


def _named(character: str) -> str:
    """A character that no header may hold, in words."""
    return "a line break" if character in "\r\n" else f"the character U+{ord(character):04X}"


def holds_several(line: str) -> bool:
    """Whether it is read as more than one address, of which all but the first would be lost."""
    return sum(map(any, getaddresses([line]))) > 1


def mailbox(text: str) -> str:
    """`Name <name@domain>` or `name@domain` as a header holds it, on one line. Raises ValueError if it is neither."""
    line = folded(text)
    if holds_several(line):
        raise ValueError("holds more than one address, or a name that needs double quotes around it")
    name, address = parseaddr(line)
    if not address:
        raise ValueError("is neither name@domain nor Name <name@domain>")
    normal = normal_address(address)
    if not normal.isascii():
        raise ValueError("needs an address in ASCII, which every server takes")
    return formataddr((name, normal))
