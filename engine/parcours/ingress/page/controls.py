"""What may be done to a journey: a button for each, which opens a page that says what it would do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

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


def controls(of: Standing, request: Request) -> Markup | None:
    """The buttons of a journey, for whoever may use them."""
    verbs = [*_possible(of.entry)]
    if not verbs or not may_change(request):
        return None
    buttons = [
        element("li", element("a", f"{verb.capitalize()}…", href=address(request, "journeys", of.name, verb)))
        for verb in verbs
    ]
    return element("nav", element("ul", buttons), aria_label="Changes", class_="controls")


def _possible(entry: LedgerEntry) -> Iterator[Verb]:
    """What would change something."""
    if entry.paused_at is not None:
        yield "resume"
    elif entry.entries != "stopped":
        yield "pause"
    if entry.entries == "open" and entry.offered:
        yield "close"
    if entry.entries != "stopped":
        yield "stop"
