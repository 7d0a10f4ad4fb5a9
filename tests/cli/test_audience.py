"""`parcours audience show`: who is in an audience as of an instant, and what its condition reads."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.simulation.campaign_shop import campaign, identified, people, project_in, tracked
from typer.testing import CliRunner, Result

from parcours.cli import build

AUDIENCES = {
    "audiences": {
        "rich": 'profile.score > 2 && count("Seen", "2h") == 0 && consent("email", "marketing")',
        "late": 'profile.city == "Oslo" && now - last("Seen") > duration("1h")',
        "best": {"saved": True, "label": "Best"},
        "missed": 'profile.score >= 3 && !in_audience("best")',
    }
}


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    everybody = {"id": "all", "read": {"where": "profile.score >= 4"}}
    project_in(tmp_path / "shop", campaign(everybody, {"id": "save", "save": "best"}), audiences=AUDIENCES)
    calls = [*people(6), identified("u6", city="Oslo"), tracked("u4", "Seen", 1), tracked("u6", "Seen", 0.5)]
    calls.append(tracked("u0", "Seen", 2))
    (tmp_path / "events.ndjson").write_text("\n".join(map(json.dumps, calls)))
    return tmp_path


def show(shop: Path, name: str, *arguments: str) -> Result:
    named = ["audience", "show", str(shop / "shop"), name, "--events", str(shop / "events.ndjson"), *arguments]
    return CliRunner(env={"COLUMNS": "100"}).invoke(build(), named)


def test_it_counts_and_says_what_the_condition_saw(shop: Path) -> None:
    shown = show(shop, "rich", "--sample", "1")

    assert shown.exit_code == 0, shown.output
    first, member, more = shown.stdout.splitlines()
    assert first.startswith("2 people are in rich as of 2026-01-01T11:00:00.000Z: where profile.score > 2 && ")
    assert member == '  u3: profile.score = 3, count("Seen") = 0, consent("email", "marketing") = true'
    assert more == "  and 1 more"


def test_an_audience_that_asks_for_a_saved_one_says_who_is_in_that(shop: Path) -> None:
    assert show(shop, "missed").stdout.splitlines()[1:] == ['  u3: profile.score = 3, in_audience("best") = false']


@pytest.mark.parametrize(("at", "size"), [("2026-01-01T09:30:00Z", 3), ("2026-01-01T12:00:00Z", 3)])
def test_it_is_as_of_an_instant_whose_events_have_happened(shop: Path, at: str, size: int) -> None:
    # two hours after the event of u4 at 10:00 her count is 0 again
    assert json.loads(show(shop, "rich", "--at", at, "--json").stdout)["size"] == size


def test_an_audience_by_time_is_looked_at_as_of_that_time(shop: Path) -> None:
    early, late = (
        json.loads(show(shop, "late", "--at", f"2026-01-01T10:{minute}:00Z", "--json").stdout) for minute in (30, 31)
    )

    assert (early["size"], late["size"]) == (0, 1)
    assert late["sample"] == [
        {"person": "u6", "because": ['profile.city = "Oslo"', 'last("Seen") = 2026-01-01T09:30:00.000Z']}
    ]


def test_one_that_campaigns_save_has_members_from_the_save_on(shop: Path) -> None:
    before = show(shop, "best", "--at", "2026-01-01T10:00:00Z")
    after = show(shop, "best", "--at", "2026-01-01T10:00:00.001Z")

    assert before.stdout == "0 people are in best as of 2026-01-01T10:00:00.000Z: it is saved by campaigns\n"
    assert after.stdout.splitlines()[1:] == ["  u4: saved by a campaign", "  u5: saved by a campaign"]


def test_an_unknown_audience_is_named(shop: Path) -> None:
    shown = show(shop, "richt")

    assert shown.exit_code == 1 and "there is no audience 'richt', did you mean 'rich'?" in shown.stderr
