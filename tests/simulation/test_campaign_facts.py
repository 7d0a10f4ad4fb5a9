"""Do the exported facts of a simulation tell what its campaigns did?"""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.simulation.campaign_shop import BEGIN_MS, HOUR_MS, campaign, people, project_in, tracked
from tests.simulation.fact_rows import rows

from parcours.instants import to_moment
from parcours.journey.project import Project
from parcours.simulation.campaigning import CampaignsAsked
from parcours.simulation.fact_files import FactFiles
from parcours.simulation.simulation import Result, simulate

EVERYBODY: dict[str, Any] = {"id": "all", "read": {"where": "has(profile.email)"}}
MAIL: dict[str, Any] = {"id": "mail", "send": "news", "channels": ["email"]}
HELLO: dict[str, Any] = {"journey": "hello", "entry": {"event": "Seen"}, "steps": [{**MAIL, "id": "greet"}]}


def simulated(
    project: Project, calls: list[dict[str, Any]], out: Path, shards: int = 1, also_at: int | None = None
) -> Result:
    recorded = b"\n".join(json.dumps(each).encode() for each in calls)
    starts = [] if also_at is None else [("push", also_at)]
    with FactFiles(out, project.program, None) as files:
        result = simulate(
            project,
            recorded,
            shards=shards,
            facts=files.add,
            accepted=files.add_events,
            campaigns=CampaignsAsked(out / "exports", starts, files.tell),
        )
        files.write()
    return result


def time_of(hours: float) -> datetime:
    return to_moment(BEGIN_MS + round(hours * HOUR_MS))


def test_what_campaigns_do_with_people_is_told_apart_from_journeys(tmp_path: Path) -> None:
    project = project_in(tmp_path / "shop", campaign(EVERYBODY, MAIL), journeys_hello=HELLO)

    simulated(project, [*people(2), tracked("u0", "Seen", 0.5)], tmp_path)

    for table in ("moves", "deliveries"):
        assert {(row["journey"], row["kind"], row["person"]) for row in rows(tmp_path, table)} == {
            ("hello", "journey", "u0"),
            ("push", "campaign", "u0"),
            ("push", "campaign", "u1"),
        }


def test_each_output_of_each_step_is_a_row_with_when_its_step_began(tmp_path: Path) -> None:
    some = {"id": "some", "filter": "profile.score > 0"}
    wait = {"id": "later", "wait": "1h"}
    project = project_in(tmp_path / "shop", campaign(EVERYBODY, some, MAIL, wait))

    simulated(project, people(3), tmp_path, also_at=BEGIN_MS + HOUR_MS * 3 // 2)

    told = rows(tmp_path, "campaign_steps")
    began = time_of(1)
    assert [(row["step"], row["output"], row["size"], row["time"], row["begins"]) for row in told] == [
        ("all", "main", 3, began, None),
        ("some", "main", 2, began, None),
        ("some", "rest", 1, began, None),
        ("mail", "main", 2, began, began),
        ("mail", "refused", 0, began, began),
        (None, "skipped_running", 0, time_of(1.5), None),
        ("later", "main", 2, time_of(2), began),
    ]
    assert {(row["campaign"], row["version"], row["run"], row["person"]) for row in told} == {
        ("push", 1, 1, ""),
        ("push", 1, 2, ""),
    }
    assert [row["record"] for row in told] == sorted({row["record"] for row in told})


def test_who_was_dropped_is_counted_by_reason(tmp_path: Path) -> None:
    leaving = campaign(EVERYBODY, {"id": "later", "wait": "2h"}, exit=[{"event": "Bought"}])
    project = project_in(tmp_path / "shop", leaving)

    simulated(project, [*people(4), tracked("u1", "Bought", 2)], tmp_path)

    told = rows(tmp_path, "campaign_steps")
    assert [(row["step"], row["size"], dict(row["dropped"])) for row in told] == [
        ("all", 4, {}),
        ("later", 3, {"exited": 1}),
    ]


def test_the_rows_of_campaigns_are_the_same_bytes_for_any_number_of_shards(tmp_path: Path) -> None:
    project = project_in(tmp_path / "shop", campaign(EVERYBODY, MAIL), journeys_hello=HELLO)
    calls = [*people(9), *(tracked(f"u{each}", "Seen", 0.5) for each in range(9))]

    for shards in (1, 3):
        simulated(project, calls, tmp_path / str(shards), shards)

    one, three = (
        {path.relative_to(tmp_path / each): path.read_bytes() for path in (tmp_path / each).rglob("*.parquet")}
        for each in ("1", "3")
    )
    assert one == three
