"""Is a CloudEvent in a log the same call as at the door, in both modes in which logs carry them?"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest

from parcours.segment.cloudevents import attributes_of, call_of, message_id_of
from parcours.source import Line
from parcours.sources.lines import as_it_is, line_of

AT = 1_700_000_000_123
AT_TEXT = "2023-11-14T22:13:20.123Z"
EVENT = {
    "specversion": "1.0",
    "id": "e-1",
    "source": "/shop",
    "type": "com.shop.order",
    "subject": "anna",
    "time": "2026-11-30T10:00:00Z",
    "data": {"total": 80},
}
CALL = {
    "type": "track",
    "messageId": "/shop e-1",
    "userId": "anna",
    "timestamp": "2026-11-30T10:00:00Z",
    "event": "Order Completed",
    "properties": {"total": 80},
}
TYPES = {"com.shop.order": "Order Completed"}


def binary(event: dict[str, Any], prefix: str = "ce_") -> tuple[Sequence[tuple[str, bytes]], bytes | None]:
    """The headers and the value of a message that carries it."""
    told = {name: value for name, value in event.items() if name != "data"}
    headers = [(f"{prefix}{name}", value.encode()) for name, value in told.items()]
    value = json.dumps(event["data"]).encode() if "data" in event else None
    return [("content-type", b"application/json"), *headers], value


def structured(event: dict[str, Any]) -> tuple[Sequence[tuple[str, bytes]], bytes]:
    return [("content-type", b"application/cloudevents+json; charset=utf-8")], json.dumps(event).encode()


def made(headers: Sequence[tuple[str, bytes]], value: bytes | None) -> Any:
    line = line_of(Line(7, value, b"key", headers, AT), "0", as_it_is, TYPES)
    assert line is not None
    return line.decode() if line.startswith(b"\0") else json.loads(line)


@pytest.mark.parametrize("message", [binary(EVENT), binary(EVENT, "ce-"), structured(EVENT)])
def test_it_is_the_call_that_the_door_makes_of_it(message: tuple[Any, Any]) -> None:
    attributes = attributes_of(json.dumps(EVENT).encode())

    assert made(*message) == CALL == json.loads(call_of(attributes, message_id_of(attributes), TYPES))


def test_one_without_a_time_has_that_of_the_log() -> None:
    event = {name: value for name, value in EVENT.items() if name != "time"}

    assert made(*binary(event))["timestamp"] == made(*structured(event))["timestamp"] == AT_TEXT


def test_one_whose_attributes_are_headers_needs_no_value() -> None:
    event = {name: value for name, value in EVENT.items() if name != "data"}

    assert made(*binary(event)) == CALL | {"properties": {}}
    assert line_of(Line(7, None, b"key", [("trace", b"1")], AT), "0", as_it_is, TYPES) is None


@pytest.mark.parametrize(
    "message, says",
    [
        (binary({**EVENT, "id": ""}), "the attribute id is missing"),
        (binary({**EVENT, "specversion": "0.3"}), "a specversion that is not 1.x"),
        (binary({**EVENT, "data": [1]}), "data is not an object"),
        (([*binary(EVENT)[0]], b'{},"userid":"berta"'), "data is not an object"),  # nobody gets an attribute in
        (([*binary(EVENT)[0], ("ce_id", b"\xff")], b"{}"), "the attribute id is not a text"),
        (structured({"id": "e-1"}), "the attribute specversion is missing"),
        ((structured(EVENT)[0], b"no JSON"), "not a CloudEvent: JSON is malformed"),
    ],
)
def test_one_that_is_none_is_set_aside_with_the_reason(message: tuple[Any, Any], says: str) -> None:
    told = made(*message)

    assert told.startswith("\0") and says in told, told


def test_a_person_whose_name_is_no_text_is_nobody_else() -> None:
    headers, value = binary(EVENT)

    assert made([*headers, ("ce_userid", b"\xff")], value)["userId"] == []  # which a shard takes for no id
