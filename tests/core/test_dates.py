"""Local dates: of a value with a time the date as it is written, in what templates are given as in expressions."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from parcours.journey.project import Project

if TYPE_CHECKING:
    from tests.core.conftest import Begin

TRIP = """
journey: trip
entry: {event: Start}
steps:
  - {id: ask, branch: [{when: 'profile.birthday == "2026-03-01"', next: write}, {otherwise: over}]}
  - {id: write, send: mail, channels: [email]}
  - {id: over, end: true}
"""
TRAITS = "{birthday: date, home.since: date, 'card.\"good.until\"': date, renewal: timestamp}"
EVENTS = "Start: {properties: {day: date, when: timestamp}}"
MESSAGE = """
- message: mail
  class: marketing
  email: {text: "%s"}
"""


def context(begin: Begin, shop: Callable[..., Project], text: str, **event: object) -> dict[str, object]:
    """What the templates of a mail are given, for somebody whose dates all have a time."""
    project = shop(TRIP, traits=TRAITS, events=EVENTS, messages=MESSAGE % text)
    story = begin(project).story
    home, card = {"since": "2020-02-29T23:59:59-11:00", "city": "Pago Pago"}, {"good.until": "2027-01-31T00:00:00"}
    times = {"renewal": "2026-03-01T10:00:00Z", "born": "2026-03-01T10:00:00Z"}
    story.identify(1, birthday="2026-03-01T10:00:00Z", home=home, card=card, **times)
    (outgoing,) = story.event(2, "Start", **event).outbox.values()
    return outgoing.context


def test_a_trait_with_a_time_reads_as_its_date(begin: Begin, shop: Callable[..., Project]) -> None:
    assert context(begin, shop, "{{ profile.birthday }}") == {"profile": {"birthday": "2026-03-01"}}


def test_it_is_the_date_as_written_whatever_the_zone(begin: Begin, shop: Callable[..., Project]) -> None:
    assert context(begin, shop, "{{ profile.home.since }}") == {"profile": {"home": {"since": "2020-02-29"}}}


def test_dates_within_an_object_are_found_and_the_rest_stays(begin: Begin, shop: Callable[..., Project]) -> None:
    text = "{{ profile.home | json }} {{ profile.card['good.until'] }} {{ profile.renewal }}"

    assert context(begin, shop, text) == {
        "profile": {
            "home": {"since": "2020-02-29", "city": "Pago Pago"},
            "card": {"good.until": "2027-01-31"},
            "renewal": "2026-03-01T10:00:00Z",
        }
    }


def test_a_property_with_a_time_reads_as_its_date(begin: Begin, shop: Callable[..., Project]) -> None:
    when = "2026-03-02T10:00:00Z"
    found = context(begin, shop, "{{ entry.day }} {{ entry.when }}", day=when, when=when)

    assert found == {"entry": {"day": "2026-03-02", "when": when}}


@pytest.mark.parametrize("day", ["soon", 20260302])
def test_what_is_no_date_is_nothing_as_in_expressions(begin: Begin, shop: Callable[..., Project], day: object) -> None:
    assert context(begin, shop, "{{ entry.day }}", day=day) == {}


def test_the_trait_itself_is_kept_as_it_came(begin: Begin, shop: Callable[..., Project]) -> None:
    story = begin(shop(TRIP, traits=TRAITS)).story.identify(1, birthday="2026-03-01T10:00:00Z")

    assert story.profile.traits["birthday"] == "2026-03-01T10:00:00Z"


def test_a_property_that_two_entries_declare_differently_stays_as_it_is(
    begin: Begin, shop: Callable[..., Project]
) -> None:
    entries = TRIP.replace("entry: {event: Start}", "entry: [{event: Start}, {event: Bought}]")
    events = EVENTS + "\nBought: {properties: {day: string}}"
    project = shop(entries, traits=TRAITS, events=events, messages=MESSAGE % "{{ entry.day }}")
    story = begin(project).story.identify(1, birthday="2026-03-01")

    (outgoing,) = story.event(2, "Bought", day="2026-03-02 at ten").outbox.values()

    assert outgoing.context == {"entry": {"day": "2026-03-02 at ten"}}
