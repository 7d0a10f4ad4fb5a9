"""What does an offer say in a message? Its content with templates filled in, and links that carry its code."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape, unescape
from typing import Final, Protocol

from markupsafe import Markup

from parcours.core.delivery.proposition_key import code_of, with_code
from parcours.core.effect import ShownOffer

_HREF: Final = re.compile(r"""(\bhref\s*=\s*)(?:"(https?://[^"]*)"|'(https?://[^']*)')""", re.IGNORECASE)
_ADDRESS: Final = re.compile(r"""https?://[^\s<>"']*[^\s<>"'.,;:!?)]""", re.IGNORECASE)
"""A link in a text, without the punctuation that follows it."""


class Fill(Protocol):
    """Fills in the templates within a value."""

    def __call__(self, value: object, values: Mapping[str, object], *, html: bool) -> object: ...


def offer_values(offer: ShownOffer, values: Mapping[str, object], fill: Fill) -> dict[str, object]:
    """What a message's templates may name of it: `content`, `url`, `code`, `fallback`, and what is known of it.

    values  what the templates of the message may name: those of its content may, too
    """
    code, own = code_of(offer.proposition), {**values, "offer": offer.known, "context": {}}
    filled = {key: fill(value, own, html=key == "html") for key, value in offer.content.items()}
    url = filled.get("url")
    return {
        **offer.known,
        "content": _content(offer.format, filled, code),
        "url": with_code(url, code) if isinstance(url, str) and url else None,
        "code": code,
        "score": offer.score,
        "fallback": offer.is_fallback,
    }


def _content(form: str, filled: Mapping[str, object], code: str) -> object:
    match form:
        case "html":
            return Markup(_HREF.sub(lambda found: _linked(found, code), str(filled["html"])))  # the author's
        case "text":
            return _ADDRESS.sub(lambda found: with_code(found[0], code), str(filled["text"]))
        case "json":
            return filled["json"]
        case _:
            return {"image": filled["image"], "alt": filled.get("alt", "")}


def _linked(found: re.Match[str], code: str) -> str:
    address = unescape(found[2] or found[3])
    return f'{found[1]}"{escape(with_code(address, code))}"'
