"""What do reports count, figure by figure, of facts that were made up?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.insight.warehouse.rows import MINUTE, TEN, Journal, minutes

from parcours.errors import CallerError
from parcours.insight.reports.asked import Asked
from parcours.insight.reports.counting import report_of
from parcours.insight.reports.report import Cell, Report

HOUR = 60
CART = """
journey: cart
entry: {event: Added}
goal: {event: Bought, target: 30}
steps:
  - {id: wait, wait: 1h}
  - {id: remind, send: reminder}
"""


def run(journal: Journal, person: str, at: float, *, run: int = 1, left: float | None = None, **columns: Any) -> None:
    """A run that waits at `wait` and, if it is left, ends at `remind`."""
    journal.move(at, person, "entered", run, why="Added", **columns)
    journal.move(at, person, "reached", run, step="wait", **columns)
    if left is not None:
        journal.move(left, person, "reached", run, step="remind", **columns)
        journal.move(left, person, "ended", run, step="remind", why="last step", **columns)


@pytest.fixture
def journal() -> Journal:
    """Ann and Ben go on after 10 and 20 minutes, Cem waits, Dan exits; a day later Eve comes, of another version."""
    journal = Journal()
    journal.tell("publications", 0, "", journey="cart", version=1, document=CART, digest="d")
    run(journal, "ann", 0, left=10)
    journal.move(5, "ann", "goal", step="wait")
    run(journal, "ben", 0, left=20)
    run(journal, "cem", 30)
    journal.tell("moves", 31, "cem", what="not_entered", why="already_in")
    run(journal, "dan", 40)
    journal.move(45, "dan", "exited", step="wait", why="Unsubscribed")
    run(journal, "eve", 24 * HOUR, left=24 * HOUR + 40, version=2)
    return journal


def deliver(journal: Journal, at: float, key: str, *outcomes: str, **columns: Any) -> None:
    """A delivery, a minute from one outcome to the next."""
    for number, outcome in enumerate(outcomes):
        link = "shop" if outcome == "clicked" else None
        journal.tell("deliveries", at + number, f"of {key}", outcome=outcome, key=key, link=link, **columns)


def asked(journal: Journal, folder: Path, asked: Asked) -> Report:
    with journal.warehouse(folder) as warehouse:
        return report_of(warehouse, asked)


def table(report: Report, title: str) -> list[dict[str, Cell]]:
    (found,) = [each for each in report.sections if each.title == title]
    return [dict(zip(found.columns, row, strict=True)) for row in found.rows]


def rows(report: Report, title: str) -> list[tuple[Cell, ...]]:
    (found,) = [each for each in report.sections if each.title == title]
    return [*found.rows]


def test_a_journey_is_told_step_by_step_with_the_lower_of_two_medians(journal: Journal, tmp_path: Path) -> None:
    report = asked(journal, tmp_path, Asked("journey"))

    assert table(report, "Runs") == [
        {"journey": "cart", "entered": 5, "open": 1, "parked": 0, "exited": 1, "ended": 3, "goal": 1}
    ]
    assert table(report, "Goals") == [
        {"journey": "cart", "target in percent": 30.0, "reached": 1, "entered": 5, "rate": 0.2}
    ]
    # those who have left `wait`: after 5, 10, 20 and 40 minutes
    assert rows(report, "Steps") == [
        ("cart", "wait", 5, 1, 3, 1, 10 * MINUTE, 40 * MINUTE),
        ("cart", "remind", 3, 0, 0, 3, 0, 0),
    ]
    assert rows(report, "Ended") == [("cart", "remind", "ended", "last step", 3)]
    assert rows(report, "Exits by rule") == [("cart", "wait", "exited", "Unsubscribed", 1)]
    assert rows(report, "Refused entries") == [("cart", "already_in", 1)]


def test_a_window_counts_the_runs_that_entered_in_it_whenever_they_end(journal: Journal, tmp_path: Path) -> None:
    report = asked(journal, tmp_path, Asked("journey", "cart", TEN, TEN + 40 * MINUTE))

    assert rows(report, "Runs") == [("cart", 3, 1, 0, 0, 2, 1)]
    assert [row[1:6] for row in rows(report, "Steps")] == [("wait", 3, 1, 2, 0), ("remind", 2, 0, 0, 2)]


def test_or_what_happened_in_it_with_what_was_there_before(journal: Journal, tmp_path: Path) -> None:
    window = Asked("journey", None, TEN + 15 * MINUTE, TEN + 45 * MINUTE, "moved")

    report = asked(journal, tmp_path, window)

    assert table(report, "Runs") == [
        {"journey": "cart", "before": 1, "entered": 2, "open": 2, "exited": 0, "ended": 1, "goal": 0}
    ]
    assert [row[1:7] for row in rows(report, "Steps")] == [("wait", 1, 2, 2, 1, 0), ("remind", 0, 1, 0, 0, 1)]
    assert table(report, "Goals") == [
        {"journey": "cart", "target in percent": 30.0, "reached": 0, "runs": 3, "rate": 0.0}
    ]


@pytest.mark.parametrize(
    ("since", "until", "reached", "runs"),
    [
        (None, None, 2, 6),  # of all that ever entered
        (2, 8, 1, 2),  # nobody enters, and Ann and Ben are in it
        (12, 25, 0, 1),  # Ann has ended, and reached it before
        (48, 51, 1, 2),  # Dan has ended, and reaches it nevertheless; Cem is in it
        (48, 54, 1, 3),  # and Fay enters
    ],
)
def test_a_goal_that_is_reached_within_a_window_is_that_of_a_run_that_was_there(
    journal: Journal, tmp_path: Path, since: int | None, until: int | None, reached: int, runs: int
) -> None:
    journal.move(50, "dan", "goal")
    run(journal, "fay", 52)
    begin, end = (None if each is None else TEN + each * MINUTE for each in (since, until))

    report = asked(journal, tmp_path, Asked("journey", None, begin, end, "moved"))

    ((found),) = table(report, "Goals")
    assert (found["reached"], found["runs"]) == (reached, runs)
    assert found["rate"] == reached / runs


def test_moves_by_day_have_no_rate_as_a_run_may_be_there_on_several(journal: Journal, tmp_path: Path) -> None:
    report = asked(journal, tmp_path, Asked("journey", cohort="moved", by="day"))
    by_version = asked(journal, tmp_path, Asked("journey", cohort="moved", by="version"))

    assert table(report, "Goals")[0] == {
        "day": "2026-01-01", "journey": "cart", "target in percent": 30.0, "reached": 1,
    }  # fmt: skip
    assert [(row["version"], row["runs"], row["rate"]) for row in table(by_version, "Goals")] == [
        ("1", 4, 0.25), ("2", 1, 0.0),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("by", "found"),
    [
        ("version", [("1", 4), ("2", 1)]),
        ("day", [("2026-01-01", 4), ("2026-01-02", 1)]),
        ("hour", [("2026-01-01T10:00Z", 4), ("2026-01-02T10:00Z", 1)]),
        ("week", [("2025-12-29", 5)]),
    ],
)
def test_runs_are_divided_by_version_and_by_when_they_entered(
    journal: Journal, tmp_path: Path, by: Any, found: list[tuple[str, int]]
) -> None:
    report = asked(journal, tmp_path, Asked("journey", by=by))

    assert [(row[by], row["entered"]) for row in table(report, "Runs")] == found


def test_moves_are_divided_by_when_they_happened(tmp_path: Path) -> None:
    journal = Journal()
    run(journal, "ann", 50, left=70)

    report = asked(journal, tmp_path, Asked("journey", cohort="moved", by="hour"))

    ten, eleven = "2026-01-01T10:00Z", "2026-01-01T11:00Z"
    assert [row[:6] for row in rows(report, "Steps")] == [
        (eleven, "cart", "remind", 1, 0, 1),
        (ten, "cart", "wait", 1, 0, 0),
        (eleven, "cart", "wait", 0, 1, 0),
    ]


def test_a_run_that_goes_on_after_a_merge_is_one_run(tmp_path: Path) -> None:
    journal = Journal()
    run(journal, "@anonymous/a", 0)
    journal.merge(5, "@anonymous/a", "ann", [["cart", 1, 1, 7, None, "wait"]])
    journal.move(30, "ann", "reached", 7, step="remind")
    journal.move(30, "ann", "ended", 7, step="remind", why="last step")

    report = asked(journal, tmp_path, Asked("journey"))

    assert rows(report, "Runs") == [("cart", 1, 0, 0, 0, 1, 0)]
    assert rows(report, "Steps") == [
        ("cart", "remind", 1, 0, 0, 1, 0, 0),
        ("cart", "wait", 1, 0, 1, 0, 30 * MINUTE, 30 * MINUTE),
    ]


@pytest.fixture
def delivered(journal: Journal) -> Journal:
    deliver(journal, 0, "k1", "queued", "sent", "delivered", "opened", "clicked")
    deliver(journal, 5, "k1", "clicked")
    deliver(journal, 0, "k2", "queued", "sent", "delivered")
    deliver(journal, 70, "k3", "queued", "sent", step="later")
    deliver(journal, 0, "k4", "refused", gate="quiet", reason="at night")
    deliver(journal, 0, "k5", "held", gate="cap")
    deliver(journal, 0, "k6", "queued", "claimed", "sent", "failed", reason="no such box", code="550")
    deliver(journal, 3, "k2", "opened", machine=True)
    return journal


def test_a_channel_has_outcomes_and_rates_of_deliveries(delivered: Journal, tmp_path: Path) -> None:
    report = asked(delivered, tmp_path, Asked("channel"))

    assert table(report, "Deliveries") == [
        {
            "channel": "email", "deliveries": 6,
            "open": 1, "unknown": 0, "sent": 3, "refused": 1, "cancelled": 0, "failed": 1,
        }
    ]  # fmt: skip
    assert rows(report, "Outcomes") == [
        ("email", "held", 1, 1),
        ("email", "sent", 4, 4),
        ("email", "delivered", 2, 2),
        ("email", "opened", 1, 1),
        ("email", "clicked", 2, 1),
        ("email", "failed", 1, 1),
        ("email", "refused", 1, 1),
        ("email", "machine_opened", 1, 1),
    ]
    assert rows(report, "Rates") == [
        ("email", "delivered / sent", 2, 4, 0.5),
        ("email", "opened / delivered", 1, 2, 0.5),
        ("email", "clicked / opened", 1, 1, 1.0),
        ("email", "unsubscribed / delivered", 0, 2, 0.0),
    ]
    assert rows(report, "Gates") == [
        ("email", "cap", "held", "", 1, 1),
        ("email", "quiet", "refused", "at night", 1, 1),
    ]
    assert rows(report, "Reasons") == [("email", "failed", "no such box", "550", 1, 1)]
    assert rows(report, "Links") == [("email", "shop", 2, 1)]


def test_nothing_divided_by_nothing_is_empty(tmp_path: Path) -> None:
    journal = Journal()
    deliver(journal, 0, "k1", "queued", "sent", "opened")

    report = asked(journal, tmp_path, Asked("message", "reminder"))

    assert rows(report, "Rates") == [
        ("reminder", "email", "delivered / sent", 0, 1, 0.0),
        ("reminder", "email", "opened / delivered", 1, 0, None),
        ("reminder", "email", "clicked / opened", 0, 1, 0.0),
    ]


def test_deliveries_are_divided_by_when_they_began_or_by_when_something_happened(
    delivered: Journal, tmp_path: Path
) -> None:
    began = asked(delivered, tmp_path, Asked("channel", by="hour"))
    happened = asked(delivered, tmp_path, Asked("channel", None, TEN + 4 * MINUTE, cohort="moved", by="hour"))

    assert [(row["hour"], row["deliveries"]) for row in table(began, "Deliveries")] == [
        ("2026-01-01T10:00Z", 5),
        ("2026-01-01T11:00Z", 1),
    ]
    assert [row[:4] for row in rows(happened, "Outcomes")] == [
        ("2026-01-01T10:00Z", "email", "clicked", 2),
        ("2026-01-01T11:00Z", "email", "sent", 1),
    ]


def test_deliveries_are_divided_by_step_and_version(delivered: Journal, tmp_path: Path) -> None:
    by_step = asked(delivered, tmp_path, Asked("message", by="step"))
    by_version = asked(delivered, tmp_path, Asked("message", by="version"))

    assert [(row["step"], row["deliveries"]) for row in table(by_step, "Deliveries")] == [
        ("cart.later", 1),
        ("cart.remind", 5),
    ]
    assert [row["version"] for row in table(by_version, "Deliveries")] == ["cart 1"]


def test_a_campaign_has_the_sets_of_each_run(tmp_path: Path) -> None:
    journal = Journal()
    told: dict[str, Any] = {"campaign": "push", "version": 1, "run": 1, "dropped": [("double", 2)]}
    journal.tell("campaign_steps", 0, "", step="all", output="main", size=5, **told)
    journal.tell("campaign_steps", 0, "", step="all", output="rest", size=1, **told)

    report = asked(journal, tmp_path, Asked("campaign"))

    assert rows(report, "Sets") == [("push", 1, 1, "all", "main", 5), ("push", 1, 1, "all", "rest", 1)]
    assert rows(report, "Dropped") == [("push", 1, 1, "all", "double", 2)]


def test_events_are_counted_with_their_people(tmp_path: Path) -> None:
    journal = Journal()
    for at, person, event in ((0, "ann", "Seen"), (1, "ann", "Seen"), (2, "ben", "Seen"), (90, "ann", "Seen")):
        journal.event(at, person, event)

    assert rows(asked(journal, tmp_path, Asked("event")), "Events") == [("Seen", 4, 2)]
    assert rows(asked(journal, tmp_path, Asked("event", by="hour")), "Events") == [
        ("2026-01-01T10:00Z", "Seen", 3, 2),
        ("2026-01-01T11:00Z", "Seen", 1, 1),
    ]


def test_places_are_counted_with_how_long_people_were_there(tmp_path: Path) -> None:
    journal = Journal()

    def told(at: float, person: str, place: str, way: str, why: str, dwell: int | None = None) -> None:
        journal.tell("changes", at, person, what="place", name=place, value=way, reason=why, dwell=dwell)

    told(0, "ann", "studio", "entered", "fix")
    told(5, "ben", "studio", "entered", "phone")
    told(30, "ann", "studio", "left", "fix", 1800)
    told(65, "ben", "studio", "left", "silent", 600)
    told(70, "ann", "hall", "entered", "fix")
    journal.tell("changes", 71, "ann", what="audience", name="studio", value="entered")

    assert rows(asked(journal, tmp_path, Asked("place")), "Places") == [
        ("hall", 1, 0, 0, 1, None, None),
        ("studio", 2, 2, 1, 2, 600_000, 1_800_000),
    ]
    assert rows(asked(journal, tmp_path, Asked("place", "studio", by="hour")), "Places") == [
        ("2026-01-01T10:00Z", "studio", 2, 1, 0, 2, 1_800_000, 1_800_000),
        ("2026-01-01T11:00Z", "studio", 0, 1, 1, 1, 600_000, 600_000),
    ]


def test_what_facts_do_not_tell_of_is_refused(journal: Journal, tmp_path: Path) -> None:
    with pytest.raises(CallerError, match="no journey 'crat', did you mean 'cart'"):
        asked(journal, tmp_path, Asked("journey", "crat"))


def test_what_cannot_be_divided_is_refused() -> None:
    with pytest.raises(CallerError, match="of kind journey is not divided by step: by one of day, hour, week, version"):
        Asked("journey", by="step")
    with pytest.raises(CallerError, match="nor by anything else"):
        Asked("campaign", by="day")
    with pytest.raises(CallerError, match="is not after --from"):
        Asked("event", None, 5, 5)


def test_the_stays_of_a_run_are_a_view(journal: Journal, tmp_path: Path) -> None:
    with journal.warehouse(tmp_path) as warehouse:
        query = "select step, stay, reached, went_on, next_step, ended, state, why from steps where person = 'ann'"
        (some,) = warehouse.sql(f"{query} order by stay").rows

    assert [(*row[:2], *map(minutes, row[2:4]), row[4], minutes(row[5]), *row[6:]) for row in some] == [
        ("wait", 1, 0, 10, "remind", None, "gone_on", None),
        ("remind", 2, 10, None, None, 10, "ended", "last step"),
    ]
