"""Instants are whole milliseconds, and what lies between two of them is rounded as its use wants it."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from parcours.instants import EARLIEST_MS, EPOCH, LATEST_MS, ceil_ms, floor_ms, to_moment


@pytest.mark.parametrize(
    "microseconds, down, up",
    [
        (0, 0, 0),
        (1, 0, 1),
        (999, 0, 1),
        (1_000, 1, 1),
        (1_001, 1, 2),
        (-1, -1, 0),
        (-999, -1, 0),
        (-1_000, -1, -1),
        (-1_001, -2, -1),
        (-86_400_000_001, -86_400_001, -86_400_000),
    ],
)
def test_an_instant_is_rounded_to_the_millisecond_up_or_down_also_before_1970(
    microseconds: int, down: int, up: int
) -> None:
    moment = EPOCH + timedelta(microseconds=microseconds)

    assert (floor_ms(moment), ceil_ms(moment)) == (down, up)


@pytest.mark.parametrize("at_ms", [EARLIEST_MS, -1, 0, 1_767_225_600_123, LATEST_MS])
def test_an_instant_comes_back_as_it_was(at_ms: int) -> None:
    assert floor_ms(to_moment(at_ms)) == ceil_ms(to_moment(at_ms)) == at_ms


def test_a_zone_makes_no_other_instant() -> None:
    assert ceil_ms(datetime.fromisoformat("2026-01-01T01:00:00+01:00")) == 1_767_225_600_000
