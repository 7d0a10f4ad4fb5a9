"""The process that starts the machines of the cluster and puts others in the place of those that are lost.

It begins with a head and others, whose clocks are as wrong as its arguments say, in milliseconds, and tells where the
cluster is. Then it reads a line for each that is lost: the process of its raylet, and by how much the clock of the one
that comes in its place is wrong. After each it tells the processes of all raylets but the head's, and those that make
the head. At the end of its input it ends the cluster.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from typing import Any, Final

from ray.cluster_utils import Cluster

from parcours.runtime.cluster.runtime import ENVIRONMENT, OBJECT_STORE_BYTES
from parcours.testing.faults.nodes.clocks import WRONG_MS

MACHINE: Final[dict[str, Any]] = {
    "num_cpus": 1,
    "object_store_memory": OBJECT_STORE_BYTES // 2,
    "include_dashboard": False,
    "include_log_monitor": False,
}

NOTICED: Final = {
    "RAY_health_check_initial_delay_ms": "500",
    "RAY_health_check_period_ms": "500",
    "RAY_health_check_timeout_ms": "1500",
    "RAY_health_check_failure_threshold": "3",
    "RAY_gcs_rpc_server_reconnect_timeout_s": "15",
}
"""A machine that is gone is noticed at once, one that does not answer within six seconds, and a lost head by the other
machines within a quarter of a minute: Ray itself waits for ten times as long."""


def main() -> None:
    """Serve until the input ends."""
    with tempfile.TemporaryDirectory(prefix="parcours-ray-", ignore_cleanup_errors=True) as folder:
        os.environ.update(ENVIRONMENT | NOTICED)
        os.environ["RAY_TMPDIR"] = folder  # nobody who looks for a cluster on this machine is to find this one
        _serve()


def _serve() -> None:
    cluster = Cluster(initialize_head=True, head_node_args=MACHINE)
    try:
        for clock in sys.argv[1:]:
            _add(cluster, int(clock))
        _tell(cluster)
        for line in sys.stdin:
            lost, wrong_ms = map(int, line.split())
            node = next(each for each in cluster.worker_nodes if _raylet(each) == lost)
            cluster.remove_node(node, allow_graceful=False)
            _add(cluster, wrong_ms)
            _tell(cluster)
    finally:
        cluster.shutdown()  # type: ignore[no-untyped-call]  # Ray has no types for it


def _add(cluster: Cluster, wrong_ms: int) -> None:
    """A machine whose processes see this clock."""
    os.environ[WRONG_MS] = str(wrong_ms)
    cluster.add_node(**MACHINE)
    del os.environ[WRONG_MS]


def _raylet(node: Any) -> int:
    return int(node.all_processes["raylet"][0].process.pid)


def _tell(cluster: Cluster) -> None:
    started: Any = cluster.head_node
    head = [each[0].process.pid for each in started.all_processes.values()]
    told = {"address": cluster.address, "raylets": sorted(map(_raylet, cluster.worker_nodes)), "head": head}
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
