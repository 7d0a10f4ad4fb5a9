"""What can be measured: a module for each workload, by its name, that is imported when it is asked for."""

from __future__ import annotations

from importlib import import_module

from measuring.shape import Workload

ABOUT = {
    "ingest": "durable events a second: carts, journeys, audiences, irrelevant ones, Zipf, one person, single calls",
    "door": "what the HTTP door takes: batches, NDJSON, single events, and how long these wait",
    "latency": "from when an event was due until it is queued, and until a channel is asked to send, under load",
    "timers": "a million timers that are due at once, and how long an event waits meanwhile",
    "memory": "bytes a profile, a waiting run and a message id take in a shard",
    "recovery": "how long a shard takes to serve again, and to read and copy all that its store holds",
    "dispatch": "mails, SMS and push messages a second, to providers that take everything at once",
    "simulate": "the command over 90 days of shoppers: how long, and how much memory",
    "campaign": "its steps up to the first send, and handing people to one",
    "growing": "what more shards bring, and more routers",
    "source": "how fast a topic of Kafka and files are read, beside handing the same lines in",
    "decisions": "from Python, and at the door, alone and beside events",
    "peers": "the carts by other engines as well, with the same answer: Bytewax, Flink, DBOS",
}


def workload_of(name: str) -> type[Workload]:
    """The workload of this name. Every module says at its end which class it is."""
    try:
        found: type[Workload] = import_module(f"workloads.{name}").WORKLOAD
    except ModuleNotFoundError as error:
        raise SystemExit(f"{name} needs {error.name}, which pip install 'parcours[all,test]' brings") from None
    return found
