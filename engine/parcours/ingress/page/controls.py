"""What may be done to a journey: a button for each, which opens a page that says what it would do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from parcours.ingress.door import Door
from parcours.ingress.exchange import Request
from parcours.ingress.page.frame import address
from parcours.ingress.page.standing import Standing
from parcours.insight.page.markup import Markup, element
from parcours.journey.publish.ledger import LedgerEntry, Verb

SCOPE: Final = "operate"
"""What a key has to open to change anything."""


def may_change(request: Request) -> bool:
    """Whether whoever looks may change something, too."""
    return request.key is not None and request.key.opens(SCOPE)


def controls(door: Door, of: Standing, request: Request) -> Markup | None:
    """The buttons of a journey, for whoever may use them. One that is shut is opened again by publishing."""
    if not may_change(request):
        return None
    buttons = [(verb.capitalize(), address(request, "journeys", of.name, verb)) for verb in possible(of.entry)]
    if of.entry.entries != "open" and door.folder is not None:
        buttons.append(("Publish", address(request, "publish")))
    if not buttons:
        return None
    links = [element("li", element("a", f"{words}…", href=href)) for words, href in buttons]
    return element("nav", element("ul", links), aria_label="Changes", class_="controls")


def possible(entry: LedgerEntry) -> Iterator[Verb]:
    """What would change something."""
    if entry.paused_at is not None:
        yield "resume"
    elif entry.entries != "stopped":
        yield "pause"
    if entry.entries == "open" and entry.offered:
        yield "close"
    if entry.entries != "stopped":
        yield "stop"
