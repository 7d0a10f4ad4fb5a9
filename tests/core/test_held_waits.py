"""A run that stays at a send step tells until when: the latest release of what is held for it, and each new one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from parcours.core.turn import iso

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.core.conftest import Begin, Story, Tell

    from parcours.journey.project import Project

HOUR = 3_600_000
DUSK = 22 * HOUR
"""Of 1 January 1970 in UTC, where the person lives at first."""

NIGHTS = """
consent: {default: opt_out}
quiet_hours:
  - {channels: [email], from: "22:00", until: "%s", then: hold}
  - {channels: [sms], from: "21:00", until: "%s", then: hold}
"""
BOTH = NIGHTS % ("06:00", "08:00")
TRIP = """
journey: trip
entry: {event: Start}
steps:
  - {id: write, send: mail, channels: [%s]}
  - {id: over, end: true}
"""


def held(tell: Tell, channels: str = "email, sms", policies: str = BOTH) -> Story:
    return tell(TRIP % channels, policies=policies).identify(1, timezone="UTC").event(DUSK, "Start")


def waits(story: Story) -> list[tuple[int, str | None]]:
    """(time, until) of each line that tells of a wait."""
    return [(at, why) for at, _, _, why in story.told("waiting")]


@pytest.mark.parametrize(
    "channels, until",
    [("email", 30 * HOUR), ("sms", 32 * HOUR), ("email, sms", 32 * HOUR), ("sms, email", 32 * HOUR)],
)
def test_a_run_tells_the_latest_release_once_and_no_release_tells_it_again(
    tell: Tell, channels: str, until: int
) -> None:
    story = held(tell, channels)
    assert story.moves()[1:] == [("reached", "write", None), ("waiting", "write", iso(until))]

    story.wait(DUSK + 48 * HOUR)

    assert waits(story) == [(DUSK, iso(until))]
    assert story.steps()[-1] == (until, "over")


def test_a_run_for_which_nothing_is_held_does_not_wait(tell: Tell) -> None:
    story = tell(TRIP % "email, sms", policies=BOTH).identify(1, timezone="UTC").event(12 * HOUR, "Start")

    assert waits(story) == []


@pytest.mark.parametrize(
    "nights, told",
    [
        (("06:00", "09:00"), [(32 * HOUR, iso(33 * HOUR))]),  # the last one is held again
        (("07:00", "08:00"), []),  # the first is, and does not become the latest
        (("09:30", "08:00"), [(30 * HOUR, iso(33 * HOUR + HOUR // 2))]),  # the first is, and does
        (("07:00", "08:30"), [(32 * HOUR, iso(32 * HOUR + HOUR // 2))]),  # each is, one after the other
    ],
)
def test_a_second_hold_is_told_if_the_latest_release_changes_by_it(
    begin: Begin, shop: Callable[..., Project], nights: tuple[str, str], told: list[tuple[int, str]]
) -> None:
    trip = TRIP % "email, sms"
    control = begin(shop(trip, policies=BOTH))
    story = control.story.identify(1, timezone="UTC").event(DUSK, "Start")

    control.publish(23 * HOUR, shop(trip, policies=NIGHTS % nights))
    story.wait(DUSK + 48 * HOUR)

    assert waits(story) == [(DUSK, iso(32 * HOUR)), *told]
    assert story.steps()[-1][1] == "over"


@pytest.mark.parametrize(
    "zone, told",
    [
        ("Atlantic/Azores", [(23 * HOUR, iso(33 * HOUR))]),  # both an hour later, and told once
        ("Europe/Paris", [(23 * HOUR, iso(31 * HOUR))]),  # both an hour earlier
        ("Africa/Abidjan", []),  # the same hours
        ("Asia/Tashkent", [(23 * HOUR, iso(26 * HOUR))]),  # six hours earlier: 05:00, of which email has 06:00
    ],
)
def test_a_change_of_zone_is_told_once_after_all_has_been_judged(
    tell: Tell, zone: str, told: list[tuple[int, str]]
) -> None:
    story = held(tell).identify(23 * HOUR, timezone=zone)

    assert waits(story)[1:] == told


def test_a_shorter_wait_is_told_when_the_later_delivery_is_refused(tell: Tell) -> None:
    story = held(tell).consent(DUSK + 1, "sms", granted=False).identify(23 * HOUR, timezone="Europe/Paris")

    assert waits(story)[1:] == [(23 * HOUR, iso(29 * HOUR))]


def test_a_run_that_goes_on_by_a_change_of_zone_tells_no_wait(tell: Tell) -> None:
    story = held(tell).identify(23 * HOUR, timezone="Asia/Tokyo")

    assert (len(waits(story)), story.steps()[-1]) == (1, (23 * HOUR, "over"))


@pytest.mark.parametrize(
    "nights, told",
    [
        (("09:00", "08:00"), [(DUSK + HOUR, iso(33 * HOUR))]),  # what is held at its claim is held for longer
        (("07:00", "08:00"), []),
    ],
)
def test_a_hold_at_the_claim_prolongs_the_wait_of_a_run_that_is_still_there(
    tell: Tell, nights: tuple[str, str], told: list[tuple[int, str]]
) -> None:
    # at 21:30 the text is held, and the mail may leave, for which a dispatcher comes at 23:00 only
    story = tell(TRIP % "email, sms", policies=NIGHTS % nights).identify(1, timezone="UTC")
    story.event(DUSK - HOUR // 2, "Start")

    assert story.claim(DUSK + HOUR) == []
    story.wait(DUSK + 48 * HOUR)

    assert waits(story) == [(DUSK - HOUR // 2, iso(32 * HOUR)), *told]


def test_a_hold_at_the_claim_is_no_wait_of_a_run_that_has_gone_on(tell: Tell) -> None:
    trip = (TRIP % "email").replace("{id: over, end: true}", "{id: rest, wait: 2d}")
    story = tell(trip, policies=BOTH).identify(1, timezone="UTC").event(DUSK - 1, "Start")

    assert story.claim(DUSK) == []
    story.wait(DUSK + 24 * HOUR)

    assert waits(story) == [(DUSK - 1, iso(DUSK - 1 + 48 * HOUR))]


def test_each_visit_of_a_loop_tells_its_own_wait(tell: Tell) -> None:
    loop = "{journey: trip, entry: {event: Start}, steps: [{id: write, send: mail, channels: [email]}, %s]}"
    story = tell(loop % "{id: rest, wait: 16h, next: write}", policies=BOTH).identify(1, timezone="UTC")

    story.event(DUSK, "Start").wait(DUSK + 36 * HOUR)

    rest = (30 * HOUR, iso(46 * HOUR))
    assert waits(story) == [(DUSK, iso(30 * HOUR)), rest, (46 * HOUR, iso(54 * HOUR)), (54 * HOUR, iso(70 * HOUR))]


def test_what_is_released_in_a_pause_may_be_held_again(begin: Begin, shop: Callable[..., Project]) -> None:
    control = begin(shop(TRIP % "email, sms", policies=BOTH))
    story = control.story.identify(1, timezone="UTC").event(DUSK, "Start")

    control.change(DUSK + 1, "pause")
    control.change(24 * HOUR + DUSK + 1, "resume")

    # the transitions have the times at which the releases were due, and gates that of the resume
    assert waits(story) == [(DUSK, iso(32 * HOUR)), (30 * HOUR, iso(54 * HOUR)), (32 * HOUR, iso(56 * HOUR))]
