"""Versions side by side: a run stays with the publication under which it entered, later entries get the newest."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from parcours.config import HOUR_MS
from parcours.core.fact import DeliveryReached, Moved
from parcours.journey.project import Project

if TYPE_CHECKING:
    from tests.core.conftest import Begin, Control

Shop = Callable[..., Project]

TRIP = """
journey: trip
entry: {event: Start}
correlation: event.cart
steps:
  - {id: pause, wait: 1h}
  - {id: write, send: mail, channels: [email]}
  - {id: listen, wait_for: [{event: Bought, when: "event.total > 10", next: done}]}
  - {id: done, end: true}
"""


def versions(control: Control, what: str) -> list[tuple[int, int, int | None]]:
    """(time, version, run) of each move of this kind."""
    return [(f.at, f.version, f.run) for f in control.story.facts if isinstance(f, Moved) and f.what == what]


def test_a_run_keeps_its_steps_and_the_next_one_has_the_new_ones(shop: Shop, begin: Begin) -> None:
    control = begin(shop(TRIP))
    control.story.event(1_000, "Start", cart="a")

    control.publish(2_000, shop(TRIP.replace("wait: 1h", "wait: 2h")))
    control.story.event(3_000, "Start", cart="b").wait(9 * HOUR_MS)

    assert versions(control, "entered") == [(1_000, 1, 1), (3_000, 2, 2)]
    assert control.story.steps()[2:] == [
        (1_000 + HOUR_MS, "write"),
        (1_000 + HOUR_MS, "listen"),
        (3_000 + 2 * HOUR_MS, "write"),
        (3_000 + 2 * HOUR_MS, "listen"),
    ]


def test_a_condition_that_was_changed_holds_for_new_runs_only(shop: Shop, begin: Begin) -> None:
    control = begin(shop(TRIP))
    control.story.event(0, "Start", cart="a").wait(2 * HOUR_MS)

    control.publish(2 * HOUR_MS, shop(TRIP.replace("event.total > 10", "event.total > 100")))
    control.story.event(2 * HOUR_MS, "Start", cart="b").wait(4 * HOUR_MS)
    control.story.event(4 * HOUR_MS, "Bought", total=50)

    assert versions(control, "matched") == [(4 * HOUR_MS, 1, 1)]


def test_each_version_sends_its_own_message_by_its_own_class(shop: Shop, begin: Begin) -> None:
    control = begin(shop(TRIP))
    control.story.event(0, "Start", cart="a")

    control.publish(
        1, shop(TRIP, messages="[{message: mail, class: transactional, email: {text: '{{ entry.cart }}'}}]")
    )
    control.story.event(2, "Start", cart="b").wait(2 * HOUR_MS)

    queued = {each.version: (each.message_class, set(each.context)) for each in control.story.outbox.values()}
    assert queued == {1: ("marketing", {"entry", "run"}), 2: ("transactional", {"entry"})}


CALLING = """
journey: trip
entry: {event: Start}
correlation: event.cart
steps:
  - {id: pause, wait: 1h}
  - {id: ask, call: note}
"""


def test_each_version_calls_its_own_action(shop: Shop, begin: Begin) -> None:
    asking = "note: {url: 'https://desk.example/HOST', body: {cart: entry.cart}}"
    control = begin(shop(CALLING, actions=asking.replace("HOST", "a")))
    control.story.event(0, "Start", cart="a")

    control.publish(1, shop(CALLING, actions=asking.replace("HOST", "b")))
    control.story.event(2, "Start", cart="b").wait(2 * HOUR_MS)

    called = {each.version: each.to for each in control.story.outbox.values()}
    assert called == {1: "https://desk.example/a", 2: "https://desk.example/b"}


RULED = """
journey: trip
entry: {event: Start}
correlation: event.cart
steps:
  - {id: listen, wait_for: [{event: Big, next: done}]}
  - {id: done, end: true}
