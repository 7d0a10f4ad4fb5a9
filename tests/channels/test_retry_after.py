"""How long does a provider ask to wait? Whatever it writes, nothing is raised and no clock is looked at."""

from __future__ import annotations

import pytest

from parcours.channel import PAUSE_S_MAX, retry_after_s

ANSWERED = {"Date": "Mon, 02 Mar 2026 09:00:00 GMT"}


@pytest.mark.parametrize(
    "headers, expected",
    [
        # seconds
        ({"Retry-After": "120"}, 120.0),
        ({"Retry-After": "0"}, 0.0),
        ({"Retry-After": " 5 "}, 5.0),
        # a date, counted from the answer's own
        (ANSWERED | {"Retry-After": "Mon, 02 Mar 2026 09:01:30 GMT"}, 90.0),
        (ANSWERED | {"Retry-After": "Mon, 02 Mar 2026 10:01:30 +0100"}, 90.0),
        (ANSWERED | {"Retry-After": "Mon, 02 Mar 2026 08:00:00 GMT"}, 0.0),  # it has passed
        ({"Retry-After": "Mon, 02 Mar 2026 09:01:30 GMT"}, None),  # nothing to count it from
        ({"Retry-After": "Mon, 02 Mar 2026 09:01:30 GMT", "Date": "today"}, None),
        (ANSWERED | {"Retry-After": "Mon, 02 Mar 2026 09:01:30 -0000"}, None),  # a zone that says it knows none
        # nonsense
        ({}, None),
        (ANSWERED | {"Retry-After": ""}, None),
        (ANSWERED | {"Retry-After": "soon"}, None),
        (ANSWERED | {"Retry-After": "1.5"}, None),
        (ANSWERED | {"Retry-After": "٣"}, None),  # a digit, but not one of HTTP's
        (ANSWERED | {"Retry-After": "Mon, 99 Mar 2026 09:01:30 GMT"}, None),
        (ANSWERED | {"Retry-After": "Mon, 02 Mar 2026 09:01:30 +99999999999999999999"}, None),
        # negative
        (ANSWERED | {"Retry-After": "-5"}, None),
        # huge
        ({"Retry-After": "9" * 400}, PAUSE_S_MAX),
        (ANSWERED | {"Retry-After": "Fri, 31 Dec 9999 23:59:59 GMT"}, PAUSE_S_MAX),
    ],
)
def test_a_pause_is_read_in_either_form(headers: dict[str, str], expected: float | None) -> None:
    assert retry_after_s(headers) == expected
