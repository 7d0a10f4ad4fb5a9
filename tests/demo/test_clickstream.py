"""The clickstream is the shipped data, whole and in order, and the same each time."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import Any

import msgspec
import pytest

from parcours.demo.clickstream import EVENT_NAMES, Clickstream, read_clickstream

SOURCE_EVENTS = 31_106
PEOPLE = 600
PURCHASES = 470

Call = dict[str, Any]


@pytest.fixture(scope="module")
def clickstream() -> Clickstream:
    return read_clickstream()


@pytest.fixture(scope="module")
def calls(clickstream: Clickstream) -> list[Call]:
    return [msgspec.json.decode(line) for line in clickstream.lines]


def tracks(calls: list[Call], event: str) -> list[Call]:
    return [call for call in calls if call.get("event") == event]


def test_every_row_of_the_data_is_one_call(clickstream: Clickstream, calls: list[Call]) -> None:
    assert clickstream.source_count == SOURCE_EVENTS
    assert sum(call.get("event") in EVENT_NAMES.values() for call in calls) == SOURCE_EVENTS


def test_what_is_not_in_the_data_is_counted_apart(clickstream: Clickstream, calls: list[Call]) -> None:
    assert (clickstream.people_count, clickstream.derived_count) == (PEOPLE, PURCHASES)
    assert len(calls) == SOURCE_EVENTS + PEOPLE + PURCHASES
    assert len(tracks(calls, "Order Completed")) == len(tracks(calls, "Notice Shown")) == PURCHASES


def test_calls_are_in_the_order_of_time(calls: list[Call]) -> None:
    assert all(earlier["timestamp"] <= later["timestamp"] for earlier, later in pairwise(calls))


def test_people_are_known_before_anything_happens(calls: list[Call]) -> None:
    assert {call["type"] for call in calls[:PEOPLE]} == {"identify"}
    assert len({call["userId"] for call in calls[:PEOPLE]}) == PEOPLE
    assert {call["type"] for call in calls[PEOPLE:]} == {"track"}


def test_each_call_has_a_message_id_of_its_own(calls: list[Call]) -> None:
    assert max(Counter(call["messageId"] for call in calls).values()) == 1


def test_two_readings_give_the_same_bytes(clickstream: Clickstream) -> None:
    assert read_clickstream() == clickstream


def test_a_row_becomes_a_call_of_segments_spec(calls: list[Call]) -> None:
    first = next(call for call in calls if call["messageId"] == "ecom-000004")

    assert first == {
        "type": "track",
        "event": "Product Added",
        "userId": "user_0000",
        "messageId": "ecom-000004",
        "timestamp": "2024-03-13T10:23:32.000Z",
        "properties": {
            "session_id": "sess_000001",
            "platform": "desktop",
            "product": "Summit Fleece",
            "price": 79,
            "cart_id": "cart-000001",
            "cart": {"total": 79, "items": 1},
        },
    }


def test_what_is_added_in_a_visit_lies_in_its_cart_until_the_purchase(calls: list[Call]) -> None:
    carts: dict[str, dict[str, int]] = {}
    empty = {"total": 0, "items": 0}
    seen = Counter[str]()
    for call in calls[PEOPLE:]:
        properties = call["properties"]
        if "cart" not in properties:
            continue
        before, cart = carts.get(properties["cart_id"], empty), properties["cart"]
        if call["event"] == "Product Added":
            assert cart == {"total": before["total"] + properties["price"], "items": before["items"] + 1}
        elif before != empty:  # whoever looks into an empty cart finds the product at hand
            assert cart == before
        seen[call["event"]] += before != empty
        carts[properties["cart_id"]] = empty if call["event"] == "Order Completed" else cart

    assert min(seen["Product Added"], seen["Checkout Started"]) > 100


def test_nobody_checks_out_with_an_empty_cart(calls: list[Call]) -> None:
    checkouts = tracks(calls, "Checkout Started")

    assert all(call["properties"]["cart"]["total"] > 0 for call in checkouts)
    assert all(call["properties"]["cart"]["items"] > 0 for call in checkouts)


def test_carts_lie_on_both_sides_of_fifty(calls: list[Call]) -> None:
    over = Counter(call["properties"]["cart"]["total"] > 50 for call in tracks(calls, "Product Added"))

    assert over[True] > 500
    assert over[False] > 300


def test_a_purchase_is_thanked_for_a_second_later(calls: list[Call]) -> None:
    purchase = tracks(calls, "Order Completed")[0]
    notice = next(call for call in calls if call["messageId"] == purchase["messageId"] + "-notice")

    assert notice["userId"] == purchase["userId"]
    assert notice["properties"]["purchaseMessage"] == "thank you"
    assert (purchase["timestamp"], notice["timestamp"]) == (
        "2024-01-21T20:05:34.000Z",
        "2024-01-21T20:05:35.000Z",
    )
