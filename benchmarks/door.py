"""What does the door cost, and how long does an event take through it? Ratios of runs that take turns on one machine.

The engine and its door run in a process of their own, the client in this one; both share the processor, as they would
on a small machine. Every answer is read, and a run whose answers do not say that all was accepted fails. Latencies
count from when a request should have left, so a door that stalls cannot hide it. Prints one line of JSON last.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from workload import events, project

from parcours import Service, Settings
from parcours.ingress.application import Application, door_of
from parcours.ingress.door import Door
from parcours.ingress.keys import Keyring
from parcours.ingress.settings import ServeSettings
from parcours.service.acknowledgement import LinesTaken

CONNECTIONS = 8
SINGLE_CONNECTIONS = 200
"""Of clients that send one event at a time and wait for each to be on disk: those that wait together share a commit."""

CALLS_UNDER_WAY = 8
PEOPLE = 50_000
TICKS = os.sysconf("SC_CLK_TCK")


class NoEngine:
    """Takes every line and keeps none: what the door alone costs is measured by it."""

    settings = Settings()
    program = project("2s").program

    async def take_lines(self, lines: Sequence[bytes], *_: object, **__: object) -> LinesTaken:
        return LinesTaken(len(lines), (), ())

    def waiting_lines(self) -> int:
        return 0

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000


# The server's process


async def serve(kind: str, folder: str) -> None:
    """A door at a free port, over an engine or over none, until standard input ends."""
    from uvicorn import Config, Server

    settings = ServeSettings(log_level="error", room_wait_ms=10_000)
    if kind == "engine":
        service = Service.open(project("2s"), f"sqlite:///{folder}", shards=2, runtime="local", records=["email"])
        await service.start()
        door = door_of(service, settings)
    else:
        nobody = NoEngine()
        door = Door(service=cast(Service, nobody), settings=settings, keys=Keyring(()), now_ms=nobody.now_ms)
    server = Server(Config(Application(door), port=0, lifespan="off", access_log=False, log_config=None, ws="none"))
    running = asyncio.ensure_future(server.serve())
    while not server.started:  # noqa: ASYNC110  # uvicorn tells nobody
        await asyncio.sleep(0.01)
    print(server.servers[0].sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)
    server.should_exit = True
    await running
    if kind == "engine":
        await door.service.close()


async def ingest_alone(folder: str, blocks: Sequence[bytes]) -> tuple[float, float]:
    """Seconds and processor seconds in which an engine takes these blocks, without a door."""
    async with Service.open(
        project("2s"), f"sqlite:///{folder}", shards=2, runtime="local", records=["email"]
    ) as service:
        waiting = iter(blocks)
        accepted = 0

        async def feed() -> None:
            nonlocal accepted
            for block in waiting:
                taken = await service.ingest(block)
                accepted += taken.accepted

        started_s, started_cpu_s = time.perf_counter(), time.process_time()
        await asyncio.gather(*(feed() for _ in range(CALLS_UNDER_WAY)))
        seconds, cpu_s = time.perf_counter() - started_s, time.process_time() - started_cpu_s
    assert accepted == sum(block.count(b"\n") + 1 for block in blocks)
    return seconds, cpu_s


@dataclass(frozen=True)
class Opened:
    """A process with a door."""

    port: int
    pid: int

    def cpu_s(self) -> float:
        """Processor seconds that the process has used."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS


@contextmanager
def server(kind: str) -> Iterator[Opened]:
    """A process with a door over an engine on a fresh store, or over none."""
    with tempfile.TemporaryDirectory(prefix="parcours-door-") as folder:
        command = [sys.executable, __file__, "--serve", kind, "--folder", folder]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            yield Opened(int(process.stdout.readline()), process.pid)
            process.communicate()


# The client


def request(path: str, body: bytes) -> bytes:
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    return head.encode() + b"\r\n\r\n" + body


