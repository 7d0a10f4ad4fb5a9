"""Audiences that are kept up to date from funnels, in a simulation: who is in them, since when, and what follows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.simulation.campaign_shop import BEGIN_MS, HOUR_MS, Told, at, campaign, identified, project_in, told, tracked

from parcours.campaigns.look_asked import PreviewAsked, StepPreview
from parcours.core.fact import Changed
from parcours.errors import CallerError
from parcours.journey.campaign_program import CampaignProgram
from parcours.journey.project import Project
from parcours.simulation.campaigning import CampaignsAsked
from parcours.simulation.simulation import simulate
from parcours.simulation.stored import look_into_store

AUDIENCES = {"audiences": {"almost": {"saved": True, "label": "Nearly bought"}}}
GREETING = {
    "journey": "greeting",
    "entry": {"audience": "almost"},
    "exit": [{"audience": "almost", "change": "left"}],
    "steps": [{"id": "mail", "send": "news", "channels": ["email"]}, {"id": "rest", "wait": "30d"}],
}


def keeping(who: str = "lost:1", *, rule: str | None = "FREQ=DAILY", **more: Any) -> dict[str, Any]:
    schedule = {"at": at(1), **({} if rule is None else {"rule": rule})}
    return {
        "funnels": {"buying": {"steps": ["Seen", "Bought"]}},
        "audiences": {"almost": {"funnel": "buying", "who": who, "schedule": schedule, **more}},
    }


def shop(folder: Path, insight: Mapping[str, Any], **more: Mapping[str, Any]) -> Project:
    return project_in(folder, audiences=AUDIENCES, insight_shop=insight, journeys_greeting=GREETING, **more)


def members(found: Told) -> list[tuple[str, str | None, int]]:
    """Who has entered and left, with the ms after the beginning, in order."""
    changes = [each for each in found.facts if isinstance(each, Changed) and each.what == "audience"]
    assert {each.name for each in changes} <= {"almost"}
    return sorted((each.person, each.value, each.at - BEGIN_MS) for each in changes)


PEOPLE = [
    *(identified(f"u{each}") for each in range(4)),
    tracked("u0", "Seen", 0.1),
    tracked("u1", "Seen", 0.1),
    tracked("u1", "Bought", 0.2),
    tracked("u2", "Seen", 1),  # at the very instant
    tracked("u3", "Seen", 1.0001),
    tracked("u0", "Bought", 2),
    tracked("u3", "Seen", 26),
]


def test_whoever_the_funnel_has_at_an_instant_is_in_from_the_next_millisecond_on(tmp_path: Path) -> None:
    project = shop(tmp_path / "shop", keeping())

    found = told(project, PEOPLE, explain="u2")

    first, second = HOUR_MS + 1, 25 * HOUR_MS + 1
    assert members(found) == [
        ("u0", "entered", first),
        ("u0", "left", second),
        ("u2", "entered", first),
        ("u3", "entered", second),
    ]
    entered = [
        (each, time) for each in ("u0", "u1", "u2", "u3") for what, _, time in found.moves(each) if what == "entered"
    ]
    assert entered == [("u0", first), ("u2", first), ("u3", second)]
    assert [what for what, _, _ in found.moves("u0")][-1] == "exited"
    assert [(line.run, line.step, line.output, line.size) for line in found.lines] == [
        (1, "people", "main", 2), (1, "save", "main", 2), (2, "people", "main", 2), (2, "save", "main", 2),
    ]  # fmt: skip
    assert {line.campaign for line in found.lines} == {"kept.almost"}
    assert [(each.run, each.step, each.outputs, each.why) for each in found.places] == [
        (1, "people", ("main",), "among lost:1 of the funnel buying"), (1, "save", ("main",), ""),
        (2, "people", ("main",), "among lost:1 of the funnel buying"), (2, "save", ("main",), ""),
    ]  # fmt: skip


@pytest.mark.parametrize("shards", [2, 8])
def test_all_numbers_of_shards_come_to_the_same(tmp_path: Path, shards: int) -> None:
    project = shop(tmp_path / "shop", keeping())

    assert members(told(project, PEOPLE, shards=shards)) == members(told(project, PEOPLE))


def test_with_append_nobody_leaves(tmp_path: Path) -> None:
    project = shop(tmp_path / "shop", keeping("reached:1", mode="append"))

    found = told(project, PEOPLE)

    assert [(who, what) for who, what, _ in members(found)] == [(f"u{each}", "entered") for each in range(4)]


def test_without_a_rule_it_is_made_once(tmp_path: Path) -> None:
    found = told(shop(tmp_path / "shop", keeping(rule=None)), PEOPLE)

    assert [(who, what) for who, what, _ in members(found)] == [("u0", "entered"), ("u2", "entered")]


def test_it_is_made_by_hand_as_well_of_all_that_has_happened_by_then(tmp_path: Path) -> None:
    project = shop(tmp_path / "shop", keeping(rule=None))
    by_hand = [("kept.almost", BEGIN_MS + HOUR_MS // 2), ("kept.almost", None)]

    found = told(project, PEOPLE, starts=by_hand)

    last = 26 * HOUR_MS + 1
    assert members(found) == [
        ("u0", "entered", HOUR_MS // 2 + 1),
        ("u0", "left", last),
        ("u2", "entered", HOUR_MS + 1),
        ("u3", "entered", last),
    ]
    assert {line.run for line in found.lines} == {1, 2, 3}


def test_a_preview_tells_who_would_be_in_it_and_makes_nothing(tmp_path: Path) -> None:
    project, previewed = shop(tmp_path / "shop", keeping()), list[tuple[str, int, list[object], list[object]]]()

    def seen(campaign: CampaignProgram, as_of: int, steps: Mapping[str, StepPreview]) -> None:
        people, saved = ([row["person"] for row in each.sample["main"]] for each in steps.values())
        previewed.append((campaign.name, as_of - BEGIN_MS, people, saved))

    asked = CampaignsAsked(preview=PreviewAsked("kept.almost", BEGIN_MS + HOUR_MS, 9, seen))
    recorded = b"\n".join(json.dumps(each).encode() for each in PEOPLE)
    facts = simulate(project, recorded, campaigns=asked).facts

    assert previewed == [("kept.almost", HOUR_MS, ["u0", "u2"], ["u0", "u2"])]
    assert not [each for each in facts if isinstance(each, Changed) and each.what == "audience"]


def test_a_store_that_no_engine_has_open_previews_none_and_says_where(tmp_path: Path) -> None:
    project = shop(tmp_path / "shop", keeping())
    asked = CampaignsAsked(preview=PreviewAsked("kept.almost", None, 0, lambda *_: None))

    with pytest.raises(CallerError, match="preview it in a running engine, or of recorded events"):
        look_into_store(project, f"sqlite:///{tmp_path / 'store'}", campaigns=asked)


def test_whoever_has_become_somebody_else_is_as_the_project_has_it(tmp_path: Path) -> None:
    visitor = {"type": "track", "anonymousId": "v", "event": "Seen", "timestamp": at(0.1), "properties": {}}
    login = {**identified("u0", 0.5), "anonymousId": "v"}
    calls = [visitor, login, identified("u1"), tracked("u1", "Seen", 0.2)]

    def inside(name: str, **settings: Any) -> list[str]:
        documents = {"parcours": {"project": "shop", **settings}} if settings else {}
        return [who for who, _, _ in members(told(shop(tmp_path / name, keeping(rule=None), **documents), calls))]

    assert inside("unused") == ["u1"]
    assert inside("used", anonymous_history="used") == ["u0", "u1"]


def test_groups_and_segments_by_traits_that_facts_have_are_asked_as_of_then(tmp_path: Path) -> None:
    profile = {"traits": {"email": "string", "phone": "string", "city": {"type": "string", "insight": True}}}
    insight = keeping("group:Paris", rule="FREQ=DAILY;COUNT=2")
    insight["funnels"]["buying"]["split"] = "profile.city"
    calls = [
        identified("u0", city="Paris"), identified("u1", city="Oslo"),
        tracked("u0", "Seen", 0.5), tracked("u1", "Seen", 0.5), identified("u0", 2, city="Rome"),
    ]  # fmt: skip

    found = told(shop(tmp_path / "shop", insight, profile=profile), calls)

    assert members(found) == [("u0", "entered", HOUR_MS + 1), ("u0", "left", 25 * HOUR_MS + 1)]


def test_what_facts_cannot_tell_ends_the_run_and_says_why(tmp_path: Path) -> None:
    insight = keeping("group:Paris", rule=None)
    insight["funnels"]["buying"]["split"] = "profile.city"

    found = told(shop(tmp_path / "shop", insight), PEOPLE)

    (failed,) = found.result.failed
    assert (failed.campaign, failed.step) == ("kept.almost", "people")
    assert "city" in failed.why
    assert members(found) == []


def test_at_one_instant_with_a_campaign_each_does_what_it_does_alone(tmp_path: Path) -> None:
    everybody = {"id": "all", "read": {"where": "has(profile.email)"}}
    push = campaign(everybody, {"id": "mail", "send": "news", "channels": ["sms"]})
    waits = {
        "journey": "waits",
        "entry": {"event": "Seen"},
        "steps": [{"id": "rest", "wait": "54m"}, {"id": "tell", "send": "news", "channels": ["sms"]}],
    }
    alone = told(project_in(tmp_path / "alone", push, journeys_waits=waits), PEOPLE)
    kept = told(shop(tmp_path / "kept", keeping(), journeys_waits=waits), PEOPLE)

    together = project_in(
        tmp_path / "both", push, audiences=AUDIENCES, insight_shop=keeping(), journeys_greeting=GREETING,
        journeys_waits=waits,
    )  # fmt: skip
    both = told(together, PEOPLE)

    assert members(both) == members(kept)
    assert [each.person for each in both.deliveries("sent") if each.journey == "push"] == ["u0", "u1", "u2", "u3"]
    assert both.sent("tell") == alone.sent("tell") == kept.sent("tell")
    sizes = {(line.campaign, line.run, line.step): line.size for line in both.lines if line.output == "main"}
    assert sizes["push", 1, "mail"] == 4 and sizes["kept.almost", 1, "save"] == 2
