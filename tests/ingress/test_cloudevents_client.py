"""Events that CloudEvents' own Python package has put into each of its modes, against a door in its own process."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from cloudevents.core.bindings.http import HTTPMessage, to_binary_event, to_structured_event
from cloudevents.core.v1.event import CloudEvent
from tests.ingress.served import Served, served
from tests.ingress.shop import applied, traits, write_shop

BATCH = {"content-type": "application/cloudevents-batch+json"}


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Served]:
    with served(write_shop(tmp_path / "shop"), "memory:", folder=tmp_path) as door:
        yield door


def cart(number: int, **more: str) -> CloudEvent:
    """A cart that Zoë has left."""
    attributes = {"id": f"e-{number}", "source": "/shop/carts", "type": "Cart Left", "subject": "zoë", **more}
    return CloudEvent({**attributes, "time": datetime.now(UTC)}, {"number": number})


def send(door: Served, message: HTTPMessage) -> dict[str, object]:
    answer = httpx.post(f"{door.address}/events", headers=message.headers, content=message.body)
    told: dict[str, object] = answer.raise_for_status().json()
    return told


def in_batch(*events: CloudEvent) -> HTTPMessage:
    """The package knows no batches: a batch is a list of structured events."""
    return HTTPMessage(BATCH, b"[%s]" % b",".join(to_structured_event(event).body for event in events))


def test_each_event_is_applied_once_in_whichever_mode_it_comes(door: Served) -> None:
    messages = [
        to_binary_event(cart(0)),
        to_binary_event(cart(1, datacontenttype="application/json")),
        to_structured_event(cart(2)),
        in_batch(cart(3), cart(4)),
    ]
    once = Counter(str(number) for number in range(5))

    answers = [send(door, message) for message in messages]

    assert [(answer["accepted"], answer["rejected"]) for answer in answers] == [(1, []), (1, []), (1, []), (2, [])]
    assert applied(door, "zoë") == once
    assert [send(door, message)["duplicate"] for message in messages] == [1, 1, 1, 2]
    assert send(door, in_batch(*(cart(number) for number in range(5))))["duplicate"] == 5
    assert applied(door, "zoë") == once


def test_an_event_may_say_what_is_known_of_somebody(door: Served) -> None:
    attributes = {"id": "e-1", "source": "/shop/accounts", "type": "Account Changed", "subject": "zoë"}
    event = CloudEvent({**attributes, "parcourstype": "identify"}, {"email": "zoë@shop.example"})

    send(door, to_binary_event(event))

    assert traits(door, "zoë") == {"email": "zoë@shop.example"}
