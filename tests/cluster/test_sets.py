"""Sets by Daft on the cluster have the rows that DuckDB gives them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import ray

pytestmark = pytest.mark.ray


def test_operators_and_campaigns_on_ray_make_what_duckdb_makes(tmp_path: Path) -> None:
    address = str(ray.get_runtime_context().gcs_address)
    command = [sys.executable, "-W", "error", "-m", "tests.cluster.sets_on_ray", address, str(tmp_path)]

    done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, timeout=300)

    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told.pop("files") >= 14
    assert told == {"campaign_is_same": True, "runner": "ray", "elsewhere": True, "reports": "0"}
