"""The demo's 600 people: each one's traits follow from the user id alone.

Names are made up, mail addresses end in a reserved domain and phone numbers lie in the range 555-01xx that North
America keeps for fiction. Some addresses are bad on purpose, so that providers have to refuse.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b

REFUSED_SUFFIX = ".moved"
"""The mail server refuses an address whose local part ends so."""

REFUSED_ONE_IN = 100

DEAD_PREFIX = "dead-"
"""The push service does not know tokens that start so."""

DEAD_ONE_IN = 25

BORN_FROM, BORN_UNTIL = 1950, 2005

FIRST_NAMES = (
    "Ada", "Amir", "Anna", "Ben", "Carla", "Chloe", "Daniel", "Diego", "Elena", "Emma", "Farah", "Felix",
    "Grace", "Hana", "Hugo", "Ines", "Ivan", "Jack", "Julia", "Kenji", "Lara", "Leo", "Lucy", "Maya", "Milo",
    "Nadia", "Noah", "Nora", "Omar", "Paula", "Priya", "Rosa", "Ruben", "Sarah", "Simon", "Sofia", "Theo",
    "Tina", "Victor", "Zoe",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class City:
    name: str
    area_code: str
    timezone: str


CITIES = (
    City("Atlanta", "404", "America/New_York"),
    City("Boston", "617", "America/New_York"),
    City("Chicago", "312", "America/Chicago"),
    City("Dallas", "214", "America/Chicago"),
    City("Denver", "303", "America/Denver"),
    City("Los Angeles", "213", "America/Los_Angeles"),
    City("New York", "212", "America/New_York"),
    City("Phoenix", "602", "America/Phoenix"),
    City("San Francisco", "415", "America/Los_Angeles"),
    City("Seattle", "206", "America/Los_Angeles"),
)


@dataclass(frozen=True, slots=True)
class DemoPerson:
    """One person's traits, as the Luma project declares them."""

    first_name: str
    email: str
    phone: str
    push_token: str
    city: str
    birth_year: int
    timezone: str


def person(user_id: str) -> DemoPerson:
    """The traits of `user_id`, which has the form `user_0042`. No two people share an address."""
    number = int(user_id.removeprefix("user_"))
    # Of people with the same last two digits no two live in one city, so 100 phone numbers a city will do.
    city = CITIES[(number + number // 100) % len(CITIES)]
    first_name = FIRST_NAMES[fraction(user_id, "first name", len(FIRST_NAMES))]
    moved = fraction(user_id, "mailbox", REFUSED_ONE_IN) == 0
    dead = fraction(user_id, "token", DEAD_ONE_IN) == 0
    token = blake2b(f"{user_id}\0device".encode(), digest_size=16).hexdigest()
    return DemoPerson(
        first_name=first_name,
        email=f"{first_name.lower()}.{number:04}{REFUSED_SUFFIX if moved else ''}@mail.example",
        phone=f"+1{city.area_code}55501{number % 100:02}",
        push_token=f"{DEAD_PREFIX if dead else 'luma-'}{token}",
        city=city.name,
        birth_year=BORN_FROM + fraction(user_id, "birth year", BORN_UNTIL - BORN_FROM + 1),
        timezone=city.timezone,
    )


def fraction(of: str, question: str, parts: int) -> int:
    """A pseudo-random number in [0, parts) that depends on the two texts only."""
    return int.from_bytes(blake2b(f"{of}\0{question}".encode(), digest_size=8).digest(), "big") % parts
