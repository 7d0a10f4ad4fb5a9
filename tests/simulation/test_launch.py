"""A message to a segment by email and push, one time-out for both reactions, and thanks for the purchase."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from parcours.journey.project import Project
from parcours.simulation.virtual import READS_AFTER_MAX

if TYPE_CHECKING:
    from tests.simulation.conftest import Recording, Write

HOUR, DAY = 3_600_000, 86_400_000

PROJECT = """
# file parcours.yaml
project: shop
policies: {consent: {default: opt_out}}
# file profile.yaml
traits: {email: string, push_token: string, city: string, birth_year: integer}
# file audiences.yaml
audiences:
  young-west: 'profile.city in ["Atlanta", "San Francisco", "Seattle"] && profile.birth_year > 1980'
# file events.yaml
events:
  Thanked:
    of: Notice Shown
    rule: 'event.purchaseMessage == "thank you"'
    key: {namespace: user, value: event.customer}
    properties: {purchaseMessage: string, customer: string}
# file messages/news.yaml
message: news
email: {subject: "News", text: "Look."}
push: {title: "News", body: "Look."}
# file journeys/launch.yaml
journey: launch
entry: {read: young-west, at: "2024-03-02T10:00:00Z"RATE}
steps:
  - {id: announce, send: news, channels: [email, push]}
  - id: noticed
    wait_for:
      - {reaction: opened, of: announce, channel: push, next: bought}
      - {reaction: opened, of: announce, channel: email, next: bought}
    timeout: 1d
    on_timeout: follow-up
  - {id: follow-up, send: news, channels: [email], next: bought}
  - id: bought
    wait_for:
      - {event: Thanked}
  - {id: thank, send: news, channels: [push]}
  - {id: done, end: true}
