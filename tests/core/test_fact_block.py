"""Do the facts of a commit come back as what they were, or not at all?"""

from __future__ import annotations

import msgspec
import pytest

from parcours.core.fact import Fact, LimitReached, Moved, Unmatched
from parcours.core.fact_block import FORMAT, decode_facts, encode_facts
from parcours.errors import StoreBroken

FACTS: list[Fact] = [
    Moved(1, "anna", "remind", 1, 1, "pause", "waiting", None),
    Unmatched(2, "é", "opened", "why"),
    LimitReached(3, "anna", "open_runs_max", "why"),
]


def test_facts_survive_the_way_through_bytes() -> None:
    assert decode_facts(encode_facts(FACTS), "record 1") == FACTS


def test_no_facts_take_no_bytes() -> None:
    assert encode_facts([]) == b""
    assert decode_facts(b"", "record 1") == []


@pytest.mark.parametrize(
    ("block", "says"),
    [
        (
            bytes([FORMAT + 1]) + b"\x90",
            f"record 7 has facts of format {FORMAT + 1}, .* reads format {FORMAT}: read them",
        ),
        (msgspec.msgpack.encode(FACTS), "record 7 has facts of format 147"),  # without a number
        (encode_facts(FACTS)[:-1], "record 7 has facts that cannot be read"),  # cut off
        (bytes([FORMAT]) + msgspec.msgpack.encode([["dreamt", 1]]), "record 7 has facts that cannot be read"),
    ],
)
def test_facts_that_cannot_be_read_are_named(block: bytes, says: str) -> None:
    with pytest.raises(StoreBroken, match=says):
        decode_facts(block, "record 7")
