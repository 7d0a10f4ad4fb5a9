"""What is fed? The cart workload: shoppers who look, fill carts, go to checkout, and sometimes buy.

80 % Product Viewed, 12 % Product Added, 5 % Checkout Started, 3 % Order Completed; about 270 bytes an
event; people drawn evenly, unless it is said otherwise. The seed fixes every byte.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta

from parcours import Project
from parcours.journey.model.document import EventsDocument, JourneyDocument, MessageDocument, ProjectDocument

SHARES = {"Product Viewed": 80, "Product Added": 12, "Checkout Started": 5, "Order Completed": 3}
START = datetime(2026, 1, 1, tzinfo=UTC)
SPACING = timedelta(milliseconds=2)


def events(
    count: int,
    people: int,
    seed: int = 1,
    shares: Mapping[str, int] = SHARES,
    whose: Callable[[random.Random], int] | None = None,
    start: datetime = START,
) -> Iterator[bytes]:
    """`count` lines of NDJSON, without line ends, in the order of time.

    shares  how many of a hundred events have each name
    whose   draws the number of a person, below `people`; without it all are as likely
    start   when the first of them happened
    """
    chance = random.Random(seed)
    names = chance.choices(list(shares), weights=list(shares.values()), k=count)
    for number, name in enumerate(names):
        person = chance.randrange(people) if whose is None else whose(chance)
        call = {
            "type": "track",
            "event": name,
            "userId": f"shopper-{person:06}",
            "messageId": f"{number:08x}-4c1d-4b7e-9d2f-{person:012x}",
            "timestamp": (start + number * SPACING).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "properties": {
                "cart_id": f"cart-{person:06}",
                "product_id": f"product-{chance.randrange(5_000):04}",
                "cart": {"total": chance.randrange(500, 30_000) / 100, "items": chance.randrange(1, 9)},
            },
        }
        yield json.dumps(call, separators=(",", ":")).encode()


def project(timeout: str, anonymous_history: str = "unused") -> Project:
    """One journey: no order within `timeout` of the checkout, and a reminder goes out."""
    return Project.of(
        ProjectDocument.model_validate(
            {
                "project": "cart-benchmark",
                "timezone": "UTC",
                "anonymous_history": anonymous_history,
                "policies": {"consent": {"default": "opt_out"}},
            }
        ),
        events=EventsDocument.model_validate(
            {
                "events": {
                    "Product Viewed": {},
                    "Product Added": {},
                    "Checkout Started": {
                        "properties": {"cart_id": "string", "cart.total": "number", "cart.items": "integer"}
                    },
                    "Order Completed": {"properties": {"cart_id": "string"}},
                }
            }
        ),
        messages=[
            MessageDocument.model_validate(
                {
                    "message": "reminder",
                    "class": "marketing",
                    "status": "ready",
                    "email": {"subject": "Your cart waits", "text": "{{ entry.cart.items }} items wait for you."},
                }
            )
        ],
        journeys=[
            JourneyDocument.model_validate(
                {
                    "journey": "abandoned-cart",
                    "entry": {"event": "Checkout Started", "when": "event.cart.total > 50"},
                    "exit": [{"event": "Order Completed"}],
                    "steps": [
                        {"id": "patience", "wait": timeout},
                        {"id": "remind", "send": "reminder", "channels": ["email"], "to": {"email": EMAIL}},
                    ],
                }
            )
        ],
    )


def mails(channels: dict[str, dict[str, object]]) -> Project:
    """One journey: each order is confirmed at once, by a mail that leaves."""
    return Project.of(
        ProjectDocument.model_validate({"project": "mails-benchmark", "channels": channels}),
        events=EventsDocument.model_validate({"events": {"Order Completed": {"properties": {"email": "string"}}}}),
        messages=[
            MessageDocument.model_validate(
                {
                    "message": "confirmation",
                    "class": "transactional",
                    "status": "ready",
                    "email": {"subject": "Your order", "text": "It is on its way."},
                }
            )
        ],
        journeys=[
            JourneyDocument.model_validate(
                {
                    "journey": "order",
                    "entry": {"event": "Order Completed"},
                    "steps": [
                        {"id": "confirm", "send": "confirmation", "channels": ["email"], "to": {"email": "entry.email"}}
                    ],
                }
            )
        ],
    )


EMAIL = '"shopper@luma.example"'
"""Every shopper's address: the channel only records."""
