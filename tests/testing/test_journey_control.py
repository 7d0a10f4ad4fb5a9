"""Journey control in a user's own tests: journeys are closed, stopped, paused and published."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from parcours import Project
from parcours.core.fact import DeliveryReached, Moved
from parcours.errors import CallerError, PublishRefused
from parcours.testing.virtual_project import VirtualProject

JOURNEY = "abandoned-cart"


@pytest.fixture
def shop(parcours_project: Any, shop_folder: Path) -> VirtualProject:
    """The starter's project, and sarah with a full cart, who is reminded in an hour."""
    shop: VirtualProject = parcours_project(shop_folder)
    shop.identify("sarah", {"email": "sarah@example.com"})
    shop.track("sarah", "Checkout Started", {"cart": {"total": 80}})
    return shop


def change(folder: Path, file: str, before: str, after: str) -> None:
    path = folder / file
    text = path.read_text()
    assert before in text, f"{file} has {before!r}"
    path.write_text(text.replace(before, after))


def moves(shop: VirtualProject, what: str) -> list[tuple[str, int, str | None]]:
    """(person, version, why) of each move of this kind."""
    return [(f.person, f.version, f.why) for f in shop.facts() if isinstance(f, Moved) and f.what == what]


def standing(shop: VirtualProject) -> tuple[str, int, Mapping[int, int]]:
    (journey,) = shop.journeys()
    return journey.state, journey.version, journey.runs


def test_an_older_version_drains_beside_the_new_one(shop: VirtualProject, shop_folder: Path) -> None:
    change(shop_folder, f"journeys/{JOURNEY}.yaml", "timeout: 1h", "timeout: 2h")
    shop.publish(shop_folder)
    shop.identify("bert", {"email": "bert@example.com"})
    shop.track("bert", "Checkout Started", {"cart": {"total": 80}})
    assert standing(shop) == ("open", 2, {1: 1, 2: 1})

    shop.advance(hours=1)
    assert [sent.who for sent in shop.sent()] == ["sarah"]
    shop.advance(hours=1)
    assert [sent.who for sent in shop.sent()] == ["sarah", "bert"]
    assert "run 1, version 2" in shop.explain("bert")
    assert "run 1, version 1" in shop.explain("sarah")


def test_a_run_of_an_older_version_hears_what_the_new_one_has_no_name_for(
    shop: VirtualProject, shop_folder: Path
) -> None:
    # given sarah, who has been reminded by a step that the new version calls otherwise
    shop.advance(hours=1)
    change(shop_folder, f"journeys/{JOURNEY}.yaml", "id: remind ", "id: nudge ")
    shop.publish(shop_folder)

    with pytest.raises(CallerError, match=f"'{JOURNEY}.remid' has to be one step .* did you mean '{JOURNEY}.remind'"):
        shop.react("sarah", "opened", of=f"{JOURNEY}.remid")
    shop.react("sarah", "opened", of=f"{JOURNEY}.remind")

    assert [fact.step for fact in shop.facts() if isinstance(fact, DeliveryReached) and fact.outcome == "opened"] == [
        "remind"
    ]


def test_a_run_of_an_older_version_waits_for_an_event_that_the_new_one_dropped(
    shop: VirtualProject, shop_folder: Path
) -> None:
    for file in ("events.yaml", f"journeys/{JOURNEY}.yaml"):
        change(shop_folder, file, "Order Completed", "Order Paid")
    shop.publish(shop_folder)

    with pytest.raises(CallerError, match="no event 'Order Complete', did you mean 'Order Completed'"):
        shop.track("sarah", "Order Complete")
    shop.track("sarah", "Order Completed", {"total": 80})

    assert moves(shop, "matched") == [("sarah", 1, "Order Completed")]


