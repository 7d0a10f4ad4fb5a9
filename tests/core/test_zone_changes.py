"""A person who moves to another time zone: what is held for her is judged anew under the new zone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from parcours.core.fact import ZoneUnknown

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.core.conftest import Begin, Story, Tell

    from parcours.journey.project import Project

HOUR = 3_600_000
DUSK, DAWN = 22 * HOUR, 32 * HOUR
"""Of 1 January 1970 in UTC, where the person lives at first."""

NIGHT = """
consent: {default: opt_out}
quiet_hours: [{channels: [email], from: "22:00", until: "08:00", days: [mon, tue, wed, thu, fri, sat, sun], then: hold}]
"""
TRIP = """
journey: trip
entry: {event: Start}
exit: [{event: Left}]
steps:
  - {id: write, send: mail, channels: [email], on_refused: refused}
  - {id: after, wait: 1h}
  - {id: over, end: true}
  - {id: refused, end: true}
"""
HELD = (DUSK, "email", "held", "quiet_hours")


def held_at_dusk(tell: Tell, journeys: str = TRIP, policies: str = NIGHT) -> Story:
    return tell(journeys, policies=policies).identify(1, timezone="UTC").event(DUSK, "Start")


@pytest.mark.parametrize(
    "moves_to, released",
    [
        ("Asia/Tokyo", 23 * HOUR),  # it is 08:00 there already, an hour after dusk
        ("Europe/Paris", 31 * HOUR),  # an hour earlier than in UTC
        ("America/Sao_Paulo", 23 * HOUR),  # 20:00 there
        ("Atlantic/Azores", 33 * HOUR),  # an hour later
    ],
)
def test_a_held_delivery_is_released_when_the_quiet_hours_of_the_new_zone_end(
    tell: Tell, moves_to: str, released: int
) -> None:
    story = held_at_dusk(tell).identify(23 * HOUR, timezone=moves_to).wait(DAWN + 24 * HOUR)

    again = [] if released == 23 * HOUR else [(23 * HOUR, "email", "held", "quiet_hours")]
    assert story.gates() == [HELD, *again, (released, "email", "queued", None)]
    assert story.steps() == [(DUSK, "write"), (released, "after"), (released + HOUR, "over")]


def test_a_zone_with_the_same_hours_changes_nothing_and_is_not_told(tell: Tell) -> None:
    story = held_at_dusk(tell).identify(23 * HOUR, timezone="Africa/Abidjan")

    assert story.gates() == [HELD]
    assert [timer.due for timer in story.profile.timers] == [DAWN]


@pytest.mark.parametrize("traits", [{"timezone": "UTC"}, {"city": "Tokyo"}])
def test_traits_that_leave_the_zone_as_it_is_leave_the_delivery_held(tell: Tell, traits: dict[str, str]) -> None:
    story = held_at_dusk(tell).consent(DUSK + 1, "email", granted=False).identify(23 * HOUR, **traits)

    assert story.gates() == [HELD]


def test_without_the_trait_it_is_the_zone_of_the_project_again(tell: Tell) -> None:
    story = held_at_dusk(tell).identify(23 * HOUR, timezone=None).wait(DAWN)

    assert story.gates() == [
        HELD,
        (23 * HOUR, "email", "held", "quiet_hours"),
        (31 * HOUR, "email", "queued", None),  # in Paris
    ]


def test_all_gates_judge_anew_not_only_quiet_hours(tell: Tell) -> None:
    story = held_at_dusk(tell).consent(DUSK + 1, "email", granted=False).identify(23 * HOUR, timezone="Europe/Paris")

    assert story.gates() == [HELD, (23 * HOUR, "email", "refused", "consent")]
    assert story.steps()[-1] == (23 * HOUR, "refused")


def test_an_exit_at_the_instant_of_the_change_comes_before_the_judgement(tell: Tell) -> None:
    exits = TRIP.replace("exit: [{event: Left}]", "exit: [{audience: gone}]")
    story = tell(exits, policies=NIGHT, audiences='gone: profile.timezone == "Asia/Tokyo"').identify(1, timezone="UTC")

    story.event(DUSK, "Start").identify(23 * HOUR, timezone="Asia/Tokyo")

    assert story.gates() == [HELD, (23 * HOUR, "email", "cancelled", None)]
    assert (story.outbox, story.ready) == ({}, [])


def test_an_update_of_another_journey_moves_the_person_too(tell: Tell) -> None:
    move = """
---
journey: move
entry: {event: Bought}
steps: [{id: there, update: {timezone: '"Asia/Tokyo"'}}]
"""
    story = held_at_dusk(tell, TRIP + move).event(23 * HOUR, "Bought")

    assert story.gates() == [HELD, (23 * HOUR, "email", "queued", None)]


def test_released_deliveries_share_a_cap_in_the_order_in_which_they_were_held(tell: Tell) -> None:
    capped = NIGHT + "caps: [{channels: [email], class: marketing, max: 1, per: 1d}]\n"
    second = "\n---\n" + TRIP.replace("journey: trip", "journey: again").replace("event: Start", "event: Bought")
    story = held_at_dusk(tell, TRIP + second, capped).event(DUSK + 1, "Bought")

    story.identify(23 * HOUR, timezone="Asia/Tokyo")

    assert story.gates()[2:] == [(23 * HOUR, "email", "queued", None), (23 * HOUR, "email", "refused", "cap")]


def test_what_a_release_causes_is_not_judged_once_more_at_that_instant(tell: Tell) -> None:
    loop = """
journey: trip
entry: {event: Start}
steps:
  - {id: write, send: mail, channels: [email]}
  - {id: home, update: {timezone: '"UTC"'}}
  - {id: again, send: mail, channels: [email]}
