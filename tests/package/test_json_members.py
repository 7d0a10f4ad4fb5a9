"""Members of an object are replaced in its text, and all else stays as it was."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parcours.segment.json_members import with_member, with_text

TEXTS = st.text(max_size=8) | st.sampled_from(["timestamp", '"timestamp"', 'x"timestamp', "\\", "effectiveAt"])
VALUES = TEXTS | st.integers() | st.none() | st.lists(TEXTS, max_size=2) | st.dictionaries(TEXTS, TEXTS, max_size=2)
OBJECTS = st.dictionaries(TEXTS.filter(lambda name: name != "timestamp"), VALUES, max_size=5)


@given(OBJECTS, st.booleans(), st.sampled_from([None, 1]), st.integers(0, 5))
def test_a_text_is_replaced_wherever_it_stands(
    members: dict[str, object], ascii_only: bool, indent: int | None, place: int
) -> None:
    pairs = list(members.items())
    whole = dict([*pairs[:place], ("timestamp", "2026-01-01T10:00:00Z"), *pairs[place:]])
    text = json.dumps(whole, ensure_ascii=ascii_only, indent=indent).encode()

    told = json.loads(with_text(text, "timestamp", "2027"))

    assert told == {**whole, "timestamp": "2027"}


@given(OBJECTS, VALUES)
def test_a_member_is_put_in_place_of_any_of_its_name(members: dict[str, object], value: object) -> None:
    text = json.dumps({**members, "timestamp": value}).encode()

    assert json.loads(with_member(text, "timestamp", b"7")) == {**members, "timestamp": 7}


@pytest.mark.parametrize(
    "text, expected",
    [
        (b'{"timestamp": "x" , "a":1}', b'{"timestamp": "2027" , "a":1}'),
        (b'{"timest\\u0061mp":"y","a":1,"timestamp":"x"}', b'{"a":1,"timestamp":"2027"}'),  # of two the last one counts
        (b'{"timestamp":"x","timest\\u0061mp":"y"}', b'{"timestamp":"2027"}'),
        (b'{"timestamp":"x","a":{"timestamp":"y"}}', b'{"a":{"timestamp":"y"},"timestamp":"2027"}'),
    ],
)
def test_the_text_around_it_stays_as_it_was(text: bytes, expected: bytes) -> None:
    assert with_text(text, "timestamp", "2027") == expected
