"""Milliseconds become the text that ISO 8601 asks for."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parcours.core.time_text import time_text
from parcours.instants import EPOCH, MILLISECOND


@pytest.mark.parametrize(
    "at_ms, text",
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (-1, "1969-12-31T23:59:59.999Z"),
        (1_709_164_799_999, "2024-02-28T23:59:59.999Z"),
        (1_709_164_800_000, "2024-02-29T00:00:00.000Z"),  # a leap day
        (1_767_261_600_007, "2026-01-01T10:00:00.007Z"),
    ],
)
def test_a_time_is_written_to_the_millisecond(at_ms: int, text: str) -> None:
    assert time_text(at_ms) == text


@given(st.datetimes(datetime(1000, 1, 1), datetime(9999, 12, 31), timezones=st.just(UTC)))  # noqa: DTZ001  hypothesis wants naive bounds
def test_the_text_reads_back_as_the_same_time(time: datetime) -> None:
    at_ms = (time - EPOCH) // MILLISECOND

    assert datetime.fromisoformat(time_text(at_ms)) == EPOCH + at_ms * MILLISECOND
