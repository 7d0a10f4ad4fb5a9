"""Whatever is handed in by a program: what is wrong with one call is said of that call alone."""

from __future__ import annotations

from codecs import BOM_UTF8
from collections.abc import Callable, Iterator
from types import MappingProxyType
from typing import Any

import msgspec
import pytest

from parcours.errors import CallerError
from parcours.journey.project import Project
from parcours.routing.calls import line_of
from parcours.service.engine import Engine
from parcours.simulation.simulation import simulate

NewShop = Callable[..., Project]

SEEN: dict[str, object] = {"type": "track", "event": "Seen", "userId": "anna", "timestamp": "2026-01-01T10:00:00Z"}


@pytest.fixture
def engine(new_shop: NewShop) -> Iterator[Engine]:
    with Engine.open(new_shop(), "memory:", runtime="local", records=["email"]) as engine:
        yield engine


def nested(depth: int) -> object:
    value: object = 1
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    "value",
    [
        object(),
        {1, object()},
        nested(100_000),
    ],
    ids=["object", "set", "nesting"],
)
def test_a_call_that_is_no_json_is_rejected_by_itself(value: object, engine: Engine) -> None:
    wrong = SEEN | {"properties": {"page": value}}

    outcome = engine.ingest([SEEN, wrong, {"type": "track"}, SEEN, wrong]).result(60)

    assert outcome.accepted == 2
    assert [place for place, _ in outcome.rejected] == [1, 2, 4]
    reasons = dict(outcome.rejected)
    assert reasons[1].startswith("the call cannot be written as JSON: ")
    assert not reasons[2].startswith("the call cannot be written")


@pytest.mark.parametrize(
    "block, places",
    [
        (b"\n%s\n \n{}\n%s\n\r\n[]\n", [3, 6]),
        (b"%s\n{}\n%s\n[]\n", [1, 3]),
        (b"%s\n{}\n%s\n[]", [1, 3]),
        (b"\n%s\n%s\n[]", [3]),
        (b"%s\n%s\n{}\n\n", [2]),
    ],
)
def test_a_rejected_line_of_a_block_has_the_place_that_an_editor_shows(
    block: bytes, places: list[int], engine: Engine
) -> None:
    seen = msgspec.json.encode(SEEN)

    outcome = engine.ingest(block % (seen, seen)).result(60)

    assert ([place for place, _ in outcome.rejected], outcome.accepted) == (places, 2)


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_lines_of_ndjson_are_taken_one_by_one_as_simulate_takes_them(
    kind: Callable[[bytes], bytes], engine: Engine, new_shop: NewShop
) -> None:
    seen = msgspec.json.encode(SEEN)
    lines: list[Any] = [kind(each) for each in (BOM_UTF8 + seen, b"", seen + b"\n", b"{}", b" \n", b"rubbish")]

    outcome = engine.ingest(lines).result(60)

    assert (outcome.accepted, [place for place, _ in outcome.rejected]) == (2, [3, 5])
    events = simulate(new_shop(), lines).summary.events
    assert (events.used, events.rejected) == (2, 2)


@pytest.mark.parametrize("wrong", ['{"type": "track"}', 5, None, [], ("type", "track")])
def test_what_is_no_call_is_told_by_what_it_is(wrong: object, engine: Engine) -> None:
    outcome = engine.ingest([SEEN, msgspec.json.encode(SEEN), wrong]).result(60)  # type: ignore[list-item]  # as people do

    assert outcome.accepted == 2
    assert outcome.rejected == ((2, f"a call is a dict, or a line of NDJSON as bytes, and this is {wrong!r}"),)


def test_half_of_a_character_is_replaced_in_a_value_and_rejects_the_call_in_an_id(engine: Engine) -> None:
    value = SEEN | {"properties": {"page": "\ud800 \ud83d\ude00"}}

    outcome = engine.ingest([value, SEEN | {"userId": "u\ud800"}]).result(60)

    assert (outcome.accepted, [place for place, _ in outcome.rejected]) == (1, [1])
    assert line_of(value) == msgspec.json.encode(SEEN | {"properties": {"page": "\ufffd \U0001f600"}})


def test_a_byte_order_mark_before_a_block_is_no_part_of_its_first_line(engine: Engine, new_shop: NewShop) -> None:
    line = BOM_UTF8 + msgspec.json.encode(SEEN)

    assert engine.ingest(line).result(60).accepted == 1
    for lines in (line, [line, msgspec.json.encode(SEEN)]):
        assert simulate(new_shop(), lines).summary.events.rejected == 0


def test_a_call_may_be_any_mapping(engine: Engine) -> None:
    assert engine.ingest([MappingProxyType(SEEN)]).result(60).accepted == 1


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_a_block_may_be_any_kind_of_bytes(kind: Callable[[bytes], bytes], engine: Engine, new_shop: NewShop) -> None:
    block = kind(b"\n".join([msgspec.json.encode(SEEN), b"", msgspec.json.encode(SEEN), b"rubbish"]))
    numbers: list[int] = []

    assert engine.ingest(block).result(60).accepted == 2
    result = simulate(new_shop(), block, rejected=lambda number, reason: numbers.append(number))

    assert (result.summary.events.read, numbers) == (3, [4])


@pytest.mark.parametrize(
    "given, complaint",
    [
        ("text", "a str is given, and .* encode it as UTF-8"),
        (SEEN, "a single dict is given, and .* put it into a list"),
        (5, "int is given"),
        (None, "NoneType is given"),
    ],
)
def test_what_is_neither_calls_nor_a_block_is_the_caller_s_mistake(
    given: object, complaint: str, engine: Engine, new_shop: NewShop
) -> None:
    with pytest.raises(CallerError, match=complaint):
        engine.ingest(given)  # type: ignore[arg-type]  # what a caller may do
    with pytest.raises(CallerError, match=complaint):
        simulate(new_shop(), given)  # type: ignore[arg-type]  # what a caller may do


@pytest.mark.parametrize("person", [5.0, True, None, b"anna", "\ud800"])
def test_a_person_is_asked_for_by_a_text(person: object, engine: Engine) -> None:
    with pytest.raises(CallerError, match="a person's id is a text"):
        engine.profile(person)  # type: ignore[arg-type]  # what a caller may do


def test_a_whole_number_stands_for_its_text_in_questions_too(engine: Engine) -> None:
    engine.identify(5, {"city": "Oslo"}).result()

    assert engine.profile(5) == engine.profile("5") is not None
    assert engine.explain(5) == engine.explain("5")
    with pytest.raises(CallerError, match="a whole number of fewer digits"):
        engine.profile(10**5_000)


@pytest.mark.parametrize("journey", [None, 5, ["cart"], {}])
def test_a_journey_is_named_by_a_text(journey: object, engine: Engine) -> None:
    for change in (engine.close_journey, engine.stop_journey, engine.pause_journey, engine.resume_journey):
        with pytest.raises(CallerError, match=f"{change.__name__}.*: a journey's name is a text"):
            change(journey)  # type: ignore[arg-type]  # what a caller may do
