"""What the demo of decisions needs and the clickstream leaves out: what was for yoga, who is a member, and who agreed.

All of it follows from the ids of people and calls. Some are fond of yoga, and mostly look at that and order it, which
is what a score can find out; an order is for yoga where anything in it is.
"""

from __future__ import annotations

from collections.abc import Iterator
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


def yoga_lines(clickstream: Clickstream) -> Iterator[bytes]:
    """The calls that the studio's project knows of, with what they were about."""
    baskets: dict[str, list[str]] = {}
    encode = msgspec.json.Encoder().encode
    for line in clickstream.lines:
        call = msgspec.json.decode(line)
        if call["type"] == "identify":
            yield from map(encode, _person(call))
        elif call["event"] in KEPT:
            yield encode({**call, "properties": _about(call, baskets)})


def _person(call: dict[str, Any]) -> Iterator[dict[str, Any]]:
    who, traits = call["userId"], call["traits"]
    known = {name: traits[name] for name in ("first_name", "email", "push_token")}
    member = {"plus": fraction(who, "plus", MEMBER_ONE_IN) == 0}
    yield {**call, "traits": known | member}
    if fraction(who, "personalisation", UNASKED_ONE_IN) > 0:
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
