"""How often deliveries came to something, in the last hour, in the last day and in all."""

from __future__ import annotations

from parcours.core.recent import Recent
from parcours.core.totals import Totals
from parcours.insight.delivery_counts import OverTime, gate_counts, outcome_counts, reason_counts

RECENT = Recent(
    minutes=[
        (("delivery", "cart", "email", "sent"), 1),
        (("gate", "cart", "email", "cap"), 2),
        (("reason", "", "email", "full"), 1),
    ],
    hours=[
        (("delivery", "cart", "email", "sent"), 4),
        (("delivery", "trip", "email", "sent"), 8),
        (("entered", "cart", "", ""), 16),
        (("gate", "cart", "email", "cap"), 2),
        (("reason", "", "email", "full"), 3),
    ],
)

TOTALS = Totals(
    deliveries=[
        (("cart", 1, "write", "email", "refused", "cap"), 2),
        (("cart", 1, "write", "email", "sent", ""), 20),
        (("cart", 2, "write", "email", "sent", ""), 10),
        (("trip", 1, "write", "email", "sent", ""), 100),
        (("trip", 1, "write", "sms", "failed", ""), 5),
    ],
    reasons=[(("email", "bounced", "full"), 3), (("email", "failed", "full"), 4), (("sms", "failed", "no answer"), 5)],
)


def test_outcomes_are_those_of_all_versions_of_all_journeys_or_of_one() -> None:
    assert outcome_counts(TOTALS, RECENT, None) == {
        ("email", "refused"): OverTime(total=2),
        ("email", "sent"): OverTime(minutes=1, hours=12, total=130),
        ("sms", "failed"): OverTime(total=5),
    }
    assert outcome_counts(TOTALS, RECENT, "trip") == {
        ("email", "sent"): OverTime(hours=8, total=100),
        ("sms", "failed"): OverTime(total=5),
    }
    assert outcome_counts(TOTALS, RECENT, "none") == {}


def test_gates_and_reasons_are_counted_by_channel() -> None:
    assert gate_counts(TOTALS, RECENT, "cart") == {("email", "cap"): OverTime(minutes=2, hours=2, total=2)}
    assert gate_counts(TOTALS, RECENT, "trip") == {}
    assert reason_counts(TOTALS, RECENT) == {
        ("email", "full"): OverTime(minutes=1, hours=3, total=7),
        ("sms", "no answer"): OverTime(total=5),
    }