"""
    story = held_at_dusk(tell, loop).identify(23 * HOUR, timezone="Asia/Tokyo")

    assert story.gates() == [HELD, (23 * HOUR, "email", "queued", None), (23 * HOUR, "email", "held", "quiet_hours")]
    assert [timer.due for timer in story.profile.timers] == [DAWN]


def test_a_delivery_of_a_paused_journey_is_judged_when_it_is_resumed(
    begin: Begin, shop: Callable[..., Project]
) -> None:
    control = begin(shop(TRIP, policies=NIGHT))
    story = control.story.identify(1, timezone="UTC").event(DUSK, "Start")

    control.change(DUSK + 1, "pause")
    story.identify(23 * HOUR, timezone="Asia/Tokyo")
    assert story.gates() == [HELD]
    control.change(24 * HOUR, "resume")

    assert story.gates()[1:] == [(24 * HOUR, "email", "queued", None)]
    assert story.steps()[1:] == [(23 * HOUR, "after")]  # what follows counts from when it would have left
    assert story.profile.kept == []


def test_a_delivery_of_a_paused_journey_is_judged_at_the_resume_also_when_its_run_is_over(
    begin: Begin, shop: Callable[..., Project]
) -> None:
    journey = "{journey: trip, entry: {event: Start}, steps: [{id: write, send: mail, channels: [email]}]}"
    control = begin(shop(journey, policies=NIGHT))
    story = control.story.identify(1, timezone="UTC").event(DUSK - 1, "Start")
    assert story.claim(DUSK) == [], "it is held at its claim"

    control.change(DUSK + 1, "pause")
    story.identify(23 * HOUR, timezone="Asia/Tokyo")
    control.change(24 * HOUR, "resume")

    assert story.gates()[1:] == [HELD, (24 * HOUR, "email", "queued", None)]


def test_a_delivery_that_is_held_again_at_its_release_is_told_again(begin: Begin, shop: Callable[..., Project]) -> None:
    control = begin(shop(TRIP, policies=NIGHT))
    story = control.story.identify(1, timezone="UTC").event(DUSK, "Start")

    control.publish(23 * HOUR, shop(TRIP, policies=NIGHT.replace("08:00", "09:00")))
    story.wait(DAWN + 24 * HOUR)

    assert story.gates() == [
        HELD,
        (DAWN, "email", "held", "quiet_hours"),
        (DAWN + HOUR, "email", "queued", None),
    ]


def test_a_zone_that_does_not_exist_is_told_once_for_each_change_of_it(tell: Tell) -> None:
    story = tell(TRIP).identify(1, timezone="Mars/Base").event(2, "Start").identify(3, timezone="Mars/Base", city="x")
    story.identify(4, timezone="Moon").identify(5, timezone="UTC").identify(6, timezone="Moon")

    assert story.others() == [
        ZoneUnknown(1, "sarah", "Mars/Base", "Europe/Paris"),
        ZoneUnknown(4, "sarah", "Moon", "Europe/Paris"),
        ZoneUnknown(6, "sarah", "Moon", "Europe/Paris"),
    ]


@pytest.mark.parametrize("zone, told", [(5, "5"), ("europe/paris", "europe/paris"), ("x" * 99, "x" * 64)])
def test_whatever_is_no_zone_is_told_shortened(tell: Tell, zone: object, told: str) -> None:
    assert tell(TRIP).identify(1, timezone=zone).others() == [ZoneUnknown(1, "sarah", told, "Europe/Paris")]


@pytest.mark.parametrize(
    "traits",
    [
        "{timezone: {type: string, pii: true}}",
        "{timezone: {type: string, pii: true, insight: true}}",
        "{timezone: string, place: {type: object, pii: true}, place.zone: string}",
        "{timezone: string, place: object, place.zone: {type: string, pii: true}}",
    ],
)
def test_a_zone_that_goes_by_something_personal_is_not_told(
    begin: Begin, shop: Callable[..., Project], traits: str
) -> None:
    by = "default(profile.place.zone, profile.timezone)" if "place" in traits else "profile.timezone"
    story = begin(shop(TRIP, traits=traits, timezone=by)).story

    story.identify(1, timezone="12 Storgata, Oslo").identify(2, timezone="Asia/Tokyo").identify(3, timezone="Moon")

    assert story.others() == [ZoneUnknown(1, "sarah", "", "Europe/Paris"), ZoneUnknown(3, "sarah", "", "Europe/Paris")]
    assert "Storgata" not in str(story.facts)


def test_a_zone_is_told_where_another_trait_is_personal(begin: Begin, shop: Callable[..., Project]) -> None:
    story = begin(shop(TRIP, traits="{timezone: string, name: {type: string, pii: true}}")).story

    assert story.identify(1, timezone="Moon").others() == [ZoneUnknown(1, "sarah", "Moon", "Europe/Paris")]


@pytest.mark.parametrize("zone", [None, "", " "])
def test_nothing_said_of_the_zone_is_nothing_to_tell(tell: Tell, zone: str | None) -> None:
    assert tell(TRIP).identify(1, timezone="UTC").identify(2, timezone=zone).others() == []


def test_an_update_to_a_zone_that_does_not_exist_is_told(tell: Tell) -> None:
    move = "{journey: move, entry: {event: Start}, steps: [{id: there, update: {timezone: entry.cart}}]}"

    story = tell(move).event(1, "Start", cart="Mars/Base")

    assert story.others() == [ZoneUnknown(1, "sarah", "Mars/Base", "Europe/Paris")]
