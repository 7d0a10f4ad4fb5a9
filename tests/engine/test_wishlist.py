"""The example `wishlist` in an engine comes to the same as simulated, whatever the number of shards."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.engine.campaign_behaviour import Came, lived, simulated, wishlist

from parcours.journey.project import Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return wishlist(tmp_path / "wishlist")


@pytest.fixture
def foreseen(project: Project, tmp_path: Path) -> Came:
    came = simulated(project, tmp_path / "simulated", 1)
    assert came.sent["mail"], "somebody is mailed"
    assert came.sizes["clicked.main"] > 0
    assert simulated(project, tmp_path / "simulated-2", 2) == came
    return came


@pytest.mark.parametrize("shards", [1, 2, 8])
def test_it_comes_to_what_was_simulated(project: Project, foreseen: Came, tmp_path: Path, shards: int) -> None:
    assert lived(project, tmp_path / "store", "local", shards) == foreseen
