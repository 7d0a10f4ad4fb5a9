"""When an event happened, by a client's wrong clock and the right one of the door."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parcours.config import DAY_MS
from parcours.ingress.clock_skew import BACK_MAX_MS, cut_ms, meant_ms, time_of

NOW = 1_700_000_000_000
TIMES = st.integers(0, 4_000_000_000_000)


@pytest.mark.parametrize(
    "original, sent, meant",
    [
        (NOW - 5_000, NOW - 1_000, NOW - 4_000),  # a second on the way
        (NOW - 5_000 - DAY_MS, NOW - DAY_MS, NOW - 5_000),  # a clock that is a day behind
        (NOW - 5_000 + DAY_MS, NOW + DAY_MS, NOW - 5_000),  # and one that is ahead
        (NOW, NOW - 1_000, NOW),  # it happened after it was sent
        (NOW - 399 * DAY_MS, NOW, NOW - 399 * DAY_MS),  # it lay for long
        (NOW - 400 * DAY_MS, NOW, NOW - 400 * DAY_MS),
        (0, NOW, 0),  # a clock that had begun anew when it happened
        (NOW + 500 * DAY_MS, NOW + 1_000 * DAY_MS, NOW),  # nothing has happened later than it came
        (NOW - 5_000, None, NOW - 5_000),
        (NOW + 5_000, None, NOW),
    ],
)
def test_what_a_client_means(original: int, sent: int | None, meant: int) -> None:
    assert meant_ms(original, sent, NOW) == meant


@given(TIMES, st.none() | TIMES, TIMES)
def test_nothing_happens_later_than_it_came_nor_is_moved_back_by_more_than_it_says(
    original: int, sent: int | None, received: int
) -> None:
    meant = meant_ms(original, sent, received)

    assert meant <= received
    assert meant >= min(original, received - BACK_MAX_MS)


@given(TIMES, st.integers(0, 300 * DAY_MS), st.integers(-(10**12), 10**12))
def test_a_clock_may_be_wrong_by_anything(original: int, lay: int, wrong: int) -> None:
    received = original + lay

    assert meant_ms(original + wrong, received + wrong, received) == original


@pytest.mark.parametrize(
    "text, told",
    [
        ("2026-01-01T10:00:00Z", "2026-01-01T10:00:00+00:00"),
        ("2026-01-01T10:00:00.1239Z", "2026-01-01T10:00:00.123000+00:00"),
        ("2026-01-01T10:00:00.123456789+02:00", "2026-01-01T08:00:00.123000+00:00"),
        ("2026-01-01 10:00:00", "2026-01-01T10:00:00+00:00"),
        ("2026-01-01t10:00:00z", "2026-01-01T10:00:00+00:00"),
        ("2026-01-01", "2026-01-01T00:00:00+00:00"),
        ("20260101T100000+0530", "2026-01-01T04:30:00+00:00"),
        ("yesterday", None),
        ("1767261600", None),
        ("", None),
        ("2026-13-01", None),
        ("Thu Jan 01 2026 10:00:00 GMT+0000", None),
        ("2" * 10_000, None),
    ],
)
def test_times_as_clients_write_them(text: str, told: str | None) -> None:
    moment, expected = time_of(text), None if told is None else time_of(told)

    assert (moment is None) == (expected is None)
    if moment is not None and expected is not None:
        assert cut_ms(moment) == cut_ms(expected)
