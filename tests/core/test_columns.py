"""By which names does a shard tell of somebody, so that rows of tables can be hers?"""

from __future__ import annotations

from pathlib import Path

import pytest

from parcours.config import Settings
from parcours.core.columns import columns_of, read_columns
from parcours.core.profile import Identity, Profile
from parcours.journey.campaign_columns import ALL_NAMES, ShardColumns
from parcours.journey.project import Project

NAMES = {"@loyalty/2": 20_000, "@anonymous/7f": 20_001, "@loyalty/10": 20_002}


@pytest.mark.parametrize(
    "namespaces, told",
    [
        ((), []),
        (("loyalty",), ["@loyalty/10", "@loyalty/2"]),
        (("user",), []),
        (("loyalty", "anonymous"), ["@anonymous/7f", "@loyalty/10", "@loyalty/2"]),
        ((ALL_NAMES,), ["@anonymous/7f", "@loyalty/10", "@loyalty/2"]),
    ],
)
def test_names_that_were_merged_into_her_are_told_in_the_namespaces_that_are_asked_for(
    tmp_path: Path, namespaces: tuple[str, ...], told: list[str]
) -> None:
    (tmp_path / "parcours.yaml").write_text("project: shop\n")
    program = Project.load(tmp_path).program
    asked = ShardColumns((), (), (), (), (), namespaces)

    for profile, names in ((Profile(identity=Identity(names=NAMES)), told), (Profile(), [])):
        assert read_columns(columns_of(profile, 0, program, asked, Settings())).names == names
