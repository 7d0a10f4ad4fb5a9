"""Hold-outs: some of all people get no marketing at all, and it goes by their names who they are."""

from __future__ import annotations

from collections.abc import Callable

from tests.core.conftest import Story

from parcours.core.fact import DeliveryReached
from parcours.journey.project import Project

Shop = Callable[..., Project]

SEND = """
journey: trip
entry: {event: Start}
reentry: always
steps:
  - {id: write, send: %s, channels: [email], to: {email: event.email}, on_refused: refused}
  - {id: over, end: true}
  - {id: refused, end: true}
"""

# Of 10,000 buckets 2026 puts p9 into 2,181 and p8 into 5,736; 2027 puts p8 into 411.
THIRD = "{program: {percent: 33, salt: '2026'}}"


def told(shop: Shop, person: str, holdouts: str, message: str = "mail", **event: object) -> DeliveryReached:
    story = Story(shop(SEND % message, holdouts=holdouts).program, person=person)
    story.event(5, "Start", **{"email": "a@b.example", **event})
    (fact,) = [each for each in story.facts if isinstance(each, DeliveryReached)]
    assert story.steps()[-1][1] == ("refused" if fact.outcome == "refused" else "over")
    return fact


def test_whoever_is_held_out_gets_no_marketing(shop: Shop) -> None:
    fact = told(shop, "p9", THIRD)

    assert (fact.outcome, fact.gate, fact.reason) == ("refused", "holdout", "in the hold-out 'program'")


def test_everybody_else_gets_it(shop: Shop) -> None:
    assert told(shop, "p8", THIRD).outcome == "queued"


def test_transactional_messages_reach_her_as_ever(shop: Shop) -> None:
    assert told(shop, "p9", THIRD, "receipt").outcome == "queued"


def test_it_is_asked_before_all_other_gates(shop: Shop) -> None:
    assert told(shop, "p9", THIRD, email="").gate == "holdout"
    assert told(shop, "p8", THIRD, email="").gate == "address"


def test_each_hold_out_draws_its_own_people_and_the_first_that_has_her_is_told(shop: Shop) -> None:
    both = "{program: {percent: 33, salt: '2026'}, next: {percent: 50, salt: '2027'}}"

    assert told(shop, "p9", both).reason == "in the hold-out 'program'"
    assert told(shop, "p8", both).reason == "in the hold-out 'next'"


def test_a_bound_is_kept_to_a_hundredth_of_a_percent(shop: Shop) -> None:
    assert told(shop, "p9", "{program: {percent: 21.81, salt: '2026'}}").outcome == "queued"
    assert told(shop, "p9", "{program: {percent: 21.82, salt: '2026'}}").outcome == "refused"


def test_what_is_held_is_asked_again_when_it_is_released(shop: Shop) -> None:
    quiet = "{consent: {default: opt_out}, quiet_hours: [{from: '00:00', until: '06:00'}]}"
    before = shop(SEND % "mail", policies=quiet)
    after = shop(SEND % "mail", policies=quiet, holdouts=THIRD)
    story = Story(before.program, person="p9").event(5, "Start", email="a@b.example")
    assert story.gates()[-1][2:] == ("held", "quiet_hours")

    story.program = after.program
    story.wait(8 * 3_600_000)

    assert story.gates()[-1][2:] == ("refused", "holdout")
