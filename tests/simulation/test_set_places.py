"""Why is somebody in a set of a campaign, or in none? Told for each run and step."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.simulation.campaign_shop import Told, campaign, identified, people, project_in, reacted, told, tracked

TABLES: dict[str, Any] = {
    "tables": {
        "wishes": {
            "file": "wishes.csv",
            "person": "row.mail",
            "match": "email",
            "columns": {"mail": "string", "name": "string"},
        }
    }
}

STEPS = (
    {"id": "all", "read": "seen"},
    {"id": "some", "filter": "profile.score > 1"},
    {"id": "unique", "dedupe": {"by": ["profile.city"], "order": [{"by": "profile.score", "highest": True}]}},
    {
        "id": "split",
        "split": [
            {"name": "low", "when": "profile.score < 4"},
            {"name": "first", "order": [{"by": "profile.score", "lowest": True}], "limit": 1},
            {"name": "others", "otherwise": True},
        ],
    },
    {"id": "save", "from": "split.others", "save": "best", "key": "profile.email"},
    {"id": "both", "union": ["split.low", "split.first", "save"]},
    {
        "id": "wished",
        "enrich": {"wish": {"table": "wishes", "take": "first", "columns": ["name"], "required": True}},
    },
    {"id": "half", "split": {"even": ["a", "b"]}},
    {"id": "again", "union": ["half.a", "half.b"]},
    {"id": "mail", "send": "news", "channels": ["email"]},
    {"id": "clicked", "reacted": {"of": "mail", "reaction": "clicked", "within": "1d"}},
)


@pytest.fixture
def found(tmp_path: Path, request: pytest.FixtureRequest) -> Told:
    wishes = "".join(f"u{each}@mail.example,W{each}\n" for each in range(2, 8))
    (tmp_path / "wishes.csv").write_text(f"mail,name\n{wishes}")
    project = project_in(tmp_path, campaign(*STEPS, exit=[{"event": "Bought"}], hours=2), tables=TABLES)
    calls = [identified(f"u{each}", score=each, city=f"c{each}") for each in range(10)]
    calls += [identified("u5", 0.1, city="c9"), identified("u6", 0.1, email="")]
    calls += [tracked(f"u{each}", "Seen", 1) for each in range(10) if each != 8]
    calls += [reacted("u3", "clicked", "mail", 3), tracked("u7", "Bought", 4)]
    return told(project, calls, explain=request.param)


@pytest.mark.parametrize(
    ("found", "places"),
    [
        ("u8", [("all", (), "not in the audience seen")]),
        ("u0", [("all", ("main",), ""), ("some", ("rest",), "not so: profile.score > 1")]),
        (
            "u5",
            [
                ("all", ("main",), ""),
                ("some", ("main",), ""),
                ("unique", ("rest",), "gave way to u9 (same profile.city)"),
            ],
        ),
    ],
    indirect=["found"],
)
def test_who_is_in_no_further_set_is_told_where_that_was_decided(
    found: Told, places: list[tuple[str, tuple[str, ...], str]]
) -> None:
    assert [(each.step, each.outputs, each.why) for each in found.places] == places


@pytest.mark.parametrize(
    ("found", "step", "outputs", "why"),
    [
        ("u2", "split", ("low",), "profile.score < 4"),
        ("u4", "split", ("first",), "one of the first"),
        ("u7", "split", ("others",), "in no subset above"),
        ("u6", "save", (), "nothing in profile.email"),
        ("u9", "wished", ("rest",), "no row in wishes"),
        ("u3", "clicked", ("main",), ""),
        ("u2", "clicked", ("rest",), ""),
        ("u7", "clicked", (), "left by an exit"),
    ],
    indirect=["found"],
)
def test_a_place_has_its_reason(found: Told, step: str, outputs: tuple[str, ...], why: str) -> None:
    (place,) = [each for each in found.places if each.step == step]

    assert (place.outputs, place.why, place.run) == (outputs, why, 1)


def test_whom_gates_refused_is_in_both_outputs_of_the_send(tmp_path: Path) -> None:
    everybody = {"id": "all", "read": {"where": "profile.score >= 0"}}
    project = project_in(tmp_path, campaign(everybody, {"id": "mail", "send": "news", "channels": ["email"]}))
    calls = [*people(2), identified("u2", score=1, email="")]

    found = told(project, calls, explain="u2")

    assert [(each.step, each.outputs, each.why) for each in found.places] == [
        ("all", ("main",), ""),
        ("mail", ("main", "refused"), "every channel was refused"),
    ]


def test_a_run_that_goes_on_when_the_simulation_ends_is_told_as_far_as_it_is(tmp_path: Path) -> None:
    everybody = {"id": "all", "read": {"where": "profile.score >= 0"}}
    steps = everybody, {"id": "pause", "wait": "30d"}, {"id": "mail", "send": "news"}
    project = project_in(tmp_path, campaign(*steps))

    found = told(project, people(2), explain="u1", until_ms=1_767_258_000_000 + 10 * 3_600_000)

    assert [each.step for each in found.places] == ["all", "pause"]
