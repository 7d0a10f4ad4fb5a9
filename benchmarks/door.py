"""What does the door cost, and how long does an event take through it? Ratios of runs that take turns on one machine.

`parcours serve` runs in a process of its own, the client in this one; both share the processor, as they would on a
small machine. Every answer is read, and a run whose answers do not say that all was accepted fails. Latencies
count from when a request should have left, so a door that stalls cannot hide it. Prints one line of JSON last.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import cast

import handover
import uvloop
from door_client import Connection, door_latencies, request, send_all
from measuring.open_loop import latencies, quantile
from workload import events, mails, project

from parcours import Service, Settings, serving
from parcours.ingress.settings import ServeSettings
from parcours.service.acknowledgement import LinesTaken
from parcours.testing.doubles import SmtpServer
from parcours.testing.doubles.smtp import Mail

CONNECTIONS = 8
SINGLE_CONNECTIONS = 200
"""Of clients that send one event at a time and wait for each to be on disk: those that wait together share a commit."""

MEGABYTE_LINES = 3_700
"""About a megabyte."""

CALLS_UNDER_WAY = 8
MAILS_PER_SECOND = 50
PEOPLE = 50_000


class NoEngine:
    """Takes every line and keeps none: what the door alone costs is measured by it."""

    settings = Settings()
    program = project("2s").program
    was_running = False
    keeps = False

    async def take_lines(self, lines: Sequence[bytes], *_: object, **__: object) -> LinesTaken:
        return LinesTaken(len(lines), (), ())

    async def start(self) -> None:
        pass

    async def close(self) -> None:
        pass

    def waiting_lines(self) -> int:
        return 0

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000


# The server's process


def serve(kind: str, folder: str, mail_port: int) -> None:
    """`parcours serve` at a free port, over an engine or over none, until a signal ends it."""
    if kind == "handover":
        handover.offer(folder)
        taken, records = handover.project(folder), list[str]()
    elif kind == "mail":
        channels = {"email": {"host": "127.0.0.1", "port": mail_port, "tls": "none", "sender": "shop@luma.example"}}
        taken, records = mails(channels), list[str]()
    else:
        taken, records = project("2s"), ["email"]

    def opened(_: ServeSettings) -> Service:
        if kind == "none":
            return cast(Service, NoEngine())
        return Service.open(taken, f"sqlite:///{folder}", shards=2, runtime="local", records=records)

    settings = ServeSettings(port=0, notice_s=0, room_wait_ms=10_000)
    serving.serve(lambda: serving.Serving(opened, settings, announce=lambda address, _: print(address, flush=True)))


@dataclass(frozen=True)
class Taken:
    """Events that went one way: how many, and how many were accepted; seconds, and processor seconds of whoever took
    them."""

    events: int
    accepted: int
    seconds: float
    cpu_s: float

    @property
    def per_second(self) -> float:
        return self.events / self.seconds

    @property
    def cpu_us(self) -> float:
        """For each."""
        return self.cpu_s / self.events * 1e6


async def ingest_alone(folder: str, blocks: Sequence[bytes]) -> Taken:
    """An engine takes these blocks, without a door."""
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
    return Taken(sum(block.count(b"\n") + 1 for block in blocks), accepted, seconds, cpu_s)


@dataclass(frozen=True)
class Opened:
    """A process with a door."""

    port: int
    pid: int

    def cpu_s(self) -> float:
        """Processor seconds that the process has used, to the nanosecond: /proc counts in hundredths of a second,
        and a short run is over within one. The clock's number is that of clock_getcpuclockid(3)."""
        return time.clock_gettime(~self.pid << 3 | 2)