"""


def test_a_rule_by_which_events_are_recognised_holds_as_it_was_published(shop: Shop, begin: Begin) -> None:
    stricter = "Big: {of: Bought, rule: event.total > 1000, properties: {total: number}}"
    control = begin(shop(RULED))
    control.story.event(0, "Start", cart="a")
    control.publish(1, shop(RULED, events=stricter))
    control.story.event(2, "Start", cart="b")

    control.story.event(3, "Bought", total=500)
    matched_by_the_old_rule = versions(control, "matched")
    control.story.event(4, "Bought", total=5_000)

    assert matched_by_the_old_rule == [(3, 1, 1)]
    assert versions(control, "matched") == [(3, 1, 1), (4, 2, 2)]
    assert [why for _, _, why in control.story.moves("matched")] == ["Big", "Big"], "facts name it as its author does"


COUNTED = """
journey: trip
entry: {event: Start, when: 'count("Big", "1d") > 0'}
correlation: event.cart
steps: [{id: rest, wait: 1h}]
"""


def test_a_history_begins_anew_with_a_rule_that_means_something_else(shop: Shop, begin: Begin) -> None:
    control = begin(shop(COUNTED))
    control.story.event(0, "Bought", total=500).event(1, "Start", cart="a")

    control.publish(2, shop(COUNTED, events="Big: {of: Bought, rule: event.total > 1000, properties: {total: number}}"))
    control.story.event(3, "Start", cart="b")
    refused = len(control.story.others())
    control.story.event(4, "Bought", total=5_000).event(5, "Start", cart="c")

    assert refused == 1
    assert versions(control, "entered") == [(1, 1, 1), (5, 2, 2)]


LEAVERS = """
journey: trip
entry: {event: Start}
correlation: event.cart
exit: [{audience: local}]
steps: [{id: rest, wait: 1d}]
"""


def test_an_audience_that_was_changed_ends_older_runs_by_its_older_meaning(shop: Shop, begin: Begin) -> None:
    control = begin(shop(LEAVERS, audiences='{local: profile.city == "Paris"}'))
    control.story.event(0, "Start", cart="a")
    control.publish(1, shop(LEAVERS, audiences='{local: profile.city == "Lyon"}'))
    control.story.event(2, "Start", cart="b")

    control.story.identify(3, city="Lyon")
    assert versions(control, "exited") == [(3, 2, 2)]

    control.story.identify(4, city="Paris")
    assert versions(control, "exited") == [(3, 2, 2), (4, 1, 1)]
    assert [why for _, _, why in control.story.moves("exited")] == ["local", "local"]


ARRIVALS = """
journey: trip
entry: {audience: local}
steps: [{id: rest, wait: 1d}]
"""


def test_a_new_audience_is_filled_without_anybody_entering_it(shop: Shop, begin: Begin) -> None:
    control = begin(shop(TRIP))
    control.story.identify(0, city="Paris")

    control.publish(1, shop(ARRIVALS, audiences='{local: profile.city == "Paris"}'))
    assert control.story.profile.audiences == {"local": True}
    assert control.story.moves("entered") == []

    control.story.identify(2, city="Rome").identify(3, city="Paris")
    assert versions(control, "entered") == [(3, 2, 1)]


ASKED = '{local: \'consent("email", "marketing")\'}'


@pytest.mark.parametrize("rest", ["1d", "2d"], ids=["the same version", "another version"])
def test_an_audience_that_another_policy_fills_is_filled_silently(shop: Shop, begin: Begin, rest: str) -> None:
    control = begin(shop(ARRIVALS, audiences=ASKED, policies="{consent: {default: opt_in}}"))
    control.story.identify(0, city="Paris")

    changed = ARRIVALS.replace("1d", rest)
    control.publish(1, shop(changed, audiences=ASKED, policies="{consent: {default: opt_out}}"))
    assert control.story.profile.audiences == {"local": True}
    control.story.identify(2, city="Rome")
    assert control.story.moves("entered") == []

    control.story.call(3, type="consent", channel="email", granted=False)
    control.story.call(4, type="consent", channel="email", granted=True)
    assert [at for at, _, _ in versions(control, "entered")] == [4], "what she does herself is told as ever"


@pytest.mark.parametrize("event", ["Bought", "Left"], ids=["one that another audience counts", "one that none counts"])
def test_an_audience_that_could_not_be_filled_is_filled_silently_with_the_next_event(
    shop: Shop, begin: Begin, event: str
) -> None:
    audiences = ASKED.replace("}", ', buyers: \'count("Bought", "30d") > 0\'}')
    control = begin(shop(ARRIVALS, audiences=audiences, policies="{consent: {default: opt_in}}"))
    control.story.identify(0, city="Paris").event(0, "Bought")
    assert control.story.profile.audiences == {"local": False, "buyers": True}

    changed = shop(ARRIVALS, audiences=audiences, policies="{consent: {default: opt_out}}")
    control.publish(1, changed, set_aside=True)
    control.story.event(2, event)

    assert control.story.profile.audiences == {"local": True, "buyers": True}
    assert control.story.moves("entered") == []


def test_an_audience_that_another_policy_empties_is_emptied_silently(shop: Shop, begin: Begin) -> None:
    leaving = ARRIVALS.replace("audience: local", "audience: local, change: left")
    control = begin(shop(leaving, audiences=ASKED))
    control.story.identify(0, city="Paris")

    control.publish(1, shop(leaving, audiences=ASKED, policies="{consent: {channels: {email: opt_in}}}"))
    control.story.identify(2, city="Rome")

    assert control.story.profile.audiences == {"local": False}
    assert control.story.moves("entered") == []


def test_an_audience_that_reads_a_trait_otherwise_now_is_filled_silently(shop: Shop, begin: Begin) -> None:
    audiences = """{local: 'profile.since < timestamp("2026-01-01T00:00:00Z")'}"""
    control = begin(shop(ARRIVALS, audiences=audiences, traits="{since: string}"))
    control.story.identify(0, since="2025-06-01T00:00:00Z")
    assert control.story.profile.audiences == {"local": False}, "a text is before no instant"

    control.publish(1, shop(ARRIVALS, audiences=audiences, traits="{since: timestamp}"))
    control.story.identify(2, city="Rome")

    assert control.story.profile.audiences == {"local": True}
    assert control.story.moves("entered") == []


def test_an_audience_published_in_time_is_left_in_time(shop: Shop, begin: Begin) -> None:
    journey = ARRIVALS.replace("audience: local", "audience: young, change: left")
    control = begin(shop(TRIP))
    control.story.identify(0, born="1970-01-01T00:00:10Z")

    control.publish(1_000, shop(journey, audiences='{young: now < profile.born + duration("10s")}'))
    control.story.wait(60_000)

    assert versions(control, "entered") == [(20_000, 2, 1)], "nothing but time has passed"


def test_a_journey_that_is_gone_takes_nobody_and_finishes_what_it_began(shop: Shop, begin: Begin) -> None:
    control = begin(shop(TRIP))
    control.story.event(0, "Start", cart="a")

    control.publish(1, shop(TRIP.replace("journey: trip", "journey: other").replace("Start", "Seen")))
    control.story.event(2, "Start", cart="b").wait(2 * HOUR_MS)
    control.story.event(2 * HOUR_MS, "Bought", total=50)

    assert versions(control, "entered") == [(0, 1, 1)]
    assert versions(control, "ended") == [(2 * HOUR_MS, 1, 1)]


def test_policies_are_always_the_newest(shop: Shop, begin: Begin) -> None:
    control = begin(shop(TRIP))
    control.story.event(0, "Start", cart="a")

    control.publish(1, shop(TRIP, policies="{consent: {default: opt_in}}"))
    control.story.wait(2 * HOUR_MS)

    refusals = [(f.version, f.gate) for f in control.story.facts if isinstance(f, DeliveryReached) and f.gate]
    assert refusals == [(1, "consent")]
    assert [each.version for each in control.story.program.journeys] == [1], "a policy is part of no version"


def test_a_correlation_is_read_by_each_version_in_its_own_way(shop: Shop, begin: Begin) -> None:
    control = begin(shop(LEAVERS.replace("audience: local", "event: Left")))
    control.story.event(0, "Start", cart="a", email="x")
    control.publish(1, shop(LEAVERS.replace("audience: local", "event: Left").replace("event.cart", "event.email")))
    control.story.event(2, "Start", cart="a", email="y")

    control.story.event(3, "Left", cart="b")

    assert versions(control, "exited") == [(3, 2, 2)], "Left has no email, so that it concerns every run of version 2"
