"""Does each benchmark still run, and is its answer right? Small, and whatever it measures is not looked at."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"

NO_SCRIPTS = {
    "__main__.py",
    "attached_door.py",
    "cdnow_theirs.py",
    "clickstream_theirs.py",
    "door_client.py",
    "handover.py",
    "one_shard.py",
    "router.py",
    "shoppers.py",
    "win_back_world.py",
    "workload.py",
}

SMALL = {
    "archive.py": "--events 4000 --people 100 --runs 1",
    "attribution.py": "--without-comparison --paths 100",
    "audience_read.py": "--people 500 --runs 1",
    "cdnow.py": "--people 100",
    "clickstream.py": "--lines 2000",
    "decisions.py": "--offers 5 --people 20 --rate 20 --seconds 1 --events 200 --batch 10 --batches 2 --places 2000 "
    "--fixes 300 --trees 5 --runs 1",
    "door.py": "--rounds 1 --events 400",
    "funnels.py": "--events 20000 --runs 1",
    "experiments.py": "--experiments 400 --whole 2",
    "linked_names.py": "--people 60 --runs 1",
    "hot_person.py": "--ended 300 --open 300 --block 100",
    "live_report.py": "--facts 6000 --exported 5000 --people 100 --runs 1",
    "off_policy.py": "--made-up 400",
    "offers.py": "--offers 1 9 --people 4 --runs 1",
    "merging.py": "--moves 6 --blocks 2 --calls 50",
    "message_ids.py": "--scale 0.004 --hours 2",
    "parts.py": "--people 500 --runs 1",
    "pictures.py": "--steps 12 --runs 1",
    "places.py": "--places 2000 --fixes 300",
    "recovery.py": "--people 5000",
    "take_over.py": "--people 1000 --rounds 1",
    "report_page.py": "--runs 1",
    "scan.py": "--people 200 --people-beside 200 --events 200000 --runs 1 --scans 2",
    "screens.py": "--people 200 300 --runs 1",
    "scores.py": "--trees 5 --people 50 --runs 1",
    "sets.py": "--people 300 --runs 1",
    "simulation.py": "--people 50 --runtime local --runs 1",
    "single_calls.py": "--awaiters 5 --calls 50",
    "throughput.py": "--events 4000 --people 100 --runtime local --shards 1 --runs 1",
    "watchers.py": "--rounds 1 --events 2000 --watchers 3 --minutes 0.02 --rate 500",
    "win_back.py": "--people 600 --runs 1",
}


OTHER_WAYS = {"sets.py": "--engine daft --people 300 --runs 1"}


PARTS_OF_WORKLOADS = {"decisions.py", "door.py", "win_back.py"}
"""Scripts of which tests/benchmarks tries what they measure; by themselves they take a minute more."""

ON_RAY = {"take_over.py"}
"""It starts a cluster and waits for half a minute; tests/cluster has the same actors killed and frozen."""

TRIED = (
    SMALL
    if "PARCOURS_BENCHMARKS_FULL" in os.environ
    else {name: SMALL[name] for name in SMALL.keys() - PARTS_OF_WORKLOADS - ON_RAY}
)


def test_every_benchmark_is_tried() -> None:
    assert {path.name for path in BENCHMARKS.glob("*.py")} - NO_SCRIPTS == SMALL.keys()


@pytest.mark.parametrize("script, options", [*sorted(TRIED.items()), *OTHER_WAYS.items()])
def test_a_benchmark_checks_its_answer_and_prints_figures(script: str, options: str) -> None:
    command = [sys.executable, script, *options.split()]

    ended = subprocess.run(command, cwd=BENCHMARKS, capture_output=True, text=True, check=False)

    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout.splitlines()[-1])
