"""After how many seconds a client is asked to come again."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from parcours.ingress.pressure import Pace, retry_after_s


def test_the_pace_is_that_of_the_last_seconds() -> None:
    pace = Pace()
    for second in range(10):
        pace.note(30, second + 0.1)
        pace.note(70, second + 0.9)

    assert pace.per_second(9.95) == 100
    assert pace.per_second(12) == 40
    assert pace.per_second(60) == 0


@given(st.integers(0, 10**7), st.floats(0, 10**6), st.text(max_size=8))
def test_it_is_a_whole_number_of_seconds_within_bounds(waiting: int, pace: float, request_id: str) -> None:
    assert 1 <= retry_after_s(waiting, pace, request_id) <= 32


def test_whoever_has_more_before_him_waits_for_longer_and_not_all_come_again_at_once() -> None:
    assert [retry_after_s(lines, 100.0, "a") - retry_after_s(0, 100.0, "a") for lines in (100, 1_000, 10**6)] == [
        0,
        9,
        29,
    ]
    assert {retry_after_s(0, 0.0, str(number)) for number in range(50)} == {1, 2, 3}
