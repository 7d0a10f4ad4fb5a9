"""Held deliveries: quiet hours hold them, expiry ends them, and their run stays where it is."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.core.conftest import Story, Tell

MINUTE, HOUR = 60_000, 3_600_000
NIGHT = """
consent: {default: opt_out}
quiet_hours: [{channels: [email], from: "22:00", until: "08:00", days: [mon, tue, wed, thu, fri, sat, sun], then: %s}]
"""
CLEAR = 12 * HOUR
DUSK, DAWN = 22 * HOUR, 32 * HOUR
"""Of 1 January 1970 in UTC, where the person lives."""

TRIP = """
journey: trip
entry: {event: Start}
exit: [{event: Left}]
steps:
  - {id: write, send: mail, channels: [%s], on_refused: refused}
  - {id: after, wait: 1h}
  - {id: over, end: true}
  - {id: refused, end: true}
"""
SHORT_LIVED = "[{message: flash, class: marketing, expires: 10h, email: {text: hi}}]"


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1000)


def told(tell: Tell, journeys: str = TRIP % "email", then: str = "hold", messages: str = "") -> Story:
    return tell(journeys, policies=NIGHT % then, messages=messages).identify(1, timezone="UTC")


@pytest.mark.parametrize(
    "at, held",
    [(DUSK - 1, False), (DUSK, True), (DAWN - 1, True), (DAWN, False)],  # the start is quiet, the end is not
)
def test_a_night_is_quiet_from_its_start_up_to_its_end(tell: Tell, at: int, held: bool) -> None:
    story = told(tell).event(at, "Start")

    assert story.gates() == [(at, "email", "held", "quiet_hours") if held else (at, "email", "queued", None)]


def test_a_run_stays_at_the_step_while_held_and_what_follows_counts_from_the_release(tell: Tell) -> None:
    story = told(tell).event(DUSK, "Start")
    assert story.steps() == [(DUSK, "write")]

    story.wait(DAWN + HOUR + 1)

    assert story.gates()[1:] == [(DAWN, "email", "queued", None)]
    assert story.steps()[1:] == [(DAWN, "after"), (DAWN + HOUR, "over")]


WEEKEND = """
consent: {default: opt_out}
quiet_hours: [{from: "00:00", until: "24:00", days: [sat, sun], then: hold}]
"""


@pytest.mark.parametrize(
    "zone, asked, released",
    [
        ("UTC", "2026-03-06T23:59:59.999Z", None),  # still Friday
        ("UTC", "2026-03-07T00:00:00Z", "2026-03-09T00:00:00Z"),
        ("UTC", "2026-03-08T23:59:59.999Z", "2026-03-09T00:00:00Z"),
        ("UTC", "2026-03-09T00:00:00Z", None),
        ("Asia/Kathmandu", "2026-03-07T09:00:00Z", "2026-03-08T18:15:00Z"),
        # Clocks change on the Sunday: an hour less in March, an hour more in October.
        ("Europe/Paris", "2026-03-28T09:00:00Z", "2026-03-29T22:00:00Z"),
        ("Europe/Paris", "2026-10-24T09:00:00Z", "2026-10-25T23:00:00Z"),
        # They change at midnight: Sunday begins at one o'clock, and Saturday is over before.
        ("America/Santiago", "2026-09-05T15:00:00Z", "2026-09-07T03:00:00Z"),
    ],
)
def test_a_quiet_weekend_lasts_until_monday_on_the_clock_of_the_person(
    tell: Tell, zone: str, asked: str, released: str | None
) -> None:
    story = tell(TRIP % "email", policies=WEEKEND).identify(1, timezone=zone)

    story.event(ms(asked), "Start").wait(ms(asked) + 4 * 24 * HOUR)

    held = [] if released is None else [(ms(asked), "email", "held", "quiet_hours")]
    assert story.gates() == [*held, (ms(released or asked), "email", "queued", None)]


def test_one_channel_may_leave_while_another_is_held(tell: Tell) -> None:
    story = told(tell, TRIP % "email, sms").event(DUSK, "Start")

    assert story.gates() == [(DUSK, "email", "held", "quiet_hours"), (DUSK, "sms", "queued", None)]
    assert story.steps() == [(DUSK, "write")]


def test_dropping_refuses_instead(tell: Tell) -> None:
    story = told(tell, then="drop").event(DUSK, "Start")

    assert story.gates() == [(DUSK, "email", "refused", "quiet_hours")]
    assert story.steps()[-1] == (DUSK, "refused")


def test_a_held_delivery_passes_all_gates_again_when_released(tell: Tell) -> None:
    story = told(tell).event(DUSK, "Start").consent(DUSK + 1, "email", granted=False).wait(DAWN + 1)

    assert story.gates()[1:] == [(DAWN, "email", "refused", "consent")]
    assert story.steps()[-1] == (DAWN, "refused")


def test_a_released_delivery_goes_to_the_address_that_is_known_by_then(tell: Tell) -> None:
    story = told(tell).event(DUSK, "Start").identify(DUSK + 1, email="new@mail.example").wait(DAWN + 1)

    assert [outgoing.to for outgoing in story.outbox.values()] == ["new@mail.example"]


def test_an_exit_cancels_what_is_held(tell: Tell) -> None:
    story = told(tell).event(DUSK, "Start").event(DUSK + 1, "Left").wait(DAWN + 1)

    assert story.gates()[1:] == [(DUSK + 1, "email", "cancelled", None)]
    assert (story.outbox, story.ready, story.profile.timers) == ({}, [], [])


def test_who_moves_into_the_night_before_the_claim_is_held_and_her_run_goes_on(tell: Tell) -> None:
    story = told(tell).event(CLEAR, "Start").identify(CLEAR + 1, timezone="Asia/Tokyo")  # 21:00 there

    assert story.claim(CLEAR + HOUR) == []
    assert story.gates()[1:] == [(CLEAR + HOUR, "email", "held", "quiet_hours")]
    story.wait(48 * HOUR)

    assert story.gates()[2:] == [(23 * HOUR, "email", "queued", None)]  # 08:00 in Tokyo
    assert [step for _, step in story.steps()] == ["write", "after", "over"]


def test_a_parked_run_stays_where_it_is_when_what_was_held_at_its_claim_is_released(tell: Tell) -> None:
    trip = TRIP.replace("wait: 1h", "update: {city: '\"Rome\"'}") % "email"
    story = tell(trip, policies=NIGHT % "hold", instant_steps_max=1).identify(1, timezone="UTC").event(CLEAR, "Start")
    assert story.moves("parked") == [("parked", "write", "more than instant_steps_max=1 steps at one instant")]

    story.identify(CLEAR + 1, timezone="Asia/Tokyo").claim(CLEAR + HOUR)
    story.wait(48 * HOUR)

    assert story.gates()[1:] == [(CLEAR + HOUR, "email", "held", "quiet_hours"), (23 * HOUR, "email", "queued", None)]
    assert story.steps() == [(CLEAR, "write")]


def test_transactional_messages_go_out_at_night(tell: Tell) -> None:
    story = told(tell, (TRIP % "email").replace("send: mail", "send: receipt")).event(DUSK, "Start")

    assert story.gates() == [(DUSK, "email", "queued", None)]


@pytest.mark.parametrize("start, gate", [(DUSK, None), (DUSK - 1, "expiry")])
def test_a_message_may_still_go_at_the_very_instant_of_its_expiry(tell: Tell, start: int, gate: str | None) -> None:
    story = tell(
        (TRIP % "email").replace("send: mail", "send: flash"),
        messages=SHORT_LIVED,
        policies="consent: {default: opt_out}",
    ).event(start, "Start")

    story.claim(DUSK + 10 * HOUR)

    assert story.gates()[1:] == ([(DUSK + 10 * HOUR, "email", "refused", gate)] if gate else [])


def test_what_expires_in_the_night_is_refused_in_the_morning(tell: Tell) -> None:
    flash = (TRIP % "email").replace("send: mail", "send: flash")
    story = told(tell, flash, messages=SHORT_LIVED.replace("10h", "9h")).event(DUSK, "Start").wait(DAWN + 1)

    assert story.gates()[1:] == [(DAWN, "email", "refused", "expiry")]
