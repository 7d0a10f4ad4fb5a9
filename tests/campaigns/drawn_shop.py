"""A shop whose people are drawn by chance, with few different values, and a campaign of the steps of a test."""

from __future__ import annotations

import random
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path

from tests.campaigns.run_world import World, in_order, viewed

from parcours.core.profile import Profile

TEXTS = {
    "profile.yaml": (
        "traits: {email: string, phone: string, city: string, score: number, tier: string, born: date, any: object}\n"
    ),
    "events.yaml": "events:\n  Product Viewed: {properties: {product: string}}\n",
    "audiences.yaml": """\
        audiences:
          visitors: 'count("Product Viewed", "30d") > 0'
          nobody: profile.city == "Nowhere"
          best: {saved: true}
        """,
    "messages/news.yaml": """\
        message: news
        email: {subject: News, text: News}
        sms: {text: News}
        """,
}

Person = dict[str, object]


def drawn(seed: int = 3, count: int = 120) -> dict[str, Person]:
    """People with few different values, many equal, some missing; `viewed` is how many days ago, if ever."""
    chance = random.Random(seed)
    choices: dict[str, list[object]] = {
        "email": [None, "", *(f"{number}@shop.example" for number in range(40))],
        "phone": [None, "", "+331"],
        "city": [None, "Paris", "Tours", "Besançon"],
        "score": [None, None, 0, 1, 1.5, 2, 2.0, 10, -3],
        "tier": [None, "gold", "silver", "bronze"],
        "viewed": [None, 0, 1, 29.99, 30, 45],
    }
    initials = ["a", "B", "é", "z", "\uffee", "\U0001f600", "o'", 'a"b', "@anonymous/"]
    return {
        f"{chance.choice(initials)}{number:03}": {key: chance.choice(values) for key, values in choices.items()}
        for number in range(count)
    }


def profiles_of(people: dict[str, Person]) -> dict[str, Profile]:
    return {
        name: Profile(
            traits={key: value for key, value in each.items() if value is not None and key != "viewed"},
            series={} if each["viewed"] is None else viewed(float(str(each["viewed"]))),
        )
        for name, each in people.items()
    }


class Shop(World):
    """People and a campaign of these steps; the campaign is drawn up anew for each test."""

    def __init__(self, folder: Path, steps: str, people: dict[str, Person] | None = None) -> None:
        self.drawn = drawn() if people is None else people
        text = "campaign: c\nsteps:\n" + "".join(f"  {line}\n" for line in steps.strip().splitlines())
        super().__init__(folder, TEXTS | {"campaigns/c.yaml": text}, profiles_of(self.drawn))

    def those(self, holds: Callable[[Person], bool]) -> list[str]:
        return in_order(name for name, each in self.drawn.items() if holds(each))


def number_of(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def over(value: object, least: float) -> bool:
    number = number_of(value)
    return number is not None and number > least


def lot(step: str, person: str, run: int = 1) -> bytes:
    return blake2b(f"c\0{run}\0{step}\0{person}".encode()).digest()[:8]
