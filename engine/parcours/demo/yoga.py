"""What the demo of decisions needs and the clickstream leaves out: what was for yoga, who is a member, and who agreed.

All of it follows from the ids of people and calls. Some are fond of yoga, and mostly look at that and order it, which
is what a score can find out; an order is for yoga where anything in it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from operator import itemgetter
from typing import Any, Final

import msgspec

from parcours.demo.clickstream import PRODUCTS, Clickstream
from parcours.demo.people import fraction

YOGA: Final = ("Cork Yoga Block", "Sunrise Yoga Mat", "Horizon Leggings")
WEAR: Final = tuple(name for name, _ in PRODUCTS if name not in YOGA)

FOND_ONE_IN = 3
"""So many are fond of yoga."""

FOND_OF_5, OTHERS_OF_5 = 4, 1
"""Of five things that she looks at so many are for yoga, if she is fond of it and if not."""

MEMBER_ONE_IN, UNASKED_ONE_IN = 3, 10
"""So many are members of Luma plus; of so many nobody knows whether they agree to be chosen for."""

KEPT: Final = frozenset({"Product Viewed", "Product Added", "Order Completed"})


def yoga_lines(clickstream: Clickstream) -> list[bytes]:
    """The calls that the studio's project knows of, with what they were about, in the order of time."""
    calls = sorted(_calls(clickstream), key=itemgetter("timestamp"))  # one form, so the texts are in order
    return list(map(msgspec.json.Encoder().encode, calls))


def _calls(clickstream: Clickstream) -> Iterator[dict[str, Any]]:
    baskets: dict[str, list[str]] = {}
    members: set[str] = set()
    for line in clickstream.lines:
        call = msgspec.json.decode(line)
        if call["type"] == "identify":
            members |= {call["userId"]} if _is_member(call["userId"]) else set()
            yield from _person(call)
        elif call["event"] in KEPT:
            yield {**call, "properties": _about(call, baskets)}
            if call["event"] == "Order Completed" and call["userId"] in members:
                yield from _after_order(call)
                members.discard(call["userId"])  # who has been to a class goes on without the shop


def _is_member(who: str) -> bool:
    return fraction(who, "plus", MEMBER_ONE_IN) == 0


def _has_agreed(who: str) -> bool:
    return fraction(who, "personalisation", UNASKED_ONE_IN) > 0


def _after_order(order: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """What a member does who has ordered: she opens the mail or does not, or the push message, and comes to a class."""
    who, at = order["userId"], datetime.fromisoformat(order["timestamp"])
    told = {"userId": who, "type": "reaction", "journey": "order"}
    opens, clicks = fraction(who, "opens", 3) > 0, fraction(who, "clicks", 3) == 0
    hears = not (opens and clicks) and _has_agreed(who) and fraction(who, "hears", 2) == 0
    if opens:
        mail = {**told, "step": "confirm", "channel": "email"}
        yield {**mail, "reaction": "opened", "timestamp": _text(at + timedelta(hours=1))}
        if clicks:
            yield {**mail, "reaction": "clicked", "timestamp": _text(at + timedelta(hours=1, minutes=1))}
    if hears:
        push = {**told, "step": "remind", "channel": "push"}
        yield {**push, "reaction": "opened", "timestamp": _text(at + timedelta(days=1, hours=12))}
    if fraction(who, "comes", 5) < 2 * (opens and clicks) + 2 * hears + 1:
        booked = {"class": "Morning Flow"}
        class_booked = {"type": "track", "event": "Class Booked", "properties": booked, "messageId": f"class-{who}"}
        yield {**class_booked, "userId": who, "timestamp": _text(at + timedelta(days=2))}


def _text(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _person(call: dict[str, Any]) -> Iterator[dict[str, Any]]:
    who, traits = call["userId"], call["traits"]
    known = {name: traits[name] for name in ("first_name", "email", "push_token")}
    member = {"plus": _is_member(who)}
    yield {**call, "traits": known | member}
    if _has_agreed(who):
        consent = {"type": "consent", "channel": "personalisation", "granted": True}
        yield {**consent, "userId": who, "timestamp": call["timestamp"], "messageId": f"consent-{who}"}


def _about(call: dict[str, Any], baskets: dict[str, list[str]]) -> dict[str, object]:
    """What a call was about; `baskets` has what each session has put into its cart."""
    told, who = call["properties"], call["userId"]
    basket = baskets.setdefault(told["session_id"], [])
    if call["event"] == "Product Viewed":
        product = _product(who, call["messageId"])
        return {"product": product, "category": _category(product)}
    if call["event"] == "Product Added":
        basket.append(_product(who, call["messageId"]))
        return {"product": basket[-1], "category": _category(basket[-1])}
    products = basket or [_product(who, call["messageId"])]
    baskets[told["session_id"]] = []
    category = "yoga" if set(products).intersection(YOGA) else "wear"
    return {"order_id": told["order_id"], "product": products[0], "category": category, "total": told["total"]}


def _product(who: str, of: str) -> str:
    """What somebody looks at, or puts into her cart."""
    for_yoga = FOND_OF_5 if fraction(who, "fond", FOND_ONE_IN) == 0 else OTHERS_OF_5
    shelf = YOGA if fraction(of, "shelf", 5) < for_yoga else WEAR
    return shelf[fraction(of, "product", len(shelf))]


def _category(product: str) -> str:
    return "yoga" if product in YOGA else "wear"