"""

READ = DAY  # the instant of the read, 24 hours after the start of the recording
ANNOUNCED = [(READ, "announce", "email"), (READ, "announce", "push")]


@pytest.fixture
def shop(write: Write) -> Project:
    return Project.load(write(PROJECT.replace("RATE", "")))


@pytest.fixture
def sarah(recording: Recording) -> Recording:
    """Sarah is young and lives in Atlanta."""
    return recording.identify(0, "sarah", email="s@mail.example", push_token="t", city="Atlanta", birth_year=1990)


@pytest.mark.parametrize("channel", ["email", "push"])
@pytest.mark.parametrize("opened_after, noticed", [(1, True), (DAY - 1, True), (DAY, True), (DAY + 1, False)])
def test_the_two_reactions_share_one_time_out(
    shop: Project, sarah: Recording, channel: str, opened_after: int, noticed: bool
) -> None:
    played = sarah.react(READ + opened_after, "sarah", "opened", "launch.announce", channel).play(shop)

    follow_up = [] if noticed else [(READ + DAY, "follow-up", "email")]
    assert played.deliveries() == ANNOUNCED + follow_up
    assert played.result.summary.journeys["launch"].steps["bought"].waiting == 1


def test_the_second_reaction_of_the_two_moves_nothing(shop: Project, sarah: Recording) -> None:
    sarah.react(READ + 5, "sarah", "opened", "launch.announce", "email")
    sarah.react(READ + 6, "sarah", "opened", "launch.announce", "push")

    played = sarah.play(shop)

    assert played.moves("matched") == [(READ + 5, "sarah", "opened")]
    assert played.deliveries(outcome="opened") == [(READ + 5, "announce", "email"), (READ + 6, "announce", "push")]


@pytest.mark.parametrize("opened", [None, "email", "push"])
def test_all_ways_join_in_the_purchase_and_lead_to_thanks(shop: Project, sarah: Recording, opened: str | None) -> None:
    if opened:
        sarah.react(READ + HOUR, "sarah", "opened", "launch.announce", opened)
    notice = {"purchaseMessage": "thank you", "customer": "sarah"}
    sarah.call(READ + 9 * DAY, type="track", event="Notice Shown", properties=notice)

    played = sarah.play(shop)

    follow_up = [] if opened else [(READ + DAY, "follow-up", "email")]
    assert played.deliveries() == [*ANNOUNCED, *follow_up, (READ + 9 * DAY, "thank", "push")]
    assert played.way("sarah")[-1] == (READ + 9 * DAY, "ended", "done")


def test_a_purchase_is_known_by_the_rule_and_its_person_by_the_key(shop: Project, sarah: Recording) -> None:
    sarah.call(READ + 1, type="track", event="Notice Shown", userId="sarah", properties={"purchaseMessage": "sorry"})
    sarah.react(READ + 2, "sarah", "opened", "launch.announce", "push")
    for number, properties in enumerate(
        [
            {"purchaseMessage": "sorry", "customer": "sarah"},  # the rule is not met, so there is no key either
            {"purchaseMessage": "thank you"},  # no value for the key
            {"purchaseMessage": "thank you", "customer": "somebody else"},
            {"purchaseMessage": "thank you", "customer": "sarah"},
        ]
    ):
        sarah.call(READ + 10 + number, type="track", event="Notice Shown", properties=properties)

    played = sarah.play(shop)

    assert played.moves("matched") == [(READ + 2, "sarah", "opened"), (READ + 13, "sarah", "Thanked")]
    assert [number for number, _ in played.rejected] == [4, 5]
    assert all("names nobody" in reason for _, reason in played.rejected)


@pytest.mark.parametrize(
    "traits, inside",
    [
        ({"city": "Seattle", "birth_year": 1981}, True),
        ({"city": "Seattle", "birth_year": 1980}, False),
        ({"city": "Boston", "birth_year": 1990}, False),
        ({"city": "Seattle"}, False),
        ({"birth_year": 1990}, False),
        ({"city": "Seattle", "birth_year": "1990"}, False),
    ],
)
def test_who_is_in_the_segment(shop: Project, recording: Recording, traits: dict[str, object], inside: bool) -> None:
    played = recording.identify(0, "tom", **traits).play(shop)

    assert bool(played.moves("entered")) is inside


@pytest.mark.parametrize("identified_at, inside", [(READ - 1, True), (READ, True), (READ + 1, False)])
def test_the_segment_is_fixed_at_its_instant_after_the_events_of_the_instant(
    shop: Project, recording: Recording, identified_at: int, inside: bool
) -> None:
    played = recording.identify(identified_at, "tom", city="Atlanta", birth_year=1990).play(shop)

    assert played.moves("entered") == ([(READ, "tom", "read")] if inside else [])


@pytest.mark.parametrize(
    "rule, days, ended",
    [
        ("FREQ=DAILY;COUNT=3", [1, 2, 3], ()),
        ("FREQ=DAILY;UNTIL=20240304T100000Z", [1, 2, 3], ()),
        ("FREQ=YEARLY;COUNT=3", [1, 366, 731], ()),  # further than journeys that never settle are followed
        ("FREQ=DAILY", [1], ("launch",)),  # up to the last event
    ],
)
def test_a_rule_with_an_end_is_followed_to_it_and_one_without_to_the_last_event(
    rule: str, days: list[int], ended: tuple[str, ...], write: Write, recording: Recording
) -> None:
    before, steps, _ = PROJECT.partition("steps:")
    shop = Project.load(write(before.replace("RATE", f", rule: {rule}") + f"{steps} [{{id: done, end: true}}]\n"))
    recording.identify(0, "tom", city="Atlanta", birth_year=1990).identify(READ, "tom", email="t@mail.example")

    played, longer = recording.play(shop), recording.play(shop, until=3 * DAY)

    assert played.moves("entered") == [(day * DAY, "tom", "read") for day in days]
    assert played.result.reads_ended == ended
    assert longer.result.reads_ended == ()
    if ended:
        assert longer.moves("entered") == [(day * DAY, "tom", "read") for day in (1, 2, 3)]


def test_a_rule_with_a_distant_end_is_followed_for_a_number_of_reads(write: Write, recording: Recording) -> None:
    before, steps, _ = PROJECT.partition("steps:")
    rule = ", rule: FREQ=DAILY;UNTIL=20991231"
    shop = Project.load(write(before.replace("RATE", rule) + f"{steps} [{{id: done, end: true}}]\n"))
    recording.identify(0, "tom", city="Atlanta", birth_year=1990).identify(READ, "tom", email="t@mail.example")

    played = recording.play(shop)

    assert len(played.moves("entered")) == 1 + READS_AFTER_MAX  # the first comes with the last event
    assert played.result.unsettled and played.result.reads_ended == ()


@pytest.mark.parametrize("shards", [1, 3])
@pytest.mark.parametrize(
    "rate, delays",
    [
        ("", [0, 0, 0, 0, 0, 0]),
        (", rate: 1/s", [0, 1_000, 2_000, 3_000, 4_000, 5_000]),
        (", rate: 3/s", [0, 333, 666, 1_000, 1_333, 1_666]),  # cut to whole milliseconds
        (", rate: 5000/s", [0, 0, 0, 0, 0, 1]),
    ],
)
def test_people_enter_in_the_order_of_their_names_as_bytes_at_the_rate(
    write: Write, recording: Recording, rate: str, delays: list[int], shards: int
) -> None:
    shop = Project.load(write(PROJECT.replace("RATE", rate)))
    for who in ["é", "a", "Z", "日本", "b", "aa"]:
        recording.identify(0, who, city="Atlanta", birth_year=1990)

    played = recording.play(shop, shards=shards)

    order = ["Z", "a", "aa", "b", "é", "日本"]
    assert sorted(played.moves("entered")) == sorted(
        (READ + delay, who, "read") for delay, who in zip(delays, order, strict=True)
    )


def test_whoever_is_in_already_is_not_read_in_again(shop: Project, sarah: Recording) -> None:
    played = sarah.play(shop)

    assert played.moves("entered") == [(READ, "sarah", "read")]
    assert played.result.summary.journeys["launch"].entered == 1
