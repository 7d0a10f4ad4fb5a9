"""Do the exported facts of a simulation tell what its campaigns did?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.simulation.campaign_shop import campaign, people, project_in, tracked

from parcours.insight.exporter.done import facts_folder
from parcours.insight.exporter.reading import reading, rows_of
from parcours.journey.model.insight import FactTable
from parcours.journey.project import Project
from parcours.simulation.campaigning import CampaignsAsked
from parcours.simulation.fact_files import FactFiles
from parcours.simulation.simulation import simulate

EVERYBODY: dict[str, Any] = {"id": "all", "read": {"where": "has(profile.email)"}}
MAIL: dict[str, Any] = {"id": "mail", "send": "news", "channels": ["email"]}
HELLO: dict[str, Any] = {"journey": "hello", "entry": {"event": "Seen"}, "steps": [{**MAIL, "id": "greet"}]}


def simulated(project: Project, calls: list[dict[str, Any]], out: Path, shards: int = 1) -> None:
    recorded = b"\n".join(json.dumps(each).encode() for each in calls)
    with FactFiles(out, project.program, None) as files:
        simulate(
            project,
            recorded,
            shards=shards,
            facts=files.add,
            accepted=files.add_events,
            campaigns=CampaignsAsked(out / "exports"),
        )
        files.write()


def rows(out: Path, table: FactTable) -> list[dict[str, Any]]:
    """The rows of a table in their order."""
    folder = facts_folder(out)
    found: list[dict[str, Any]] = reading(folder, lambda listing: rows_of(folder, listing, table)).to_pylist()
    return sorted(found, key=lambda row: (row["record"], row["n"]))


def test_what_campaigns_do_with_people_is_told_apart_from_journeys(tmp_path: Path) -> None:
    project = project_in(tmp_path / "shop", campaign(EVERYBODY, MAIL), journeys_hello=HELLO)

    simulated(project, [*people(2), tracked("u0", "Seen", 0.5)], tmp_path)

    for table in ("moves", "deliveries"):
        assert {(row["journey"], row["kind"], row["person"]) for row in rows(tmp_path, table)} == {
            ("hello", "journey", "u0"),
            ("push", "campaign", "u0"),
            ("push", "campaign", "u1"),
        }
