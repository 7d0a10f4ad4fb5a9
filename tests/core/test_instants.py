"""Instants are whole milliseconds, and what lies between two of them counts as the later one."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from parcours.instants import EARLIEST_MS, EPOCH, LATEST_MS, to_moment, to_ms


@pytest.mark.parametrize(
    "microseconds, at_ms",
    [(0, 0), (1, 1), (999, 1), (1_000, 1), (1_001, 2), (-1, 0), (-999, 0), (-1_000, -1), (-1_001, -1)],
)
def test_an_instant_is_rounded_up_to_the_millisecond(microseconds: int, at_ms: int) -> None:
    assert to_ms(EPOCH + timedelta(microseconds=microseconds)) == at_ms


@pytest.mark.parametrize("at_ms", [EARLIEST_MS, -1, 0, 1_767_225_600_123, LATEST_MS])
def test_an_instant_comes_back_as_it_was(at_ms: int) -> None:
    assert to_ms(to_moment(at_ms)) == at_ms


def test_a_zone_makes_no_other_instant() -> None:
    assert to_ms(datetime.fromisoformat("2026-01-01T01:00:00+01:00")) == 1_767_225_600_000