def test_a_version_is_forgotten_once_nothing_of_anybody_goes_by_it(shop: VirtualProject, shop_folder: Path) -> None:
    # given a run that has ended, and whose goal counts for a week from its entry
    file, versions = f"journeys/{JOURNEY}.yaml", []
    for days, (before, after) in enumerate([("1h", "2h"), ("2h", "3h"), ("3h", "4h")]):
        change(shop_folder, file, f"timeout: {before}", f"timeout: {after}")
        shop.publish(shop_folder)
        versions.append([(*each.older, each.version) for each in shop.journeys()])
        shop.advance(days=3 * (days + 1))

    assert versions == [[(1, 2)], [(1, 2, 3)], [(3, 4)]]


def test_a_stop_is_told_and_explained(shop: VirtualProject) -> None:
    shop.stop_journey(JOURNEY)
    shop.track("bert", "Checkout Started", {"cart": {"total": 80}})
    shop.advance(days=1)

    assert (moves(shop, "ended"), moves(shop, "entered")) == (
        [("sarah", 1, "stopped")],
        [("sarah", 1, "Checkout Started")],
    )
    assert shop.sent() == []
    assert "ended, for the journey was stopped" in shop.explain("sarah")
    assert f"{JOURNEY}, which is stopped now" in shop.explain("sarah")


def test_a_refused_entry_says_that_the_journey_is_paused(shop: VirtualProject) -> None:
    shop.pause_journey(JOURNEY)
    shop.track("bert", "Checkout Started", {"cart": {"total": 80}})

    assert moves(shop, "not_entered") == [("bert", 1, "paused")]
    assert "not entered: the journey is paused" in shop.explain("bert")


def test_what_was_bought_in_a_pause_needs_no_reminder(shop: VirtualProject) -> None:
    shop.pause_journey(JOURNEY)
    shop.advance(minutes=30)
    shop.track("sarah", "Order Completed", {"total": 80})
    shop.advance(days=1)
    shop.resume_journey(JOURNEY)

    assert moves(shop, "matched") == [("sarah", 1, "Order Completed")]
    assert shop.sent() == []


def test_a_closed_journey_is_opened_by_publishing_it(shop: VirtualProject, shop_folder: Path) -> None:
    shop.close_journey(JOURNEY)
    shop.track("bert", "Checkout Started", {"cart": {"total": 80}})
    shop.publish(shop_folder)
    shop.track("carl", "Checkout Started", {"cart": {"total": 80}})

    assert [who for who, _, _ in moves(shop, "entered")] == ["sarah", "carl"]
    assert standing(shop) == ("open", 1, {1: 2})


def test_a_channel_that_was_not_there_at_the_start_cannot_be_published(shop: VirtualProject, shop_folder: Path) -> None:
    change(
        shop_folder,
        "messages/cart-reminder.yaml",
        "message: cart-reminder",
        "message: cart-reminder\npush: {title: t, body: b}",
    )
    change(shop_folder, "profile.yaml", "email: string", "email: string\n  push_token: string")

    with pytest.raises(PublishRefused, match="'push', which the engine was not opened with"):
        shop.publish(Project.load(shop_folder))
    assert standing(shop) == ("open", 1, {1: 1})


def test_a_journey_that_there_is_not_is_named(shop: VirtualProject) -> None:
    with pytest.raises(CallerError, match="no journey 'abandoned-card', did you mean 'abandoned-cart'"):
        shop.pause_journey("abandoned-card")


READ = """
journey: letter
entry: {read: everybody, at: 2026-01-02T00:00:00Z, rule: "FREQ=DAILY"}
steps: [{id: done, end: true}]
"""


def test_reads_that_passed_before_their_journey_was_published_are_not_made_up_for(
    shop: VirtualProject, shop_folder: Path
) -> None:
    (shop_folder / "audiences.yaml").write_text("audiences: {everybody: has(profile.email)}\n")
    (shop_folder / "journeys" / "letter.yaml").write_text(READ)
    shop.advance(days=3, hours=1)
    shop.publish(shop_folder)
    assert moves(shop, "entered")[1:] == []

    shop.advance(days=1)
    shop.close_journey("letter")
    shop.advance(days=3)

    assert moves(shop, "entered")[1:] == [("sarah", 1, "read")], "once a day, until it was closed"
