"""Somebody's own test suite lets a campaign run by its schedule or by hand, and looks at sets and mails."""

from __future__ import annotations

import re
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from parcours.errors import CallerError
from parcours.testing.virtual_project import VirtualProject

BEFORE = datetime(2026, 11, 2, 7, tzinfo=UTC)
"""An hour before the campaign's first Monday at nine in Paris."""


@pytest.fixture
def shop(parcours_project: Any, wishlist_folder: Path) -> VirtualProject:
    """The example, and two who have looked at equipment."""
    shop: VirtualProject = parcours_project(wishlist_folder, start=BEFORE)
    for who in ("ana", "sarah"):
        traits = {"email": f"{who}@shop.example", "churnprop": 0.1, "phone": "+33612345610", "push_token": f"t-{who}"}
        shop.identify(who, {"first_name": who.title(), **traits})
        shop.track(who, "Product Viewed", {"category": "equipment"})
    return shop


def sizes(shop: VirtualProject, run: int) -> dict[str, int]:
    return {f"{line.step}.{line.output}": line.size for line in shop.campaign_lines() if line.run == run}


def test_a_campaign_runs_as_its_time_passes(shop: VirtualProject) -> None:
    shop.advance(minutes=59)
    before = shop.campaign_lines()
    shop.advance(minutes=2)

    assert before == []
    assert sizes(shop, 1)["mail.main"] == 2
    mails = shop.sent(journey="wishlist", step="mail")
    assert [mail.who for mail in mails] == ["ana", "sarah"]
    assert mails[1].content["subject"] == "Sarah, your Folding treadmill is still here"


def test_who_has_clicked_is_in_one_half_and_who_buys_in_none(shop: VirtualProject) -> None:
    shop.advance(hours=2)
    shop.react("ana", "clicked", of="wishlist.mail")
    shop.react("sarah", "clicked", of="wishlist.mail")
    shop.track("sarah", "Order Completed", {"total": 649})
    shop.advance(days=4)

    assert (sizes(shop, 1)["half.sms"], sizes(shop, 1)["half.push"]) == (1, 0)
    assert [(sent.who, sent.step, sent.channel) for sent in shop.sent(message="wishlist-nudge")] == [
        ("ana", "text", "sms")
    ]
    assert "clicked: left by the exit rule Order Completed" in shop.explain("sarah")


def test_a_run_begins_by_hand_now(shop: VirtualProject) -> None:
    shop.start_campaign("wishlist")

    assert [(line.at, line.run) for line in shop.campaign_lines()[:1]] == [(shop.now_ms(), 1)]
    assert [mail.who for mail in shop.sent(channel="email")] == ["ana"]  # the next one is due two milliseconds later


def test_a_second_run_does_not_begin_while_one_goes_on(shop: VirtualProject) -> None:
    shop.start_campaign("wishlist")

    with pytest.raises(CallerError, match="a run of the campaign 'wishlist' is under way"):
        shop.start_campaign("wishlist")


def test_a_misspelt_campaign_is_told(shop: VirtualProject) -> None:
    with pytest.raises(CallerError, match="there is no campaign 'wishlit', did you mean 'wishlist'?"):
        shop.start_campaign("wishlit")
    with pytest.raises(CallerError, match="there is no campaign"):
        shop.start_campaign("wish list of mine")


@pytest.mark.parametrize("asked", [{"journey": "wishlst"}, {"step": "mial"}])
def test_the_names_of_campaigns_and_their_steps_are_known(shop: VirtualProject, asked: dict[str, str]) -> None:
    assert shop.sent(journey="wishlist", step="clicked") == []

    with pytest.raises(CallerError, match="did you mean"):
        shop.sent(**asked)


def test_occurrences_before_the_start_are_none(parcours_project: Any, wishlist_folder: Path) -> None:
    shop: VirtualProject = parcours_project(wishlist_folder, start=datetime(2026, 11, 10, tzinfo=UTC))

    shop.advance(days=7)

    assert {(line.run, line.at) for line in shop.campaign_lines() if line.step == "visitors"} == {
        (1, 1_794_816_000_000)  # 2026-11-16T08:00:00Z
    }


def test_a_run_that_fails_says_at_which_step_and_why(
    parcours_project: Any, wishlist_folder: Path, tmp_path: Path
) -> None:
    copy = Path(shutil.copytree(wishlist_folder, tmp_path / "wishlist"))
    table = copy / "data" / "wishlist.csv"
    table.write_text(re.sub(r"\d+\.\d\d,", "cheap,", table.read_text()))
    shop: VirtualProject = parcours_project(copy, start=BEFORE)

    shop.start_campaign("wishlist")

    failed = shop.campaign_lines()[-1]
    assert (failed.step, failed.output) == ("wishes", "failed")
    assert failed.why.startswith("table 'wishlist': 29 of 29 cells of column 'priceref' do not fit decimal(2)")


def test_a_person_is_told_why_a_campaign_did_not_take_her_along(shop: VirtualProject) -> None:
    shop.identify("eva", {"email": "eva@shop.example", "churnprop": 0.9})
    shop.advance(hours=2)

    assert "a run of the campaign takes people along" in shop.explain("eva")
