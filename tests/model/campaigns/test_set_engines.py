"""Do both engines of sets make the same of random campaigns? Every set to the row, and all that is sent by it.

Each set of a case is exported, which shows who is in it with which columns; the files have to be the same bytes.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.model.campaigns.differences import simulated
from tests.model.campaigns.generator import case
from tests.model.seeds import CAMPAIGNS_BY_BOTH_ENGINES, blocks, name_of

SEEDS_PER_TEST = 6


@pytest.mark.parametrize("seeds", blocks(CAMPAIGNS_BY_BOTH_ENGINES, SEEDS_PER_TEST), ids=name_of)
def test_daft_makes_of_a_campaign_what_duckdb_makes(seeds: range, tmp_path: Path) -> None:
    for seed in seeds:
        drawn, folder = case(seed), tmp_path / f"seed-{seed}"
        drawn.write(folder)

        wanted, found = (simulated(drawn, folder, 1, engine) for engine in ("duckdb", "daft"))

        assert found == wanted, f"seed {seed}, written to {folder}"
        assert files_below(folder / "exports-1-daft") == files_below(folder / "exports-1-duckdb") != {}


def files_below(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
