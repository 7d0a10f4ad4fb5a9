"""Does a sentence say which window an answer is of, and what is not there any more?"""

from __future__ import annotations

import pytest

from parcours.insight.window_text import cut_text, cut_that_matters, window_text

BEGIN, HOUR = "1970-01-01T00:00:00.000Z", "1970-01-01T01:00:00.000Z"


@pytest.mark.parametrize(
    ("from_ms", "to_ms", "alone", "counted"),
    [
        (None, None, "All that is known.", "Runs entered at any time."),
        (0, None, f"From {BEGIN} on.", f"Runs entered from {BEGIN} on."),
        (None, 0, f"Before {BEGIN}.", f"Runs entered before {BEGIN}."),
        (0, 3_600_000, f"From {BEGIN} and before {HOUR}.", f"Runs entered from {BEGIN} and before {HOUR}."),
    ],
)
def test_a_window_is_a_sentence(from_ms: int | None, to_ms: int | None, alone: str, counted: str) -> None:
    assert window_text(from_ms, to_ms) == alone
    assert window_text(from_ms, to_ms, "Runs entered") == counted


def test_what_was_kept_for_long_enough_is_told_by_table() -> None:
    assert cut_text("moves", 0) == f"There are no moves from before {BEGIN}: they were kept for long enough."


@pytest.mark.parametrize(
    ("from_ms", "told"), [(None, ["moves", "events"]), (4, ["moves", "events"]), (5, ["moves"]), (7, ["moves"])]
)
def test_of_a_window_that_begins_later_no_events_are_missing(from_ms: int | None, told: list[str]) -> None:
    cut = cut_that_matters({"events": 5, "moves": 7, "deliveries": 9}, ("moves", "events", "looks"), from_ms)

    assert [*cut] == told
