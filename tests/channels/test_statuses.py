"""What does an HTTP status mean for a delivery? By itself, else by its class; a table can be changed for a provider."""

from __future__ import annotations

import pytest

from parcours.channel import (
    HTTP_STATUSES,
    Accepted,
    Ambiguous,
    NotSent,
    Receipt,
    Refused,
    StatusTable,
    Verdict,
    receipt_of,
)


@pytest.mark.parametrize(
    "status, verdict",
    [
        (200, "accepted"),
        (299, "accepted"),
        (302, "refused"),  # redirects are not followed
        (404, "refused"),
        (410, "refused"),
        (408, "wait"),
        (429, "wait"),
        (503, "wait"),
        (500, "unknown"),
        (502, "unknown"),
        (100, "unknown"),
        (999, "unknown"),
    ],
)
def test_a_status_means_what_it_says_itself_else_what_its_class_says(status: int, verdict: Verdict) -> None:
    assert HTTP_STATUSES.meaning(status) == verdict


def test_a_provider_s_table_differs_in_what_it_names_and_leaves_the_common_one_alone() -> None:
    table = HTTP_STATUSES.but({410: "dead", 503: "unknown"})

    assert [table.meaning(status) for status in (410, 503, 429, 404)] == ["dead", "unknown", "wait", "refused"]
    assert [HTTP_STATUSES.meaning(status) for status in (410, 503)] == ["refused", "wait"]


def test_a_provider_may_have_meanings_of_its_own() -> None:
    table = StatusTable[str]({402: "pay first"}, {2: "fine"}, "call them")

    assert [table.meaning(status) for status in (402, 204, 500)] == ["pay first", "fine", "call them"]


@pytest.mark.parametrize(
    "verdict, receipt",
    [
        ("accepted", Accepted("k")),
        ("wait", NotSent("k", "said so", 3.0, "429")),
        ("dead", Refused("k", "said so", permanent=True, code="429")),
        ("refused", Refused("k", "said so", code="429")),
        ("unknown", Ambiguous("k", "said so", "429")),
    ],
)
def test_each_verdict_has_its_receipt(verdict: Verdict, receipt: Receipt) -> None:
    assert receipt_of(verdict, "k", "said so", "429", 3.0) == receipt
