"""What can be measured: a module for each workload, by its name, that is imported when it is asked for."""

from __future__ import annotations

from importlib import import_module

from measuring.shape import Workload

ABOUT = {
    "ingest": "durable events a second: carts, journeys, audiences, irrelevant ones, Zipf, one person, single calls",
    "latency": "from when an event was due until it is queued, and until a channel is asked to send, under load",
    "timers": "a million timers that are due at once, and how long an event waits meanwhile",
    "recovery": "how long a shard takes to serve again, and to read and copy all that its store holds",
}


def workload_of(name: str) -> type[Workload]:
    """The workload of this name. Every module says at its end which class it is."""
    found: type[Workload] = import_module(f"workloads.{name}").WORKLOAD
    return found
