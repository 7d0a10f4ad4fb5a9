"""Do reports of a store add up, whether its facts are exported or not, and are they those of its twin?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.engine.canaries import SETTINGS
from tests.insight.warehouse.test_stores import IN_JOURNALS, PEOPLE, address, live
from typer.testing import CliRunner

from parcours import Settings
from parcours.cli import build
from parcours.simulation.store_inputs import write_inputs


def ask(*arguments: str | Path) -> str:
    done = CliRunner().invoke(build(), [str(each) for each in arguments])
    assert done.exit_code == 0, done.output
    return done.stdout


def told(*arguments: str | Path) -> dict[str, Any]:
    tables: dict[str, Any] = json.loads(ask("report", *arguments, "--format", "json"))["tables"]
    return tables


@pytest.mark.parametrize("settings", [IN_JOURNALS, SETTINGS], ids=["journal", "files"])
def test_a_store_adds_up_and_comes_to_what_its_inputs_come_to(tmp_path: Path, settings: Settings) -> None:
    live(tmp_path, settings)
    assert write_inputs(address(tmp_path), tmp_path / "inputs.ndjson") > 0
    ask("simulate", tmp_path / "shop", "--events", tmp_path / "inputs.ndjson", "--out", tmp_path / "out", "--facts")

    assert ask("insight", "check", "--store", address(tmp_path)) == "All facts add up.\n"
    found = told("journey", "--store", address(tmp_path))

    assert [row[:2] for row in found["Runs"]["rows"]] == [["visit", 2 * PEOPLE]]
    assert found == told(tmp_path / "out", "journey")
