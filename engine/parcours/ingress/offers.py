"""How do offers stand? What became of each at each placement, behind the door; as JSON, or as a page."""

from __future__ import annotations

from typing import Final

from parcours.ingress.changes import looking
from parcours.ingress.door import Door
from parcours.ingress.exchange import VARY, Answer, Request, Route, json_answer
from parcours.ingress.offer_figures import Offers, offers_shown
from parcours.ingress.page.offers import offers_screen


async def offers(door: Door, _request: Request) -> Answer:
    """All offers, by name."""
    return json_answer(Offers(await offers_shown(door)), headers=VARY)


ROUTES: Final[tuple[Route, ...]] = (
    looking("/offers", offers, Offers, "What became of offers, by placement.", page=offers_screen),
)
