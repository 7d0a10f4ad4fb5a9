"""How do addresses of ours get into a mail? Into links and a pixel of its HTML, and into the headers of RFC 8058."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from parcours.channel import DeliveryLinks
from parcours_channels.email_content import EmailContent
from parcours_channels.html_links import with_pixel, with_urls
from parcours_channels.html_text import text_of

UNSUBSCRIBE: Final = "List-Unsubscribe"
UNSUBSCRIBE_POST: Final = "List-Unsubscribe-Post"
ONE_CLICK: Final = "List-Unsubscribe=One-Click"


def linked(content: EmailContent, links: DeliveryLinks) -> EmailContent:
    """The content with the addresses of its delivery in it."""
    changed: dict[str, object] = {}
    if links.one_click is not None:
        changed["headers"] = _headers(content.headers or {}, links.one_click)
    if content.html is not None and links.opened is not None:
        changed["html"] = with_pixel(with_urls(content.html, links.clicked), links.opened)
        if content.text is None:
            changed["text"] = text_of(content.html)  # of the links as they were: nobody reads ours
    return content.model_copy(update=changed)


def _headers(given: Mapping[str, str], url: str) -> Mapping[str, str]:
    """The headers with both of RFC 8058, unless the message brings both itself; one way out more stays behind ours."""
    if UNSUBSCRIBE in given and UNSUBSCRIBE_POST in given:
        return given
    ways = [f"<{url}>", *filter(None, [given.get(UNSUBSCRIBE, "").strip()])]
    return {**given, UNSUBSCRIBE: ", ".join(ways), UNSUBSCRIBE_POST: ONE_CLICK}
