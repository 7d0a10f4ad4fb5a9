"""Do events and timers make as much work as they did? Store operations, bytes, decoders and evaluations are counted.

More of it is a cost that nobody may have meant, and less is worth keeping: work_counts.py says how it is renewed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.benchmarks.work_counts import Counts, differences, kept, work

from parcours.expression.expression import Expression
from parcours.segment.line import decode_envelope
from parcours.shard import intake
from parcours.shard.imaging import Imaging


def test_events_and_timers_make_as_much_work_as_is_kept() -> None:
    assert differences(kept(), work()) == []


def twice(method: Callable[..., Any]) -> Callable[..., Any]:
    """As somebody writes it who does not see that the first answer would do."""

    def called(*given: Any, **named: Any) -> Any:
        method(*given, **named)
        return method(*given, **named)

    return called


MUTANTS: list[tuple[object, str, Callable[..., Any], str]] = [
    (intake, "decode_envelope", decode_envelope, "json decoded"),
    (Expression, "holds", Expression.holds, "conditions evaluated"),
    (Imaging, "committed", Imaging.committed, "store: trim"),
]


@pytest.mark.parametrize("of, name, method, counted", MUTANTS, ids=[counted for *_, counted in MUTANTS])
def test_what_is_done_twice_is_found(
    of: object, name: str, method: Callable[..., Any], counted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(of, name, twice(method))

    found = differences(kept(), work())

    assert any(line.startswith(f"cart: a thousand events: {counted}") for line in found), found
    assert not any("store: append" in line for line in found), found


CASES: list[tuple[Counts, Counts, list[str]]] = [
    ({"decoded": 100.0}, {"decoded": 102.0}, []),  # within the tolerance
    ({"decoded": 100.0}, {"decoded": 102.1}, ["cart: decoded: 102.1 where 100.0 are kept"]),
    ({"decoded": 100.0}, {"decoded": 97.0}, ["cart: decoded: 97.0 where 100.0 are kept"]),  # less, which is to be kept
    ({"decoded": 100.0}, {}, ["cart: decoded: 0.0 where 100.0 are kept"]),
    ({}, {"decoded": 0.1}, ["cart: decoded: 0.1 where 0.0 are kept"]),  # what was never done before
]


@pytest.mark.parametrize("before, after, told", CASES)
def test_what_is_off_by_more_than_the_tolerance_is_told(before: Counts, after: Counts, told: list[str]) -> None:
    assert differences({"cart": before}, {"cart": after}) == told
