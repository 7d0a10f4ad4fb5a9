"""How are deliveries? The route by which programs, and browsers, ask."""

from __future__ import annotations

from typing import Final

from parcours.ingress.changes import looking
from parcours.ingress.delivery_bodies import Deliveries, DeliveriesAsked
from parcours.ingress.delivery_figures import PATH, deliveries_told
from parcours.ingress.door import Door
from parcours.ingress.exchange import VARY, Answer, Request, Route, json_answer
from parcours.ingress.page.deliveries import deliveries_screen


async def deliveries(door: Door, request: Request) -> Answer:
    """By channel, outcome, gate and reason, and the newest ones."""
    return json_answer(await deliveries_told(door, request), headers=VARY)


ROUTES: Final[tuple[Route, ...]] = (
    looking(
        PATH,
        deliveries,
        Deliveries,
        "What becomes of deliveries, and how channels stand.",
        asks=DeliveriesAsked,
        page=deliveries_screen,
    ),
)
