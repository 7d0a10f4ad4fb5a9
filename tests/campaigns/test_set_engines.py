"""What the engine of sets that the settings name cannot do is refused before anything begins."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.engine.campaign_behaviour import wishlist

from parcours import Engine
from parcours.campaigns.set_engines import PATTERN_CHARACTERS, unmakeable
from parcours.config import Settings
from parcours.errors import SettingInvalid
from parcours.journey.project import Project
from parcours.sets_settings import SetsSettings
from parcours.simulation.simulation import simulate

RECORDS = ["email", "push", "sms"]

BY_DAFT = Settings(sets=SetsSettings(engine="daft"))


def test_a_setting_names_the_engine_of_sets() -> None:
    assert Settings().sets.engine == "duckdb"
    assert Settings.model_validate({"sets": {"engine": "daft"}}) == BY_DAFT
    with pytest.raises(SettingInvalid, match="sets.engine"):
        Settings.model_validate({"sets": {"engine": "spark"}})


def test_a_store_in_a_folder_that_daft_takes_for_a_pattern_is_refused(tmp_path: Path) -> None:
    project = wishlist(tmp_path / "wishlist")
    for character in PATTERN_CHARACTERS:
        (reason,) = unmakeable(BY_DAFT, project.program, Path(f"/var/shop{character}1"))
        assert "Daft takes" in reason and "in a path for a pattern" in reason
        assert unmakeable(Settings(), project.program, Path(f"/var/shop{character}1")) == []

    with pytest.raises(SettingInvalid, match="cannot read below .*: Daft takes"):
        Engine.open(project, f"sqlite:///{tmp_path}/shop[1]", runtime="local", records=RECORDS, settings=BY_DAFT)
    assert not (tmp_path / "shop[1]").exists()


def test_a_table_with_a_column_that_daft_takes_for_all_is_refused(tmp_path: Path) -> None:
    wishlist(tmp_path / "wishlist")
    tables = tmp_path / "wishlist" / "tables.yaml"
    tables.write_text(tables.read_text().replace("description: string", '"*": string, description: string'))
    project = Project.load(tmp_path / "wishlist")

    with pytest.raises(SettingInvalid, match="cannot read the table 'wishlist': .* called '\\*' for all columns"):
        simulate(project, [], settings=BY_DAFT)
