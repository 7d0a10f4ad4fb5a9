"""A chain of operators on sets by both engines, and a campaign: `python -m tests.cluster.sets_on_ray ADDRESS DIR`.

A process of its own: Daft runs where its first question was asked, for as long as a process lives.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from pathlib import Path
from typing import Any

import ray
from tests.campaigns.sets.both_engines import BothSets
from tests.campaigns.sets.test_chains import Chain
from tests.engine.campaign_behaviour import lived, simulated, wishlist

from parcours.sets_settings import SetsSettings

KINDS_OF_STEPS = 7


def main(address: str, folder: Path) -> None:
    ray.init(address=address, logging_level=logging.ERROR, log_to_driver=False)
    both = BothSets(folder, 1)
    chain = Chain(folder, 1, both)
    for kind in range(KINDS_OF_STEPS):
        chain.step(kind)
    project = wishlist(folder / "wishlist")
    foreseen = simulated(project, folder / "simulated", 2)
    by_daft = lived(project, folder / "store", "ray", 2, sets=SetsSettings(engine="daft"))
    is_same = by_daft == foreseen
    sys.stdout.write(json.dumps({"files": both.files, "campaign_is_same": is_same, **where_daft_runs()}))


def where_daft_runs() -> dict[str, Any]:
    """Which runner Daft has here, in which process a question of ours is answered, and whether it reports there."""
    import daft

    @daft.func(return_dtype=daft.DataType.string())
    def told(number: int) -> str:
        return f"{number} {os.getpid()} {os.environ.get('DAFT_ANALYTICS_ENABLED')}"

    (answer,) = daft.from_pydict({"number": [1]}).select(told(daft.col("number")).alias("told")).to_pydict()["told"]
    _, process, reports = answer.split()
    return {"runner": daft.get_or_infer_runner_type(), "elsewhere": int(process) != os.getpid(), "reports": reports}


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
