"""What expressions ask of memberships: as the person stands at that point, by whichever definition, saved or not."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from parcours.core.fact import Changed, LimitReached
from parcours.core.input import MembershipSaved
from parcours.journey.project import Project

if TYPE_CHECKING:
    from tests.core.conftest import Begin, Story, Tell

HOUR = 3_600_000
DAY = 24 * HOUR

ENTRY = """{journey: trip, entry: {event: Start, when: '%s'}, steps: [{id: stay, wait: 1s}]}"""


def entered(story: Story) -> list[int]:
    return [at for at, *_ in story.told("entered")]


@pytest.mark.parametrize(
    "condition, at",
    [
        ('in_audience("paris")', 30),
        ('!in_audience("paris")', 10),
        ('in_audience("paris") && event.total > 5', 40),
        # a condition sees no macro variable of whoever asks, and may have some of its own
        ('["a", "b"].exists(x, x == "b" && in_audience("listed"))', 30),
    ],
)
def test_an_entry_asks_whether_the_person_is_inside_after_the_events_of_the_instant(
    tell: Tell, condition: str, at: int
) -> None:
    audiences = """
paris: profile.city == "Paris"
listed: '["Paris", "Rome"].exists(y, ["Paris"].exists(z, z == y && z == profile.city))'
"""
    story = tell(ENTRY % condition, audiences=audiences)

    story.event(10, "Start", total=1).identify(20, city="Paris").event(30, "Start", total=1).event(40, "Start", total=9)

    assert entered(story)[0] == at


def test_an_audience_that_changes_by_time_is_asked_at_the_exact_instant(tell: Tell) -> None:
    story = tell(ENTRY % 'in_audience("lapsed")', audiences="""lapsed: 'count("Bought", "10d") == 0'""")

    story.event(5, "Bought").event(5 + 10 * DAY - 1, "Start").event(5 + 10 * DAY, "Start")

    assert entered(story) == [5 + 10 * DAY]


def test_a_history_counts_the_event_at_hand(tell: Tell) -> None:
    journey = (ENTRY % 'in_audience("twice")').replace("Start", "Bought")
    story = tell(journey, audiences="""twice: 'count("Bought", "10d") > 1'""")

    story.event(5, "Bought").event(6, "Bought")

    assert entered(story) == [6]


ROUND = """
journey: trip
entry: {event: Start}
steps:
  - {id: grow, update: {score: "11.0"}}
  - {id: ask, branch: [{when: 'in_audience("big")', next: big}, {otherwise: small}]}
  - {id: big, end: true}
  - {id: small, end: true}
"""


def test_a_step_behind_an_update_asks_of_the_person_as_she_is_by_then(tell: Tell) -> None:
    story = tell(ROUND, audiences="{big: profile.score > 10}").event(5, "Start")

    assert story.steps()[-1] == (5, "big")


def test_an_entry_that_is_refused_says_that_she_is_not_inside(tell: Tell) -> None:
    story = tell(ENTRY % 'in_audience("paris")', audiences="{paris: profile.city == 'Paris'}").event(5, "Start")

    (unmet,) = story.others()
    assert getattr(unmet, "why", None) == 'in_audience("paris") is false'


def test_a_condition_that_goes_too_far_is_told_as_of_any_expression(tell: Tell) -> None:
    audiences = """long: '["a", "b", "c"].all(x, x != "d")'"""
    story = tell(ENTRY % 'in_audience("long")', audiences=audiences, macro_steps_max=2).event(5, "Start")

    assert entered(story) == []
    assert {fact.setting for fact in story.facts if isinstance(fact, LimitReached)} == {"macro_steps_max"}


WAITING = """
journey: trip
entry: {event: Start}
correlation: event.cart
steps:
  - {id: listen, wait_for: [{event: Bought, when: 'in_audience("some")', next: done}]}
  - {id: done, end: true}
"""


def test_a_run_asks_by_the_definition_with_which_its_version_was_published(
    shop: Callable[..., Project], begin: Begin
) -> None:
    control = begin(shop(WAITING, audiences="some: profile.score > 10"))
    control.story.identify(1, score=15).event(2, "Start", cart="a")

    control.publish(3, shop(WAITING, audiences="some: profile.score > 20"))
    control.story.event(4, "Start", cart="b").event(5, "Bought")

    assert [(at, run) for at, _, run, _ in control.story.told("matched")] == [(5, 1)]


def test_a_run_goes_on_asking_for_an_audience_that_is_published_no_more(
    shop: Callable[..., Project], begin: Begin
) -> None:
    control = begin(shop(WAITING, audiences="""some: 'count("Seen", "1d") > 1'"""))
    control.story.event(2, "Start", cart="a").event(3, "Seen")

    control.publish(4, shop(WAITING.replace("""'in_audience("some")'""", "'true'")))
    control.story.event(5, "Seen").event(6, "Bought")

    assert [(at, run) for at, _, run, _ in control.story.told("matched")] == [(6, 1)]


SAVED = "{best: {saved: true}, missed: 'profile.score > 1 && !in_audience(\"best\")'}"
HEARS = """
journey: trip
entry: {event: Start}
exit: [{audience: missed, change: left}]
steps: [{id: listen, wait_for: [{audience: best, next: heard}]}, {id: heard, wait: 1h}]
"""


def changes(story: Story) -> list[tuple[int, str, str | None]]:
    return [(each.at, each.name, each.value) for each in story.facts if isinstance(each, Changed) and each.at > 1]


def test_an_audience_that_asks_for_a_saved_one_changes_with_the_save(tell: Tell) -> None:
    story = tell(HEARS, audiences=SAVED).identify(1, score=5).event(2, "Start")

    story.give(MembershipSaved(10, "best", True)).give(MembershipSaved(20, "best", False))

    assert changes(story) == [
        (10, "best", "entered"),
        (10, "missed", "left"),
        (20, "best", "left"),
        (20, "missed", "entered"),
    ]
    assert story.moves("exited", "matched") == [("exited", "listen", "missed")]


def test_a_save_that_is_silent_is_told_by_audiences_that_ask_for_it(tell: Tell) -> None:
    story = tell(HEARS, audiences=SAVED).identify(1, score=5).event(2, "Start")

    story.give(MembershipSaved(10, "best", True, True))
    assert story.moves("exited", "matched") == [("exited", "listen", "missed")]

    journey = HEARS.replace("missed, change: left", "odd")
    alone = tell(journey, audiences="{best: {saved: true}, odd: 'false'}").event(2, "Start")
    alone.give(MembershipSaved(10, "best", True, True))
    assert alone.moves("exited", "matched") == []


def test_a_journey_asks_for_a_saved_audience(tell: Tell) -> None:
    story = tell(ENTRY % 'in_audience("best")', audiences="best: {saved: true}")

    story.event(5, "Start").give(MembershipSaved(10, "best", True)).event(15, "Start")

    assert entered(story) == [15]
