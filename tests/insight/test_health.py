"""What is a sign that something is wrong with a journey, and what is none just yet?"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import pytest

from parcours.config import DAY_MS
from parcours.core.fact import LimitReached
from parcours.core.recent import Happened, Recent
from parcours.core.totals import FactCounter, Totals
from parcours.figures_settings import FiguresSettings
from parcours.insight.health import Counters, Sign, sentence, signs_of
from parcours.journey.parts import Goal, Trigger
from parcours.journey.publish.ledger import LedgerEntry, Version

NAME = "welcome"
NOW_MS = 1_000 * DAY_MS
PUBLISHED = Version(1, "", 1, 0)


def signs(
    totals: Totals | None = None,
    *,
    minutes: Mapping[Happened, int] | None = None,
    hours: Mapping[Happened, int] | None = None,
    late: Mapping[str, int] | None = None,
    versions: tuple[Version, ...] = (PUBLISHED,),
    paused_at: int | None = None,
    goal: Goal | None = None,
) -> list[Sign]:
    recent = Recent(sorted((minutes or {}).items()), sorted((hours or {}).items()))
    counters = Counters(totals or Totals(), recent, late or {}, NOW_MS)
    return signs_of(NAME, LedgerEntry("open", True, paused_at, versions), goal, counters, FiguresSettings())


def told(found: list[Sign]) -> list[str]:
    return [each.sign for each in found]


def goal(target: float | None = 10, within_ms: int | None = None) -> Goal:
    return Goal(Trigger("Bought", None), within_ms, target)


def entered(runs: int, reached: int, *days: tuple[int, int], waiting: int = 0) -> Totals:
    """Runs that entered and reached the goal; and of days before now how many entered then."""
    return Totals(
        steps=[((NAME, 1, "first"), (waiting, 0, 0))],
        ways=[((NAME, 1, "", "entered", "Signed Up"), runs), ((NAME, 1, "", "goal", ""), reached)],
        entered_on=[((NAME, NOW_MS // DAY_MS - before), number) for before, number in days],
    )


def test_a_journey_of_which_nothing_is_counted_is_fine() -> None:
    assert signs() == []


def test_parked_runs_are_told_with_their_commonest_reason() -> None:
    totals = Totals(
        steps=[((NAME, 1, "first"), (3, 0, 0)), (("other", 1, "first"), (9, 0, 0))],
        parked=[((NAME, "first", "a loop"), 1), ((NAME, "first", "no step"), 2), (("other", "first", "a loop"), 9)],
    )

    (sign,) = signs(totals)

    assert (sign.sign, sign.because, sign.figures["runs"], sign.where) == (
        "parked", "no step", 3, "/journeys/welcome?step=first",
    )  # fmt: skip
    assert sentence(sign) == "3 runs stand still for good, most of them: no step"


def test_runs_that_were_parked_and_stopped_since_are_no_sign() -> None:
    totals = Totals(steps=[((NAME, 1, "first"), (3, 0, 3))], parked=[((NAME, "first", "a loop"), 3)])

    assert signs(totals) == []


@pytest.mark.parametrize(("late_ms", "found"), [(5_000, []), (5_001, ["late"])])
def test_a_timer_is_late_after_five_seconds(late_ms: int, found: list[str]) -> None:
    assert told(signs(late={NAME: late_ms, "other": 60_000})) == found


@pytest.mark.parametrize(
    ("sent", "failed", "bounced", "found"),
    [
        (18, 1, 1, []),  # of 19 deliveries
        (19, 0, 1, []),  # 1 of 19: one that bounces was sent
        (19, 1, 0, []),  # exactly 5 %
        (19, 2, 0, ["failing"]),
        (20, 0, 2, ["failing"]),  # 2 of 20
        (0, 0, 20, ["failing"]),  # all of them were sent before the hour
    ],
)
def test_more_than_five_percent_of_twenty_deliveries_that_went_wrong(
    sent: int, failed: int, bounced: int, found: list[str]
) -> None:
    outcomes = {"sent": sent, "failed": failed, "bounced": bounced}

    assert (
        told(signs(minutes={("delivery", NAME, "email", each): number for each, number in outcomes.items()})) == found
    )


@pytest.mark.parametrize(
    ("passed", "quiet", "cap", "found"),
    [
        (8, 11, 0, []),  # of 19
        (10, 10, 0, []),  # exactly half
        (9, 11, 0, ["held_back"]),
        (0, 10, 10, []),  # no single gate
    ],
)
def test_more_than_half_of_twenty_stopped_by_one_gate(passed: int, quiet: int, cap: int, found: list[str]) -> None:
    counts: dict[Happened, int] = {
        ("queued", NAME, "", ""): passed,
        ("gate", NAME, "email", "quiet_hours"): quiet,
        ("gate", NAME, "email", "cap"): cap,
    }

    signed = signs(minutes=counts)

    assert told(signed) == found
    assert not found or signed[0].because == "quiet_hours"


@pytest.mark.parametrize(
    ("came", "refused", "paused", "let_in", "found"),
    [
        (19, 0, 0, 0, []),
        (20, 0, 0, 0, ["nobody"]),
        (15, 5, 0, 0, ["nobody"]),
        (15, 0, 50, 0, []),  # somebody has paused it, and knows
        (200, 0, 0, 1, []),
    ],
)
def test_nobody_enters_though_its_event_comes(
    came: int, refused: int, paused: int, let_in: int, found: list[str]
) -> None:
    counts: dict[Happened, int] = {
        ("came", NAME, "", ""): came,
        ("unmet", NAME, "", "event.total > 50 is false"): came,
        ("refused", NAME, "", "too_soon"): refused,
        ("refused", NAME, "", "paused"): paused,
        **({("entered", NAME, "", ""): let_in} if let_in else {}),
    }

    signed = signs(hours=counts)

    assert told(signed) == found
    assert not found or signed[0].because == "event.total > 50 is false"


@pytest.mark.parametrize(
    ("totals", "goal_of_it", "found"),
    [
        (entered(99, 0), goal(), []),
        (entered(100, 9), goal(), ["under_target"]),
        (entered(100, 10), goal(), []),  # the target is met
        (entered(100, 0, waiting=1), goal(), []),  # 99 are over
        (entered(100, 0), goal(target=None), []),
        (entered(100, 0), None, []),
        (entered(110, 0, (20, 100), (3, 10)), goal(within_ms=14 * DAY_MS), ["under_target"]),
        (entered(109, 0, (20, 99), (3, 10)), goal(within_ms=14 * DAY_MS), []),
        (entered(110, 0, (20, 90), (14, 20)), goal(within_ms=14 * DAY_MS), []),  # that day is not over for all
        (entered(200, 0, (3, 10)), goal(within_ms=14 * DAY_MS), []),  # when the others entered is not known
    ],
)
def test_too_few_of_a_hundred_runs_whose_time_is_over_reached_the_goal(
    totals: Totals, goal_of_it: Goal | None, found: list[str]
) -> None:
    assert told(signs(totals, goal=goal_of_it)) == found


@pytest.mark.parametrize(("days", "waiting", "found"), [(30, 5, []), (31, 5, ["draining"]), (31, 0, [])])
def test_an_older_version_has_people_in_it_for_too_long(days: int, waiting: int, found: list[str]) -> None:
    versions = PUBLISHED, Version(2, "", 2, NOW_MS - days * DAY_MS)
    totals = Totals(steps=[((NAME, 1, "first"), (waiting, 0, 0)), ((NAME, 2, "first"), (8, 0, 0))])

    assert told(signs(totals, versions=versions)) == found


@pytest.mark.parametrize(
    ("paused_at", "lost_at", "found"),
    [(NOW_MS - 5, NOW_MS - 4, ["pinned"]), (NOW_MS - 5, NOW_MS - 6, []), (None, NOW_MS - 4, [])],
)
def test_a_pause_that_loses_something(paused_at: int | None, lost_at: int, found: list[str]) -> None:
    assert told(signs(Totals(lost=[(NAME, lost_at)]), paused_at=paused_at)) == found


def test_what_is_lost_for_a_pause_is_counted_by_its_journey() -> None:
    counter = FactCounter(100, 100)

    counter.add(
        [LimitReached(5, "p", "kept_inputs_max", "in other words", NAME), LimitReached(9, "p", "inbox_max", "")]
    )

    assert counter.totals().lost == [(NAME, 5)]


def test_the_worst_sign_comes_first_and_each_has_words() -> None:
    totals = msgspec.structs.replace(
        entered(101, 0), parked=[((NAME, "first", "a loop"), 1)], lost=[(NAME, NOW_MS)],
        steps=[((NAME, 1, "first"), (1, 0, 0))],
    )  # fmt: skip
    minutes: dict[Happened, int] = {
        ("delivery", NAME, "email", "failed"): 30,
        ("gate", NAME, "email", "cap"): 30,
    }

    found = signs(
        totals,
        minutes=minutes,
        hours={("came", NAME, "", ""): 20, ("unmet", NAME, "", "profile.plan is missing"): 20},
        late={NAME: 6_000},
        versions=(PUBLISHED, Version(2, "", 2, 0)),
        paused_at=NOW_MS - 1,
        goal=goal(within_ms=None, target=50),
    )

    assert told(found) == ["parked", "late", "failing", "held_back", "nobody", "under_target", "draining", "pinned"]
    assert [sentence(each) for each in found] == [
        "1 run stands still for good, most of them: a loop",
        "a timer of it is 6s late",
        "100.0 % of 30 deliveries went wrong: 30 failed",
        "the gate 'cap' refused or held 100.0 % of 30 deliveries",
        "its entry event came 20 times and nobody entered, mostly for this: profile.plan is missing",
        "0.0 % of the 100 runs whose time is over reached the goal, less than its target",
        "1 run is in version 1, which was replaced 1,000 days ago",
        "it is paused, and not all that happens meanwhile can be kept: some of it is lost",
    ]
