"""What does an offer say? Its content with templates filled in, and links that carry its code."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape, unescape
from typing import Final

from markupsafe import Markup

from parcours.core.delivery.proposition_key import code_of, with_code
from parcours.core.effect import ShownOffer
from parcours.dispatch.filling import Filling

_HREF: Final = re.compile(r"""(\bhref\s*=\s*)(?:"(https?://[^"]*)"|'(https?://[^']*)')""", re.IGNORECASE)
_ADDRESS: Final = re.compile(r"""https?://[^\s<>"']*[^\s<>"'.,;:!?)]""", re.IGNORECASE)
"""A link in a text, without the punctuation that follows it."""


def offer_values(
    offer: ShownOffer, values: Mapping[str, object], fill: Filling, pixel: str | None = None
) -> dict[str, object]:
    """What a message's templates may name of it: `content`, `url`, `code`, `fallback`, and what is known of it.

    values  what the templates of the message may name: those of its content may, too
    pixel   the address of the picture that marks it as shown, None where there is none
    """
    filled = said(offer, {**values, "context": {}}, fill)
    return {
        **offer.known,
        "content": _content(offer.format, filled),
        "url": filled.get("url"),
        "code": code_of(offer.proposition),
        "score": offer.score,
        "fallback": offer.is_fallback,
        "pixel": pixel,
    }


def said(offer: ShownOffer, values: Mapping[str, object], fill: Filling) -> dict[str, object]:
    """What it says by the keys of its content, filled in. Links carry its code, unless it is nobody's proposition.

    Raises as templates do.
    """
    own = {**values, "offer": offer.known}
    filled = {key: fill(value, own, html=key == "html") for key, value in offer.content.items()}
    if not offer.proposition:
        return filled
    return {key: _linked(key, value, code_of(offer.proposition)) for key, value in filled.items()}


def _linked(key: str, value: object, code: str) -> object:
    if not isinstance(value, str) or not value:
        return value
    match key:
        case "url":
            return with_code(value, code)
        case "html":
            return _HREF.sub(lambda found: _href(found, code), value)
        case "text":
            return _ADDRESS.sub(lambda found: with_code(found[0], code), value)
        case _:
            return value


def _href(found: re.Match[str], code: str) -> str:
    address = unescape(found[2] or found[3])
    return f'{found[1]}"{escape(with_code(address, code))}"'


def _content(form: str, filled: Mapping[str, object]) -> object:
    match form:
        case "html":
            return Markup(str(filled["html"]))  # an author's, and what fills it in is escaped
        case "image":
            return {"image": filled["image"], "alt": filled.get("alt", "")}
        case _:
            return filled[form]
