"""What is ingested? The cart workload, and what else can be in the way of an event.

Every case has the journey of the cart. `journeys` adds nine more, each with a condition of three nested parts that few
events meet, and `audiences` besides these five audiences that events move people in and out of. Of the lines of
`irrelevant` 95 in 100 are of an event that nothing listens to; in those of `zipf` the person in place n has 1/n as many
as the first; in those of `hot` every second one is one person's. The last event of each happens when it is made, so all
are within the windows of the audiences.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import accumulate
from random import Random

from workload import SHARES, SPACING, events, project

from parcours import Project

PATIENCE = "2s"
"""How long the journey of the cart waits: reminders go out while events still come."""

MORE_JOURNEYS = 9

PICKY = "dear-cart-"
"""How their names begin."""

SHARES_IRRELEVANT = {"Product Viewed": 95, "Checkout Started": 3, "Order Completed": 2}

HOT_SHARE = 0.5

AUDIENCES = {
    "full-carts": 'count("Checkout Started", "30d") > 2',
    "buyers": 'count("Order Completed", "30d") > 0',
    "waverers": 'count("Checkout Started", "7d") > 0 && count("Order Completed", "7d") == 0',
    "collectors": 'count("Product Added", "7d") > 3',
    "regulars": 'count("Order Completed", "90d") > 2 || count("Product Added", "90d") > 10',
}

Whose = Callable[[int], Callable[[Random], int] | None]
"""Makes the draw of a person's number from how many there are."""


def evenly(people: int) -> None:
    """As the workload draws."""


def zipf(people: int) -> Callable[[Random], int]:
    weights = list(accumulate(1 / place for place in range(1, people + 1)))
    numbers = range(people)
    return lambda chance: chance.choices(numbers, cum_weights=weights)[0]


def hot(people: int) -> Callable[[Random], int]:
    return lambda chance: 0 if chance.random() < HOT_SHARE else chance.randrange(people)


@dataclass(frozen=True)
class Case:
    """A project, and the lines that it takes."""

    project: Callable[[], Project]
    shares: Mapping[str, int] = field(default_factory=lambda: SHARES)
    whose: Whose = evenly

    def lines(self, count: int, people: int) -> Iterator[bytes]:
        start = datetime.now(UTC) - count * SPACING
        return events(count, people, shares=self.shares, whose=self.whose(people), start=start)


def cart() -> Project:
    return project(PATIENCE)


def with_journeys() -> Project:
    return _with(journeys=[_picky(number) for number in range(MORE_JOURNEYS)])


def with_audiences() -> Project:
    return _with(journeys=[_picky(number) for number in range(MORE_JOURNEYS)], audiences=AUDIENCES)


def _picky(number: int) -> dict[str, object]:
    """A journey like that of the cart, for few."""
    few = "event.cart.items > 7 || (event.cart.total > 298 && event.cart.items < 3)"
    return {
        "journey": f"{PICKY}{number}",
        "entry": {"event": "Checkout Started", "when": f"event.cart.total > {bound_of(number)} && ({few})"},
        "exit": [{"event": "Order Completed"}],
        "steps": [{"id": "patience", "wait": PATIENCE}, {"id": "last", "end": True}],
    }


def bound_of(number: int) -> int:
    """Carts that are worth more may enter."""
    return 200 + 10 * number


def lets_in(journey: str, total: float, items: int) -> bool:
    """Whether a cart meets the condition of a journey, told without the engine."""
    if not journey.startswith(PICKY):
        return total > 50
    bound = bound_of(int(journey.removeprefix(PICKY)))
    return total > bound and (items > 7 or (total > 298 and items < 3))


def _with(journeys: list[dict[str, object]], audiences: Mapping[str, str] | None = None) -> Project:
    documents = json.loads(cart().to_json())
    documents["journeys"] += journeys
    if audiences is not None:
        documents["audiences"] = {"audiences": audiences}
    return Project.from_json(json.dumps(documents).encode())


CASES = {
    "cart": Case(cart),
    "journeys": Case(with_journeys),
    "audiences": Case(with_audiences),
    "irrelevant": Case(cart, shares=SHARES_IRRELEVANT),
    "zipf": Case(cart, whose=zipf),
    "hot": Case(cart, whose=hot),
}