class Connection:
    """One connection that stays; a request is written as it stands, and its answer is read whole."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, port: int) -> Connection:
        return cls(*await asyncio.open_connection("127.0.0.1", port, limit=2**20))

    async def ask(self, sent: bytes) -> bytes:
        self._writer.write(sent)
        head = await self._reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        body = await self._reader.readexactly(length)
        assert head.startswith(b"HTTP/1.1 200"), (head, body)
        return body

    def close(self) -> None:
        self._writer.close()


async def send_all(port: int, requests: Sequence[bytes], connections_open: int) -> tuple[float, int]:
    """Seconds in which all are answered over a few connections, and how many events were accepted."""
    connections = [await Connection.open(port) for _ in range(connections_open)]
    waiting = iter(requests)
    accepted = 0

    async def send(connection: Connection) -> None:
        nonlocal accepted
        for each in waiting:
            answer = await connection.ask(each)
            accepted += json.loads(answer)["accepted"]

    started_s = time.perf_counter()
    await asyncio.gather(*map(send, connections))
    seconds = time.perf_counter() - started_s
    for connection in connections:
        connection.close()
    return seconds, accepted


async def latencies(ask: Callable[[int], Any], per_second: float, count: int) -> list[float]:
    """Milliseconds from when each call should have begun until its answer, at this rate."""
    loop = asyncio.get_running_loop()
    begin_s = loop.time() + 0.1
    taken: list[float] = []

    async def one(number: int) -> None:
        due_s = begin_s + number / per_second
        await asyncio.sleep(max(0.0, due_s - loop.time()))
        await ask(number)
        taken.append((loop.time() - due_s) * 1_000)

    await asyncio.gather(*map(one, range(count)))
    return sorted(taken)


async def door_latencies(port: int, requests: Sequence[bytes], per_second: float) -> list[float]:
    free: asyncio.Queue[Connection] = asyncio.Queue()
    for _ in range(64):
        free.put_nowait(await Connection.open(port))

    async def ask(number: int) -> None:
        connection = await free.get()
        await connection.ask(requests[number])
        free.put_nowait(connection)

    return await latencies(ask, per_second, len(requests))


async def engine_latencies(folder: str, lines: Sequence[bytes], per_second: float) -> list[float]:
    async with Service.open(
        project("2s"), f"sqlite:///{folder}", shards=2, runtime="local", records=["email"]
    ) as service:

        async def ask(number: int) -> None:
            assert (await service.take_lines([lines[number]])).accepted == 1

        return await latencies(ask, per_second, len(lines))


# The rounds


def rate(kind: str, requests: Sequence[bytes], wanted: int, connections_open: int = CONNECTIONS) -> tuple[float, float]:
    """Events a second through a door, and processor microseconds of its process for each."""
    with server(kind) as opened:
        before_s = opened.cpu_s()
        seconds, accepted = asyncio.run(send_all(opened.port, requests, connections_open))
        cpu_s = opened.cpu_s() - before_s
    assert accepted == wanted, f"{accepted} of {wanted} events were accepted"
    return wanted / seconds, cpu_s / wanted * 1e6


def alone(blocks: Sequence[bytes], wanted: int) -> float:
    with tempfile.TemporaryDirectory(prefix="parcours-door-") as folder:
        seconds, _ = asyncio.run(ingest_alone(folder, blocks))
    return wanted / seconds


def joined(lines: Sequence[bytes], size: int) -> list[bytes]:
    return [b"\n".join(lines[start : start + size]) for start in range(0, len(lines), size)]


def batches(lines: Sequence[bytes], size: int) -> list[bytes]:
    starts = range(0, len(lines), size)
    return [request("/v1/batch", b'{"batch":[%b]}' % b",".join(lines[start : start + size])) for start in starts]


def measure(rounds: int, count: int) -> dict[str, object]:
    lines = list(events(count, PEOPLE))
    singles = lines[: max(SINGLE_CONNECTIONS, count // 20)]
    ways: dict[str, Callable[[], tuple[float, float]]] = {
        "engine, blocks of 100": lambda: (alone(joined(lines, 100), count), 0.0),
        "door, batches of 100": lambda: rate("engine", batches(lines, 100), count),
        "no engine, batches of 100": lambda: rate("none", batches(lines, 100), count),
        "engine, blocks of 1 MB": lambda: (alone(joined(lines, 3_700), count), 0.0),
        "door, NDJSON of 1 MB": lambda: rate(
            "engine", [request("/v1/ndjson", each) for each in joined(lines, 3_700)], count
        ),
        "door, single events": lambda: rate(
            "engine", [request("/v1/track", each) for each in singles], len(singles), SINGLE_CONNECTIONS
        ),
        "no engine, single events": lambda: rate(
            "none", [request("/v1/track", each) for each in singles], len(singles), SINGLE_CONNECTIONS
        ),
    }
    rates: dict[str, list[float]] = {name: [] for name in ways}
    costs: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            per_second, cpu_us = way()
            rates[name].append(per_second)
            costs[name].append(cpu_us)
    told = {name: statistics.median(each) for name, each in rates.items()}
    for name in ways:
        cpu = f", {statistics.median(costs[name]):6.1f} µs of processor an event" if any(costs[name]) else ""
        print(f"{name:28} {told[name]:>10,.0f} events/s{cpu}")
    half = told["door, single events"] / 2
    alike = singles[: int(min(len(singles), half * 10))]
    with server("engine") as opened:
        through = asyncio.run(door_latencies(opened.port, [request("/v1/track", each) for each in alike], half))
    with tempfile.TemporaryDirectory(prefix="parcours-door-") as folder:
        engine = asyncio.run(engine_latencies(folder, alike, half))
    p50, p99, engine_p99 = (quantile(each, q) for each, q in ((through, 50), (through, 99), (engine, 99)))
    print(f"single events at {half:,.0f} a second: p50 {p50:.1f} ms, p99 {p99:.1f} ms; engine alone {engine_p99:.1f}")
    return {
        "rounds": rounds,
        "batches": ratio(rates, "door, batches of 100", "engine, blocks of 100"),
        "ndjson": ratio(rates, "door, NDJSON of 1 MB", "engine, blocks of 1 MB"),
        "single": ratio(rates, "door, single events", "no engine, single events"),
        "p99": round(p99 / engine_p99, 2),
        "batch_events_per_second": round(told["door, batches of 100"]),
        "p50_ms": round(p50, 2),
        "p99_ms": round(p99, 2),
    }


def ratio(rates: dict[str, list[float]], one: str, other: str) -> float:
    """The median of the rounds' ratios."""
    return round(statistics.median(a / b for a, b in zip(rates[one], rates[other], strict=True)), 3)


def quantile(taken: Sequence[float], percent: int) -> float:
    return taken[min(len(taken) - 1, len(taken) * percent // 100)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--serve", choices=["engine", "none"], help=argparse.SUPPRESS)
    parser.add_argument("--folder", default="", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        asyncio.run(serve(given.serve, given.folder))
    else:
        print(json.dumps(measure(given.rounds, given.events)))


if __name__ == "__main__":
    main()
