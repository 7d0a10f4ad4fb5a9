"""What is simulated? Luma's three reminders for a full cart, and shoppers who fill carts over 90 days.

About ten events a person: who they are, what they look at, carts below and above the journey's bound of 50,
purchases that come in time or late, reminders that are opened. The seed fixes every byte.
"""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path

DOCUMENTS = (
    "parcours.yaml",
    "profile.yaml",
    "events.yaml",
    "messages/cart-reminder.yaml",
    "journeys/abandoned-cart.yaml",
)
"""As they ship with the demo, without its other journeys."""

START = datetime(2026, 1, 1, tzinfo=UTC)
DAYS = 90
HOUR_S = 3_600
VIEWS_MAX = 9
CARTS_MAX = 3
BOUGHT_PERCENT = 40
OPENED_PERCENT = 50


def write_project(folder: Path) -> None:
    """The part of the Luma project that reminds of carts."""
    shipped = Path(str(files("parcours.demo") / "luma"))
    for name in DOCUMENTS:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(shipped / name, folder / name)


def write_events(path: Path, people: int, seed: int = 1) -> int:
    """Everybody's lines in the order of time, as a recording would have them; returns how many there are."""
    chance = random.Random(seed)
    happened = [event for person in range(people) for event in _life(person, chance)]
    happened.sort(key=lambda event: event[0])
    with path.open("wb") as file:
        for number, (second, call) in enumerate(happened):
            time = (START + timedelta(seconds=second)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
            line = {**call, "messageId": f"{number:08x}-4c1d-4b7e-9d2f", "timestamp": time}
            file.write(json.dumps(line, separators=(",", ":")).encode() + b"\n")
    return len(happened)


def _life(person: int, chance: random.Random) -> Iterator[tuple[float, dict[str, object]]]:
    """(seconds since the start, call) for each thing that a person does, carts one after the other."""
    who = f"shopper-{person:06}"
    joined = chance.uniform(0, DAYS * 12 * HOUR_S)
    traits = {"first_name": who, "email": f"{who}@luma.example", "phone": f"+336{person:08}", "push_token": f"t-{who}"}
    yield joined, {"type": "identify", "userId": who, "traits": traits}
    for _ in range(chance.randint(1, VIEWS_MAX)):
        yield chance.uniform(joined, DAYS * 24 * HOUR_S), _track(who, "Product Viewed", {})
    for _ in range(chance.randint(0, CARTS_MAX)):
        yield from _cart(who, chance.uniform(joined, DAYS * 24 * HOUR_S), chance)


def _cart(who: str, filled: float, chance: random.Random) -> Iterator[tuple[float, dict[str, object]]]:
    cart: dict[str, object] = {
        "cart_id": f"cart-{who}",
        "cart": {"total": chance.randrange(1_000, 20_000) / 100, "items": 3},
    }
    yield filled, _track(who, "Product Added", {**cart, "product": "yoga-mat", "price": 29.5})
    yield filled + 60, _track(who, "Cart Viewed", cart)
    if chance.randrange(100) < OPENED_PERCENT:
        opened = filled + HOUR_S + chance.uniform(60, 36 * HOUR_S)
        where = {"journey": "abandoned-cart", "step": "remind", "channel": "email"}
        yield opened, {"type": "reaction", "reaction": "opened", "userId": who, **where}
    if chance.randrange(100) < BOUGHT_PERCENT:
        yield filled + chance.uniform(60, 72 * HOUR_S), _track(who, "Order Completed", {**cart, "order_id": f"o-{who}"})


def _track(who: str, event: str, properties: dict[str, object]) -> dict[str, object]:
    visit = {"session_id": f"visit-{who}", "platform": "web"}
    return {"type": "track", "event": event, "userId": who, "properties": {**visit, **properties}}
