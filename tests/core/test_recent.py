"""What is counted of the last hours, by the minute and by the hour."""

from __future__ import annotations

import msgspec
import pytest

from parcours.config import HOUR_MS, MINUTE_MS
from parcours.core.counted import Counted
from parcours.core.fact import DeliveryReached, Fact, Moved, Outcome, Unmet
from parcours.core.recent import Recent, RecentCounts, together
from parcours.core.totals import OTHER, OTHER_REASONS, FactCounter


def entered(journey: str = "welcome") -> Fact:
    return Moved(0, "p", journey, 1, 1, "first", "entered", "Signed Up")


def refused(why: str) -> Fact:
    return Moved(0, "p", "welcome", 1, None, None, "not_entered", why)


def reached(outcome: Outcome, gate: str | None = None) -> DeliveryReached:
    return DeliveryReached(
        0, "p", "welcome", 1, 1, "first", "email", "hello", "p@x", outcome, gate, "k", None, None, 1, "marketing",
        None, 0, None,
    )  # fmt: skip


def missed(why: str, *, person: str = "p", at: int = 0) -> Fact:
    return Unmet(at, person, "welcome", 1, "Signed Up", why)


def counts(names_max: int = 100) -> RecentCounts:
    return RecentCounts(60, 24, names_max)


def test_each_kind_is_counted_by_its_journey_and_what_it_says() -> None:
    facts = [
        entered(), entered(), refused("too_soon"), reached("queued"), reached("claimed"), reached("sent"),
        reached("held", "quiet_hours"), missed("profile.plan is missing"),
    ]  # fmt: skip
    recent = counts()

    recent.add(MINUTE_MS, Counted(facts))

    assert dict(recent.recent(MINUTE_MS).minutes) == {
        ("entered", "welcome", "", ""): 2,
        ("refused", "welcome", "", "too_soon"): 1,
        ("queued", "welcome", "", ""): 1,
        ("delivery", "welcome", "email", "sent"): 1,
        ("delivery", "welcome", "email", "held"): 1,
        ("gate", "welcome", "email", "quiet_hours"): 1,
        ("came", "welcome", "", ""): 1,
        ("unmet", "welcome", "", "profile.plan is missing"): 1,
    }


def test_reasons_are_counted_by_channel_and_one_that_words_each_anew_leaves_the_others_room() -> None:
    failed = [msgspec.structs.replace(reached("failed"), reason=f"no. {number}") for number in range(150)]
    full = msgspec.structs.replace(reached("bounced"), channel="sms", reason="the mailbox is full")
    recent, counter = counts(), FactCounter(1_000, 500)

    for fact in (*failed, full, full):
        recent.add(MINUTE_MS, Counted([fact]))
        counter.add([fact])

    reasons = {each[2:]: number for each, number in recent.recent(MINUTE_MS).minutes if each[0] == "reason"}
    assert reasons["sms", "the mailbox is full"] == 2
    assert reasons["email", OTHER_REASONS] == 50 and sum(reasons.values()) == 152
    told = {(channel, reason): number for (channel, _, reason), number in counter.totals().reasons}
    assert told == reasons, "totals have the same bound"


@pytest.mark.parametrize(
    ("after_ms", "minutes", "hours"),
    [
        (0, 1, 1),
        (59 * MINUTE_MS, 1, 1),  # the last minute in which it counts
        (60 * MINUTE_MS, 0, 1),
        (23 * HOUR_MS, 0, 1),
        (24 * HOUR_MS, 0, 0),
    ],
)
def test_what_is_old_is_not_counted_even_if_nothing_has_happened_since(after_ms: int, minutes: int, hours: int) -> None:
    recent = counts()
    recent.add(0, Counted([entered()]))

    found = recent.recent(after_ms)

    assert (sum(dict(found.minutes).values()), sum(dict(found.hours).values())) == (minutes, hours)


def test_buckets_that_are_over_are_forgotten() -> None:
    recent = counts()
    for minute in range(3_000):
        recent.add(minute * MINUTE_MS, Counted([entered()]))

    assert len(recent._minutes._buckets) == 60
    assert len(recent._hours._buckets) == 24


def test_names_beyond_the_bound_of_a_bucket_are_counted_together() -> None:
    recent = counts(names_max=2)

    recent.add(0, Counted([entered(name) for name in "abcd"]))

    assert recent.recent(0).minutes == [
        (("entered", "a", "", ""), 1),
        (("entered", "b", "", ""), 1),
        (("entered", OTHER, "", ""), 2),
    ]


@pytest.mark.parametrize(
    ("facts", "came"),
    [
        ([missed("a"), missed("b")], 1),  # two triggers of one event
        ([missed("a"), missed("a")], 2),  # the same event twice at one instant
        ([missed("a"), missed("b"), missed("a"), missed("b")], 2),
        ([missed("a"), missed("b", at=1)], 2),
        ([missed("a"), missed("b", person="q")], 2),
    ],
)
def test_an_event_that_misses_several_conditions_has_come_once(facts: list[Fact], came: int) -> None:
    counted = Counted(facts)

    assert counted.came == {"welcome": came}
    assert sum(counted.unmet.values()) == len(facts)


def test_what_happened_to_different_people_is_added_up() -> None:
    one, other = (("entered", "a", "", ""), 2), (("entered", "b", "", ""), 1)

    summed = together([Recent([one], [one]), Recent([one, other], [other])])  # type: ignore[list-item]

    assert summed == Recent([(("entered", "a", "", ""), 4), (("entered", "b", "", ""), 1)], [one, other])  # type: ignore[list-item]
