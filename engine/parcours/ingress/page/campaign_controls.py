"""What may be done to a campaign: a button for each, which opens a page that says what it would do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from parcours.ingress.exchange import Request
from parcours.ingress.page.controls import may_change, possible
from parcours.ingress.page.frame import address
from parcours.insight.page.markup import Markup, element
from parcours.journey.publish.ledger import LedgerEntry
from parcours.service.campaign_state import CampaignState

WORDS: Final = {
    "preview": "Preview",
    "run": "Run…",
    "pause": "Pause…",
    "resume": "Resume…",
    "close": "Close…",
    "stop": "Stop…",
}


def campaign_controls(entry: LedgerEntry | None, state: CampaignState, request: Request) -> Markup:
    """The buttons of a campaign, for whoever may use them.

    entry  None of one by which an audience is kept up to date: it is as the newest publication says
    """
    ways = ["preview", *(_possible(entry, state) if may_change(request) else ())]
    buttons = [element("li", element("a", WORDS[way], href=_address(state, way, request))) for way in ways]
    return element("nav", element("ul", buttons), aria_label="Changes", class_="controls")


def _address(state: CampaignState, way: str, request: Request) -> str:
    return address(request, "campaigns", state.campaign, way)


def _possible(entry: LedgerEntry | None, state: CampaignState) -> Iterator[str]:
    """What would change something."""
    if state.state == "open":
        yield "run"
    if entry is not None:
        yield from possible(entry)
