"""Does all that campaigns of an engine tell reach the exported files, each line once?"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.engine.test_campaigns import EVERYBODY, MAIL, filled, opened, over, until
from tests.simulation.campaign_shop import campaign, project_in
from typer.testing import CliRunner

from parcours import Engine, Settings
from parcours.cli import build
from parcours.config import DAY_MS
from parcours.insight.exporter.done import facts_folder
from parcours.insight.exporter.reading import reading, rows_of
from parcours.instants import to_moment
from parcours.journey.model.insight import FactTable
from parcours.journey.project import Project
from parcours.service.stored_facts import open_stored_facts
from parcours.store.exports import CAMPAIGNS_SHARD

AT_ONCE = Settings(campaign_lead_ms=20, export_every_ms=50, export_records=1)
WAIT: dict[str, Any] = {"id": "later", "wait": "2s"}
AGAIN: dict[str, Any] = {"id": "again", "send": "news", "channels": ["email"]}


def shop(folder: Path, *steps: Mapping[str, Any]) -> Project:
    return project_in(folder / "shop", campaign(EVERYBODY, *steps))


def engine_in(project: Project, store: Path) -> Engine:
    return opened(project, f"sqlite:///{store}", settings=AT_ONCE)


def rows(store: Path, table: FactTable = "campaign_steps") -> list[dict[str, Any]]:
    """The rows of a table that count, by their numbers."""
    folder = facts_folder(store)
    found: list[dict[str, Any]] = reading(folder, lambda listing: rows_of(folder, listing, table)).to_pylist()
    return sorted(found, key=lambda row: (row["shard"], row["record"], row["n"]))


def exported(store: Path, count: int) -> list[dict[str, Any]]:
    """The rows, once there are so many, and a little later still."""
    until(lambda: len(rows(store)) >= count)
    time.sleep(0.2)
    return rows(store)


def outputs(found: list[dict[str, Any]]) -> list[tuple[int, str, str, int]]:
    return [(row["run"], row["step"], row["output"], row["size"]) for row in found]


def test_each_line_of_a_run_is_a_row(tmp_path: Path) -> None:
    project, store = shop(tmp_path, MAIL), tmp_path / "store"
    with engine_in(project, store) as engine:
        filled(engine, 3)
        engine.run_campaign("push")
        run = over(engine)

        found = exported(store, 3)

        assert outputs(found) == [(1, "all", "main", 3), (1, "mail", "main", 3), (1, "mail", "refused", 0)]
        assert [row["record"] for row in found] == [1, 2, 3]
        assert {(row["campaign"], row["version"], row["shard"]) for row in found} == {("push", 1, CAMPAIGNS_SHARD)}
        begins = run.steps["mail"].begins
        assert begins is not None
        assert [row["begins"] for row in found] == [None, to_moment(begins), to_moment(begins)]
        until(lambda: [row["outcome"] for row in rows(store, "deliveries")].count("sent") == 3)
        assert {row["kind"] for row in [*rows(store, "deliveries"), *rows(store, "moves")]} == {"campaign"}
        assert engine.troubles() == []
    checked = CliRunner().invoke(build(), ["store", "check", "--store", f"sqlite:///{store}"])
    assert checked.exit_code == 0, checked.output
    assert "exports of campaigns: " in checked.output


STEPS = "select step, output, size, record from campaign_steps order by record"


@pytest.mark.parametrize("pause_ms", [50, 300 * DAY_MS])
def test_an_answer_has_each_line_once_exported_or_not(pause_ms: int, tmp_path: Path) -> None:
    project, store = shop(tmp_path, MAIL), tmp_path / "store"
    settings = Settings(campaign_lead_ms=20, export_every_ms=pause_ms, export_lag_max_ms=2 * 300 * DAY_MS)
    address, exports = f"sqlite:///{store}", pause_ms < DAY_MS
    with opened(project, address, settings=settings) as engine:
        filled(engine, 3)
        engine.run_campaign("push")
        over(engine)
        if exports:
            exported(store, 3)

        answers = [engine.insight().sql(STEPS).rows, engine.insight().sql(STEPS, exported=True).rows]

    told = [("all", "main", 3, 1), ("mail", "main", 3, 2), ("mail", "refused", 0, 3)]
    assert answers == [told, told if exports else []]
    with open_stored_facts(address, project.program, project.folder, {}).warehouse as warehouse:
        assert [tuple(row) for row in warehouse.rows(STEPS)] == told


def test_a_run_that_goes_on_in_another_life_tells_each_line_once(tmp_path: Path) -> None:
    project, store = shop(tmp_path, MAIL, WAIT, AGAIN), tmp_path / "store"
    with engine_in(project, store) as engine:
        filled(engine, 4)
        engine.run_campaign("push")
        exported(store, 3)
    with engine_in(project, store) as engine:
        over(engine)

        found = exported(store, 6)

        assert [each[1:3] for each in outputs(found)] == [
            ("all", "main"), ("mail", "main"), ("mail", "refused"), ("later", "main"), ("again", "main"),
            ("again", "refused"),
        ]  # fmt: skip
        assert [row["record"] for row in found] == [1, 2, 3, 4, 5, 6]


def test_a_backup_has_what_its_runs_have_told_and_what_they_tell_later_comes_once(tmp_path: Path) -> None:
    project, store, copy = shop(tmp_path, MAIL, WAIT, AGAIN), tmp_path / "store", tmp_path / "copy"
    with engine_in(project, store) as engine:
        filled(engine, 4)
        engine.run_campaign("push")
        exported(store, 3)
        engine.backup(copy)
        over(engine)
        exported(store, 6)
    with engine_in(project, copy) as engine:
        over(engine)

        found = exported(copy, 6)

        assert Counter((row["step"], row["output"]) for row in found).most_common(1)[0][1] == 1
        assert [row["record"] for row in found] == [1, 2, 3, 4, 5, 6]


def test_the_report_of_a_closed_store_has_its_campaigns(tmp_path: Path) -> None:
    project, store = shop(tmp_path, MAIL), tmp_path / "store"
    with engine_in(project, store) as engine:
        filled(engine, 3)
        engine.run_campaign("push")
        over(engine)
        exported(store, 3)

    told = CliRunner(env={"COLUMNS": "100"}).invoke(build(), ["report", "--store", f"sqlite:///{store}"])

    assert told.exit_code == 0, told.output
    assert "push  version 1" in told.output and "1 run" in told.output
    campaign = CliRunner().invoke(
        build(), ["report", "campaign", "push", "--store", f"sqlite:///{store}", "--format", "json"]
    )
    assert json.loads(campaign.stdout)["tables"]["Sets"]["rows"][0] == ["push", 1, 1, "all", "main", 3]
