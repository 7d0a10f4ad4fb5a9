"""When do runs of campaigns begin? By their schedules from the first event on, and as often as is asked for by hand."""

from __future__ import annotations

from importlib.resources import as_file, files

import msgspec
import pytest

from parcours.campaigns.campaign_line import SKIPPED_RUNNING, CampaignLine
from parcours.config import DAY_MS
from parcours.errors import CallerError
from parcours.journey.project import Project
from parcours.simulation.campaigning import CampaignsAsked
from parcours.simulation.simulation import simulate

MONDAY_MS = 1_793_606_400_000  # 2026-11-02T08:00:00Z, nine o'clock in Paris


@pytest.fixture(scope="module")
def wishlist() -> Project:
    with as_file(files("parcours.examples") / "wishlist") as folder:
        return Project.load(folder)


def told(project: Project, timestamp: str, until_ms: int, *starts: tuple[str, int | None]) -> list[CampaignLine]:
    """What is told of the campaign's read, where somebody becomes known at this time."""
    lines: list[CampaignLine] = []
    known = {"type": "identify", "userId": "ana", "traits": {"email": "ana@shop.example"}, "timestamp": timestamp}
    asked = CampaignsAsked(starts=starts, told=lines.append)
    simulate(project, [msgspec.json.encode(known)], until_ms=until_ms, campaigns=asked)
    return [line for line in lines if line.step in (None, "visitors")]


def test_what_a_schedule_names_before_the_first_event_is_no_run(wishlist: Project) -> None:
    lines = told(wishlist, "2026-11-09T08:00:00.001Z", MONDAY_MS + 14 * DAY_MS)

    assert [(line.run, line.at) for line in lines] == [(1, MONDAY_MS + 14 * DAY_MS)]


def test_a_run_begins_with_the_first_event_if_that_comes_at_its_instant(wishlist: Project) -> None:
    lines = told(wishlist, "2026-11-09T08:00:00Z", MONDAY_MS + 14 * DAY_MS)

    assert [(line.run, line.at) for line in lines] == [(1, MONDAY_MS + 7 * DAY_MS), (2, MONDAY_MS + 14 * DAY_MS)]


def test_several_runs_of_a_campaign_begin_by_hand(wishlist: Project) -> None:
    first, second = MONDAY_MS - 6 * DAY_MS, MONDAY_MS - 2 * DAY_MS

    lines = told(wishlist, "2026-10-20T08:00:00Z", second, ("wishlist", second), ("wishlist", first))

    assert [(line.run, line.at) for line in lines] == [(1, first), (2, second)]


def test_one_that_begins_with_the_last_event_goes_before_what_comes_after_it(wishlist: Project) -> None:
    event = MONDAY_MS - 13 * DAY_MS

    lines = told(wishlist, "2026-10-20T08:00:00Z", MONDAY_MS, ("wishlist", None))

    assert [(line.run, line.at) for line in lines] == [(1, event), (2, MONDAY_MS)]


def test_of_two_that_begin_at_one_instant_only_the_first_does(wishlist: Project) -> None:
    at = MONDAY_MS - 6 * DAY_MS

    lines = told(wishlist, "2026-10-20T08:00:00Z", at, ("wishlist", at), ("wishlist", at))

    assert [(line.run, line.output) for line in lines] == [(1, "main"), (2, SKIPPED_RUNNING)]


def test_a_campaign_that_is_not_there_is_named_with_the_nearest(wishlist: Project) -> None:
    with pytest.raises(CallerError, match="there is no campaign 'wishlst', did you mean 'wishlist'"):
        told(wishlist, "2026-10-20T08:00:00Z", MONDAY_MS, ("wishlst", None))
