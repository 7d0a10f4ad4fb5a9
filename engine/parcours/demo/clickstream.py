"""The demo's clickstream: the shipped data as calls of Segment's spec, in the order of time.

Each row of the data becomes one call. What the data leaves out follows from its ids by a fixed rule: people's traits,
which come first as `identify` calls, the products in a cart, and the notice that the shop shows after a purchase. Calls
that are not rows of the data are counted apart.
"""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from importlib.resources import files

import msgspec

from parcours.demo.people import fraction, person

EVENT_NAMES = {
    "account_page": "Account Viewed",
    "add_to_cart": "Product Added",
    "cart": "Cart Viewed",
    "catalog": "Product List Viewed",
    "checkout_bug": "Checkout Failed",
    "compare": "Products Compared",
    "error_page": "Error Shown",
    "filter_results": "Product List Filtered",
    "home": "Home Viewed",
    "payment_details": "Payment Info Entered",
    "payment_error": "Payment Failed",
    "product_view": "Product Viewed",
    "promo_page": "Promotion Viewed",
    "purchase": "Order Completed",
    "review_page": "Reviews Viewed",
    "search": "Products Searched",
    "shipping_details": "Checkout Started",
    "support_chat": "Support Contacted",
    "wishlist_add": "Product Added to Wishlist",
}
"""The name that the Luma project gives to each event of the data."""

PRODUCTS = (
    ("Trail Water Bottle", 14),
    ("Cork Yoga Block", 18),
    ("Merino Socks", 19),
    ("Sunrise Yoga Mat", 38),
    ("Breeze Running Top", 42),
    ("Harbor Gym Bag", 56),
    ("Horizon Leggings", 64),
    ("Summit Fleece", 79),
)
"""What the shop sells, and for how much. About half of all first picks stay under a cart of 50."""

CART_EVENTS = frozenset({"add_to_cart", "cart", "shipping_details", "payment_details", "payment_error", "purchase"})
NOTICE_AFTER = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Clickstream:
    """The calls as NDJSON lines, without line ends.

    people_count    identify calls, which lead the lines
    source_count    calls that stand for a row of the data
    derived_count   notices that the shop shows by itself
    """

    lines: tuple[bytes, ...]
    people_count: int
    source_count: int
    derived_count: int


@dataclass(slots=True)
class Session:
    """The cart of one visit."""

    id: str
    items: list[tuple[str, int]] = field(default_factory=list)

    def add(self) -> tuple[str, int]:
        """Put the session's next product into the cart."""
        product = PRODUCTS[fraction(self.id, f"product {len(self.items)}", len(PRODUCTS))]
        self.items.append(product)
        return product

    def cart(self) -> dict[str, object]:
        """The cart's properties. Nobody pays for nothing: an empty cart gets the product at hand."""
        if not self.items:
            self.add()
        total = sum(price for _, price in self.items)
        return {
            "cart_id": self.id.replace("sess_", "cart-"),
            "cart": {"total": total, "items": len(self.items)},
        }


def read_clickstream() -> Clickstream:
    """Read the shipped file. The same lines on every call."""
    packed = (files(__package__) / "data" / "ecom.csv.gz").read_bytes()
    text = gzip.decompress(packed).decode()
    rows = list(enumerate(csv.DictReader(text.splitlines()), start=1))
    rows.sort(key=lambda row: row[1]["timestamp"])
    user_ids = sorted({row["user_id"] for _, row in rows})
    start = _time(rows[0][1])
    timed = [(start, _identify(user_id, start)) for user_id in user_ids]
    timed += _tracks(rows)
    derived_count = len(timed) - len(user_ids) - len(rows)
    timed.sort(key=lambda each: each[0])
    encode = msgspec.json.Encoder().encode
    return Clickstream(
        lines=tuple(encode(call) for _, call in timed),
        people_count=len(user_ids),
        source_count=len(rows),
        derived_count=derived_count,
    )


def _tracks(rows: list[tuple[int, dict[str, str]]]) -> Iterator[tuple[datetime, dict[str, object]]]:
    """A call for each row, and after a purchase the shop's notice."""
    sessions: dict[str, Session] = {}
    for number, row in rows:
        session = sessions.setdefault(row["session_id"], Session(row["session_id"]))
        at = _time(row)
        yield at, _track(f"ecom-{number:06}", EVENT_NAMES[row["event"]], row, at, _properties(row, session))
        if row["event"] == "purchase":
            sessions[session.id] = Session(session.id)
            notice: dict[str, object] = {
                "purchaseMessage": "thank you",
                "email": person(row["user_id"]).email,
            }
            at += NOTICE_AFTER
            yield at, _track(f"ecom-{number:06}-notice", "Notice Shown", row, at, notice)


def _properties(row: dict[str, str], session: Session) -> dict[str, object]:
    """The properties of this event, the cart included where there is one."""
    properties: dict[str, object] = {"session_id": session.id, "platform": row["platform"]}
    if row["event"] == "add_to_cart":
        name, price = session.add()
        properties |= {"product": name, "price": price}
    if row["event"] in CART_EVENTS:
        properties |= session.cart()
    if row["event"] == "shipping_details":
        properties["email"] = person(row["user_id"]).email
    if row["event"] == "purchase":
        properties["order_id"] = session.id.replace("sess_", "L-")
        properties["total"] = sum(price for _, price in session.items)
        properties["products"] = ", ".join(name for name, _ in session.items)
    return properties


def _identify(user_id: str, at: datetime) -> dict[str, object]:
    return {
        "type": "identify",
        "userId": user_id,
        "messageId": f"person-{user_id}",
        "timestamp": _text(at),
        "traits": asdict(person(user_id)),
    }


def _track(
    message_id: str, event: str, row: dict[str, str], at: datetime, properties: dict[str, object]
) -> dict[str, object]:
    return {
        "type": "track",
        "event": event,
        "userId": row["user_id"],
        "messageId": message_id,
        "timestamp": _text(at),
        "properties": properties,
    }


def _time(row: dict[str, str]) -> datetime:
    """The row's time; the data has no zone and is taken as UTC."""
    return datetime.fromisoformat(row["timestamp"] + "+00:00")


def _text(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.000Z")
