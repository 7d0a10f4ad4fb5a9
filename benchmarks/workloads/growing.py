"""What do more shards bring, more routers, and more doors? Each of them is a process, on one Ray.

Every number of shards is measured with one router, and every further number of routers with two shards, at both rates:
`kept`, where a shard takes every line, and `answered`, where routers answer those that nothing listens to. The routers
start together, each with the events of its own people, and the clock stops once the last has its last acknowledgement.

A door is an HTTP door with a router of its own. The client is this process, `driver`: batches of a hundred over eight
connections to each door, which takes its own people, and every answer is read.

It is checked that every line was accepted, that everybody who had to enter the journey has, and that everybody who has
stayed in it was sent a reminder. On a machine with few cores processes wait for them: `cpu` says what each part costs,
and so what it could take with a core of its own.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, ClassVar

import ray
import uvloop
from door import CONNECTIONS
from door_client import request, send_all
from measuring.processes import Meter, of_ray
from measuring.shape import EVENTS_PER_SECOND, Answer, Figure, Measured
from measuring.stores import fresh_store
from throughput import ARCHIVED, shop
from workload import events

from parcours import Engine
from parcours.runtime.cluster.runtime import start_ray
from workloads.ingest import sends

BENCHMARKS = Path(__file__).parents[1]

SHARDS = 2
"""With more routers than one, and with doors."""

BATCH = 100
"""Events in a request to a door."""


class Attached:
    """A process that is attached to the engine: a router that hands lines in when it is told to, or a door."""

    def __init__(self, script: str, address: str, rate: str, *numbers: int) -> None:
        self._script = script
        command = [sys.executable, script, address, rate, *map(str, numbers)]
        self.process = subprocess.Popen(
            command, cwd=BENCHMARKS, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def wait(self) -> str:
        """The next line that it says. Raises SystemExit if it has ended."""
        assert self.process.stdout is not None
        said = self.process.stdout.readline()
        if not said:
            raise SystemExit(f"growing: {self._script} has ended with {self.process.wait()}")
        return said

    def go_on(self) -> None:
        said_to: IO[str] | None = self.process.stdin
        assert said_to is not None
        said_to.write("\n")
        said_to.flush()

    def end(self) -> None:
        self.process.communicate()


class Growing:
    """The workload."""

    name: ClassVar[str] = "growing"
    counted: ClassVar[str] = "event"
    figures: ClassVar[Mapping[str, Figure]] = {"rate": EVENTS_PER_SECOND}

    def __init__(self, asked: Namespace) -> None:
        self._events, self._people, self._store = asked.events, asked.people, asked.store
        self._rates = asked.rates
        self._sizes = [(shards, 1) for shards in asked.shards]
        self._sizes += [(SHARDS, routers) for routers in asked.routers if (SHARDS, routers) not in self._sizes]
        self._doors = asked.doors
        start_ray()
        self._address = ray.get_runtime_context().gcs_address
        self._lines = list(events(self._events, self._people))
        self._bodies = {count: bodies_of(self._lines, count) for count in self._doors}

    @staticmethod
    def add_options(parser: ArgumentParser) -> None:
        parser.add_argument("--events", type=int, default=400_000)
        parser.add_argument("--people", type=int, default=50_000)
        parser.add_argument("--rates", nargs="+", choices=[*ARCHIVED], default=[*ARCHIVED])
        parser.add_argument("--shards", type=int, nargs="*", default=[1, 2, 4, 8])
        parser.add_argument("--routers", type=int, nargs="*", default=[1, 2, 3])
        parser.add_argument("--doors", type=int, nargs="*", default=[1, 2, 3])
        parser.add_argument(
            "--store", metavar="URL", help="where the rounds' stores are made, without it a temporary folder"
        )

    def run(self, number: int) -> Iterator[Measured]:
        for shards, routers in self._sizes:
            for rate in self._rates:
                with self._engine(shards, rate) as engine, self._routers(routers, rate) as processes:
                    yield self._routed(f"{rate}, {shards} shards, {routers} routers", engine, processes)
        for doors in self._doors:
            for rate in self._rates:
                with self._engine(SHARDS, rate) as engine, self._open_doors(doors, rate) as opened:
                    yield self._through_doors(f"{rate}, {SHARDS} shards, {doors} doors", engine, opened)

    def _through_doors(self, case: str, engine: Engine, doors: Mapping[int, Attached]) -> Measured:
        """doors: by their ports"""
        meter = Meter(of_ray() | {door.process.pid: "doors" for door in doors.values()})
        bodies = self._bodies[len(doors)]

        async def send() -> list[tuple[float, int]]:
            each = zip(doors, bodies, strict=True)
            return await asyncio.gather(*(send_all(port, requests, CONNECTIONS) for port, requests in each))

        told = uvloop.run(send())
        seconds, cpu_us = max(seconds for seconds, _ in told), meter.each_us(self._events)
        answers = [
            Answer("accepted", sum(accepted for _, accepted in told), self._events),
            *sends(engine, self._lines),
        ]
        return Measured(case, {"rate": self._events / seconds}, cpu_us, answers)

    def _routed(self, case: str, engine: Engine, routers: Sequence[Attached]) -> Measured:
        meter = Meter(of_ray() | {router.process.pid: "routers" for router in routers})
        started_s = time.perf_counter()
        for router in routers:
            router.go_on()
        told = [json.loads(router.wait()) for router in routers]
        seconds, cpu_us = time.perf_counter() - started_s, meter.each_us(self._events)
        answers = [
            Answer("lines in all", sum(each["lines"] for each in told), self._events),
            Answer("accepted", sum(each["accepted"] for each in told), self._events),
            *sends(engine, self._lines),
        ]
        return Measured(case, {"rate": self._events / seconds}, cpu_us, answers)

    @contextmanager
    def _engine(self, shards: int, rate: str) -> Iterator[Engine]:
        """An engine in the cluster, to which routers can attach themselves."""
        with fresh_store(self._store) as store:
            engine = Engine.open(shop("2s", rate), store, shards=shards, address=self._address, records=["email"])
            try:
                yield engine
            finally:
                engine.shut_down()

    @contextmanager
    def _open_doors(self, count: int, rate: str) -> Iterator[dict[int, Attached]]:
        with ExitStack() as running:
            doors = [Attached("attached_door.py", self._address, rate) for _ in range(count)]
            for door in doors:
                running.callback(door.end)
            yield {int(door.wait()): door for door in doors}

    @contextmanager
    def _routers(self, count: int, rate: str) -> Iterator[list[Attached]]:
        with ExitStack() as running:
            routers = []
            for number in range(count):
                routers.append(Attached("router.py", self._address, rate, number, count, self._events, self._people))
                running.callback(routers[-1].end)
            for router in routers:
                router.wait()
            yield routers


def bodies_of(lines: Sequence[bytes], doors: int) -> list[list[bytes]]:
    """The requests for each of so many doors, of which each has its own people."""
    shares: list[list[bytes]] = [[] for _ in range(doors)]
    for line in lines:
        shares[int(json.loads(line)["userId"][-6:]) % doors].append(line)
    return [
        [
            request("/v1/batch", b'{"batch":[%b]}' % b",".join(share[first : first + BATCH]))
            for first in range(0, len(share), BATCH)
        ]
        for share in shares
    ]


WORKLOAD = Growing