@contextmanager
def server(kind: str, mail_port: int = 0, folder: str | None = None) -> Iterator[Opened]:
    """A process with a door over an engine on a fresh store, or over none. `folder`: where the store lies, if given."""
    with tempfile.TemporaryDirectory(prefix="parcours-door-") as fresh:
        lies = folder or fresh
        command = [sys.executable, __file__, "--serve", kind, "--folder", lies, "--mail-port", str(mail_port)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            try:
                yield Opened(int(process.stdout.readline().rpartition(":")[2]), process.pid)
            finally:
                process.terminate()


# The ways


async def engine_latencies(folder: str, lines: Sequence[bytes], per_second: float) -> list[float]:
    async with Service.open(
        project("2s"), f"sqlite:///{folder}", shards=2, runtime="local", records=["email"]
    ) as service:

        async def ask(number: int) -> None:
            assert (await service.take_lines([lines[number]])).accepted == 1

        return await latencies(ask, per_second, len(lines))


class Mailbox(list[Mail]):
    """Knows when each mail was accepted, by its address."""

    def __init__(self) -> None:
        super().__init__()
        self.accepted_s: dict[str, float] = {}

    def append(self, mail: Mail, /) -> None:
        super().append(mail)
        self.accepted_s[mail.to] = time.perf_counter()


def mail_latencies(count: int) -> list[float]:
    """Milliseconds from when an event should have left until a server has accepted the mail that it leads to."""
    addresses = [f"shopper-{number}@luma.example" for number in range(count)]
    calls = [
        {"type": "track", "event": "Order Completed", "userId": address, "messageId": address,
         "timestamp": "2026-01-01T00:00:00Z", "properties": {"email": address}}
        for address in addresses
    ]  # fmt: skip
    due_s: dict[str, float] = {}

    async def send(port: int) -> None:
        free: asyncio.Queue[Connection] = asyncio.Queue()
        for _ in range(16):
            free.put_nowait(await Connection.open(port))

        async def ask(number: int) -> None:
            due_s[addresses[number]] = time.perf_counter()
            connection = await free.get()
            await connection.ask(request("/v1/track", json.dumps(calls[number]).encode()))
            free.put_nowait(connection)

        await latencies(ask, MAILS_PER_SECOND, count)
        async with asyncio.timeout(60):
            while len(sink.mailbox) < count:  # noqa: ASYNC110  # another thread fills it
                await asyncio.sleep(0.05)

    sink = SmtpServer()
    mailbox = sink.mailbox = Mailbox()
    with sink, server("mail", sink.port) as opened:
        uvloop.run(send(opened.port))
    return sorted((mailbox.accepted_s[address] - due_s[address]) * 1_000 for address in addresses)


def handover_latencies(lines: Sequence[bytes], per_second: float) -> list[float]:
    """Milliseconds from when an event should have left until `send` of a channel that does nothing is called for it.

    The load is all of the lines; those that lead to a message are measured.
    """
    addressed, addresses = handover.with_addresses(lines)
    requests = [request("/v1/track", each) for each in addressed]
    with tempfile.TemporaryDirectory(prefix="parcours-door-") as folder:
        with server("handover", folder=folder) as opened:
            due_s = uvloop.run(handover.send(opened.port, requests, per_second, len(addresses)))
        return handover.latencies(folder, due_s, addresses)


# The rounds


def through(kind: str, requests: Sequence[bytes], count: int, connections_open: int = CONNECTIONS) -> Taken:
    """So many events through a door, as these requests; the processor's time is that of its process."""
    with server(kind) as opened:
        before_s = opened.cpu_s()
        seconds, accepted = uvloop.run(send_all(opened.port, requests, connections_open))
        return Taken(count, accepted, seconds, opened.cpu_s() - before_s)


def alone(blocks: Sequence[bytes]) -> Taken:
    """The same of an engine without a door."""
    with tempfile.TemporaryDirectory(prefix="parcours-door-") as folder:
        return uvloop.run(ingest_alone(folder, blocks))


def joined(lines: Sequence[bytes], size: int) -> list[bytes]:
    return [b"\n".join(lines[start : start + size]) for start in range(0, len(lines), size)]


def batches(lines: Sequence[bytes], size: int) -> list[bytes]:
    starts = range(0, len(lines), size)
    return [request("/v1/batch", b'{"batch":[%b]}' % b",".join(lines[start : start + size])) for start in starts]


def singly(lines: Sequence[bytes]) -> list[bytes]:
    return [request("/v1/track", each) for each in lines]


def ndjson(lines: Sequence[bytes]) -> list[bytes]:
    return [request("/v1/ndjson", each) for each in joined(lines, MEGABYTE_LINES)]


def ways_in(lines: Sequence[bytes], singles: Sequence[bytes]) -> dict[str, Callable[[], Taken]]:
    """What is measured, by its name: each way takes these lines, or these few as single events."""
    count, few = len(lines), len(singles)
    return {
        "engine, blocks of 100": lambda: alone(joined(lines, 100)),
        "door, batches of 100": lambda: through("engine", batches(lines, 100), count),
        "no engine, batches of 100": lambda: through("none", batches(lines, 100), count),
        "engine, blocks of 1 MB": lambda: alone(joined(lines, MEGABYTE_LINES)),
        "door, NDJSON of 1 MB": lambda: through("engine", ndjson(lines), count),
        "door, single events": lambda: through("engine", singly(singles), few, SINGLE_CONNECTIONS),
        "no engine, single events": lambda: through("none", singly(singles), few, SINGLE_CONNECTIONS),
    }


def measure(rounds: int, count: int) -> dict[str, object]:
    lines = list(events(count, PEOPLE))
    singles = lines[: max(SINGLE_CONNECTIONS, count // 20)]
    ways = ways_in(lines, singles)
    rates: dict[str, list[float]] = {name: [] for name in ways}
    costs: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            taken = way()
            assert taken.accepted == taken.events, f"{taken.accepted} of {taken.events} events were accepted"
            rates[name].append(taken.per_second)
            costs[name].append(taken.cpu_us)
    told = {name: statistics.median(each) for name, each in rates.items()}
    for name in ways:
        cpu_us = statistics.median(costs[name])
        print(f"{name:28} {told[name]:>10,.0f} events/s, {cpu_us:6.1f} µs of processor an event")
    half = told["door, single events"] / 2
    alike = singles[: int(min(len(singles), half * 10))]
    with server("engine") as opened:
        at_door = uvloop.run(door_latencies(opened.port, singly(alike), half))
    with tempfile.TemporaryDirectory(prefix="parcours-door-") as folder:
        engine = uvloop.run(engine_latencies(folder, alike, half))
    p50, p99, engine_p99 = (quantile(each, q) for each, q in ((at_door, 50), (at_door, 99), (engine, 99)))
    print(f"single events at {half:,.0f} a second: p50 {p50:.1f} ms, p99 {p99:.1f} ms; engine alone {engine_p99:.1f}")
    handed = handover_latencies(alike, half)
    handed_p50, handed_p99 = quantile(handed, 50), quantile(handed, 99)
    print(
        f"of those, {len(handed)} until send of a channel is called: p50 {handed_p50:.1f} ms, p99 {handed_p99:.1f} ms"
    )
    mailed = mail_latencies(min(count // 100, 10 * MAILS_PER_SECOND))
    mail_p50, mail_p99 = quantile(mailed, 50), quantile(mailed, 99)
    print(
        f"event until its mail is accepted, {MAILS_PER_SECOND} a second: p50 {mail_p50:.1f} ms, p99 {mail_p99:.1f} ms"
    )
    of_door = [
        (door - engine_alone) / none
        for door, engine_alone, none in zip(
            costs["door, batches of 100"],
            costs["engine, blocks of 100"],
            costs["no engine, batches of 100"],
            strict=True,
        )
    ]
    return {
        "rounds": rounds,
        "batches": ratio(rates, "door, batches of 100", "engine, blocks of 100"),
        "ndjson": ratio(rates, "door, NDJSON of 1 MB", "engine, blocks of 1 MB"),
        "single": ratio(rates, "door, single events", "no engine, single events"),
        "door_cpu": round(statistics.median(of_door), 2),
        "p99": round(p99 / engine_p99, 2),
        "batch_events_per_second": round(told["door, batches of 100"]),
        "p50_ms": round(p50, 2),
        "p99_ms": round(p99, 2),
        "send_p50_ms": round(handed_p50, 2),
        "send_p99_ms": round(handed_p99, 2),
        "mail_p50_ms": round(mail_p50, 2),
        "mail_p99_ms": round(mail_p99, 2),
    }


def ratio(rates: dict[str, list[float]], one: str, other: str) -> float:
    """The median of the rounds' ratios."""
    return round(statistics.median(a / b for a, b in zip(rates[one], rates[other], strict=True)), 3)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--serve", choices=["engine", "none", "mail", "handover"], help=argparse.SUPPRESS)
    parser.add_argument("--folder", default="", help=argparse.SUPPRESS)
    parser.add_argument("--mail-port", type=int, default=0, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        serve(given.serve, given.folder, given.mail_port)
    else:
        print(json.dumps(measure(given.rounds, given.events)))


if __name__ == "__main__":
    main()
