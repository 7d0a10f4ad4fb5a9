"""Empty profiles: any declared event makes its person known, where that puts her into an audience."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from parcours.journey.project import Project
from parcours.simulation.simulation import simulate

if TYPE_CHECKING:
    from tests.simulation.conftest import Recording, Write

HOUR = 3_600_000
DAY = 24 * HOUR

SHOP = """# file parcours.yaml
{project: shop, policies: {consent: {default: opt_in, channels: {email: opt_out}}}}
# file profile.yaml
traits: {score: number, born: timestamp}
# file events.yaml
events:
  Ordered: {}
  Looked: {properties: {page: string}}
  Page Viewed: {}
  Wanted: {of: Clicked, rule: event.page == "p", properties: {page: string}}
# file audiences.yaml
audiences: {some: 'CONDITION'}
# file journeys/greet.yaml
{journey: greet, entry: {audience: some}, steps: [{id: stay, wait: 30d}]}
"""

LAPSED = 'count("Ordered", "10d") == 0'

AFTER = 'now >= timestamp("2024-03-02T10:00:00Z")'


def shop_of(write: Write, condition: str) -> Project:
    return Project.load(write(SHOP.replace("CONDITION", condition)))


@pytest.mark.parametrize(
    "condition, entered",
    [
        (LAPSED, [0]),
        ("!(profile.score > 3)", [0]),
        ("!(profile.born <= now)", [0]),
        ("true", [0]),
        # the policy speaks for who has said nothing
        ('consent("email", "marketing")', [0]),
        ('!consent("sms", "marketing")', [0]),
        ('consent("sms", "marketing")', []),
        # known by what she did first, she is there when the time comes
        (AFTER, [DAY]),
        (f"!({AFTER})", [0]),
        (f"{AFTER} && profile.score > 3", []),
        ('now < timestamp("2024-01-01T00:00:00Z")', []),
        ("profile.score < 3", []),
        ('count("Ordered", "10d") > 0', []),
        ('last("Ordered") < now', []),
    ],
)
def test_an_event_that_nobody_listens_for_makes_its_person_known(
    condition: str, entered: list[int], write: Write, recording: Recording
) -> None:
    recording.track(0, "sarah", "Looked").track(HOUR, "sarah", "Looked")

    played = recording.play(shop_of(write, condition), until=2 * DAY)

    assert [at for at, _, _ in played.moves("entered")] == entered


@pytest.mark.parametrize(
    "call, entered",
    [
        ({"type": "track", "event": "Looked"}, True),
        ({"type": "track", "event": "Looked", "properties": {"page": "p"}}, True),
        ({"type": "page", "name": "Home"}, True),
        # an event that is another one by its rule is declared by that alone
        ({"type": "track", "event": "Clicked", "properties": {"page": "p"}}, True),
        ({"type": "track", "event": "Clicked", "properties": {"page": "q"}}, False),
        ({"type": "track", "event": "Unheard Of"}, False),
        ({"type": "screen", "name": "Start"}, False),
        ({"type": "group", "groupId": "g"}, False),
        ({"type": "reaction", "reaction": "opened", "journey": "greet", "step": "stay", "channel": "email"}, False),
        ({"type": "identify", "traits": {}}, True),
        ({"type": "consent", "channel": "email", "granted": True}, True),
    ],
)
def test_what_makes_somebody_known(call: dict[str, object], entered: bool, write: Write, recording: Recording) -> None:
    recording.call(5, userId="sarah", **call)

    played = recording.play(shop_of(write, LAPSED), until=DAY)

    assert played.moves("entered") == ([(5, "sarah", "some")] if entered else [])


def test_what_left_no_trace_does_not_pass_for_knowing_her(write: Write, recording: Recording) -> None:
    """Both lines are of one batch, or of two: that must not make a difference."""
    recording.track(0, "sarah", "Clicked", {"page": "q"}).track(1, "sarah", "Looked")

    assert recording.play(shop_of(write, LAPSED), until=DAY).moves("entered") == [(1, "sarah", "some")]


def test_a_read_finds_whoever_has_done_anything(write: Write, recording: Recording) -> None:
    reading = "{journey: greet, entry: {read: some, at: 2024-03-01T12:00:00Z}, steps: [{id: stay, wait: 1d}]}"
    folder = write(SHOP.replace("CONDITION", LAPSED).replace(SHOP.splitlines()[-1], reading))
    recording.track(0, "sarah", "Looked").track(0, "tom", "Ordered").track(0, "una", "Unheard Of")

    played = recording.play(Project.load(folder), until=DAY)

    assert played.moves("entered") == [(2 * HOUR, "sarah", "read")]


def test_where_nobody_is_in_an_audience_from_the_start_nothing_else_is_listened_for(write: Write) -> None:
    plain = shop_of(write, 'count("Ordered", "10d") > 0').program
    lapsed = shop_of(write, LAPSED).program

    assert plain.moving == plain.entering == lapsed.moving == {"Ordered"}
    assert lapsed.entering == {"Ordered", "Looked", "Page Viewed", "Clicked"}
    assert simulate(shop_of(write, LAPSED), []).facts == []
