"""What the demo's campaign needs and the clickstream leaves out: scores, wish lists and orders, by a fixed rule.

All of it follows from the ids of people and calls. Some families share an address, so that there is somebody twice;
and of some nobody has reckoned how likely they are to leave.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib.resources import as_file, files
from pathlib import Path
from shutil import copytree
from typing import Any

import msgspec

from parcours.demo.clickstream import Clickstream
from parcours.demo.people import fraction, person

DOCUMENTS = "luma-wishes"

EQUIPMENT = (
    ("Adjustable Bench", 189_00),
    ("Cork Yoga Block", 18_00),
    ("Dumbbell Set", 129_00),
    ("Foam Roller", 24_50),
    ("Folding Treadmill", 649_00),
    ("Kettlebell", 44_90),
    ("Resistance Bands", 15_90),
    ("Rowing Machine", 899_00),
)
"""What can be wished for, and for how many cents."""

EQUIPMENT_ONE_IN = 3
"""Of the products that are viewed, so many are equipment."""

SHARED_ONE_IN = 12
"""So many use the address of the person before them."""

UNKNOWN_ONE_IN = 20
"""Of so many nobody knows how likely they are to leave."""

WISHES_BELOW, ORDERS_BELOW, CANCELLED_ONE_IN = 6, 4, 5

WISHED_FROM, WISHED_MINUTES = datetime(2024, 3, 1, tzinfo=UTC), 60 * 24 * 60


def user_ids(clickstream: Clickstream) -> list[str]:
    """Everybody in it."""
    return [msgspec.json.decode(line)["userId"] for line in clickstream.lines[: clickstream.people_count]]


def address(user_id: str) -> str:
    """The mail address that somebody uses: her own, or her family's."""
    number = int(user_id.removeprefix("user_"))
    while number > 0 and fraction(f"user_{number:04}", "family", SHARED_ONE_IN) == 0:
        number -= 1
    return person(f"user_{number:04}").email


def with_scores(clickstream: Clickstream) -> Clickstream:
    """The same calls; people have scores, and views say what kind of product it was."""
    return replace(clickstream, lines=tuple(_told(line) for line in clickstream.lines))


def _told(line: bytes) -> bytes:
    call = msgspec.json.decode(line)
    if call["type"] == "identify":
        return msgspec.json.encode({**call, "traits": call["traits"] | _traits(call["userId"])})
    if call["event"] == "Product Viewed":
        is_equipment = fraction(call["messageId"], "category", EQUIPMENT_ONE_IN) == 0
        category = "equipment" if is_equipment else "wear"
        return msgspec.json.encode({**call, "properties": call["properties"] | {"category": category}})
    return line


def _traits(user_id: str) -> Mapping[str, Any]:
    traits: dict[str, Any] = {"email": address(user_id), "score": fraction(user_id, "score", 1_000)}
    if fraction(user_id, "reckoned", UNKNOWN_ONE_IN) > 0:
        traits["churnprop"] = fraction(user_id, "churn", 100) / 100
    return traits


def wishlist(people: Iterable[str]) -> Iterator[str]:
    """The lines of wishlist.csv, with its header."""
    yield "wish,email,description,priceref,imageurl,added_at"
    for user_id in people:
        first = fraction(user_id, "first wish", len(EQUIPMENT))
        for number in range(fraction(user_id, "wishes", WISHES_BELOW)):
            name, cents = EQUIPMENT[(first + number) % len(EQUIPMENT)]
            added = WISHED_FROM + timedelta(minutes=fraction(user_id, f"wish {number}", WISHED_MINUTES))
            image = f"https://shop.luma.example/img/{name.lower().replace(' ', '-')}.jpg"
            wish = f"{user_id}-{number}"
            yield f"{wish},{address(user_id)},{name},{_dollars(cents)},{image},{added:%Y-%m-%dT%H:%M:%SZ}"


def orders(people: Iterable[str]) -> Iterator[str]:
    """The lines of orders.ndjson."""
    for user_id in people:
        for number in range(fraction(user_id, "orders", ORDERS_BELOW)):
            order = f"{user_id}-{number}"
            total = _dollars(15_00 + fraction(order, "total", 150_00))
            status = "cancelled" if fraction(order, "status", CANCELLED_ONE_IN) == 0 else "paid"
            yield json.dumps({"order_id": order, "customer": user_id, "total": total, "status": status})


def write_wishes(folder: Path, people: Sequence[str]) -> None:
    """Write the project of the campaign, with the tables of these people, into a new folder. Raises OSError."""
    with as_file(files(__package__) / DOCUMENTS) as documents:
        copytree(documents, folder)
    data = folder / "data"
    data.mkdir()
    (data / "wishlist.csv").write_text("".join(f"{line}\n" for line in wishlist(people)), encoding="utf-8")
    (data / "orders.ndjson").write_text("".join(f"{line}\n" for line in orders(people)), encoding="utf-8")


def _dollars(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02}"
