"""The example `wishlist` in an engine on Ray, undisturbed and with a shard killed, comes to what was simulated."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest
from tests.engine.campaign_behaviour import lived, simulated, wishlist

from parcours import Engine
from parcours.runtime.cluster.runtime import ClusterRuntime
from parcours.service.host import Host

pytestmark = pytest.mark.ray


def kill_a_shard(engine: Engine) -> None:
    """While the campaign goes on: it is opened again from its store."""
    host = engine._facade._host
    assert isinstance(host, Host)
    runtime = host._runtime
    assert isinstance(runtime, ClusterRuntime)
    pids = asyncio.run_coroutine_threadsafe(runtime.process_ids(), engine._loop).result()
    os.kill(pids["shard 0"], signal.SIGKILL)


@pytest.mark.parametrize("is_disturbed", [False, True])
def test_it_comes_to_what_was_simulated(tmp_path: Path, is_disturbed: bool) -> None:
    project = wishlist(tmp_path / "wishlist")
    foreseen = simulated(project, tmp_path / "simulated", 2)

    disturb = kill_a_shard if is_disturbed else lambda engine: None
    assert lived(project, tmp_path / "store", "ray", 2, disturb) == foreseen
