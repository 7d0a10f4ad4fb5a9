"""What does it cost that many look on? Ingest with 200 watchers beside the same without, and the memory of the door.

`parcours serve` runs in a process of its own and takes the cart workload in batches of 100, with nobody who looks on
and with 200 streams of three topics each, in turns; this process sends the events and reads the streams, and both share
the processor. Then both are fed at a steady rate for some minutes while the memory of the door's process is looked at:
it holds the shards, too, so what it grows by with watchers stands beside what it grows by without. Prints one line of
JSON last.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import statistics
import time
from collections.abc import Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import uvloop
from door import Opened, batches, server
from door_client import Connection, send_all
from workload import events

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

TOPICS = "journeys,journey:abandoned-cart,step:abandoned-cart.patience"

CONNECTIONS = 8

CALLS_MAX = 500
"""In one request of the steady flow."""


@dataclass
class Watchers:
    """What streams have been told."""

    ticks: list[set[bytes]] = field(default_factory=list)
    read_bytes: int = 0
    seconds: float = 0.0

    def told_per_second(self) -> float:
        """Between the first and the last time, the most that any of them was told."""
        return max((len(each) - 1 for each in self.ticks), default=0) / self.seconds


@asynccontextmanager
async def watching(port: int, streams: int) -> AsyncIterator[Watchers]:
    """So many look on meanwhile."""
    told = Watchers()

    async def watch(reader: asyncio.StreamReader) -> None:
        ticks = set[bytes]()
        told.ticks.append(ticks)
        while piece := await reader.read(2**16):
            told.read_bytes += len(piece)
            ticks.update(re.findall(rb"\nid: (\d+)", piece))

    opened = []
    for _ in range(streams):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"GET /live?topics={TOPICS} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        assert (await reader.readline()).startswith(b"HTTP/1.1 200"), "there is room for all of them"
        opened.append((asyncio.ensure_future(watch(reader)), writer))
    started_s = time.perf_counter()
    try:
        yield told
    finally:
        told.seconds = time.perf_counter() - started_s
        for task, writer in opened:
            task.cancel()
            writer.close()
        await asyncio.gather(*(task for task, _ in opened), return_exceptions=True)


async def rate(opened: Opened, requests: Sequence[bytes], streams: int, wanted: int) -> tuple[float, float, Watchers]:
    """Events a second, processor microseconds of the door's process for each, and what was told meanwhile."""
    async with watching(opened.port, streams) as told:
        before_s = opened.cpu_s()
        seconds, accepted = await send_all(opened.port, requests, CONNECTIONS)
        cpu_s = opened.cpu_s() - before_s
    assert accepted == wanted, f"{accepted} of {wanted} events were accepted"
    return wanted / seconds, cpu_s / wanted * 1e6, told


async def steady(opened: Opened, per_second: int, seconds: float, people: int, streams: int) -> list[float]:
    """Megabytes of the door's process, every ten seconds, at a steady rate of events."""
    loop, megabytes, number = asyncio.get_running_loop(), list[float](), 0
    connection = await Connection.open(opened.port)
    async with watching(opened.port, streams):
        begin_s = loop.time()
        while (due_s := number / per_second) < seconds:
            await asyncio.sleep(max(0.0, begin_s + due_s - loop.time()))
            if due_s >= 10 * len(megabytes):
                megabytes.append(resident_mb(opened.pid))
            calls = [view(each, people) for each in range(number, number + CALLS_MAX)]
            (sent,) = batches(calls, len(calls))
            await connection.ask(sent)
            number += len(calls)
    connection.close()
    return megabytes


def view(number: int, people: int) -> bytes:
    """One of few people comes to the checkout, or orders, again and again."""
    event = "Checkout Started" if number // people % 2 == 0 else "Order Completed"
    properties = (
        {"cart_id": "c", "cart": {"total": 80, "items": 1}} if event == "Checkout Started" else {"cart_id": "c"}
    )
    return json.dumps(
        {"type": "track", "event": event, "userId": f"u{number % people}", "messageId": f"m{number}",
         "properties": properties}
    ).encode()  # fmt: skip


def resident_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    (line,) = [each for each in status.splitlines() if each.startswith("VmRSS")]
    return int(line.split()[1]) / 1024


def measure(rounds: int, count: int, streams: int, minutes: float, per_second: int) -> dict[str, Any]:
    lines = [bytes(each) for each in events(count, max(1, count // 10))]
    requests = batches(lines, 100)
    rates: dict[int, list[float]] = {0: [], streams: []}
    costs: dict[int, list[float]] = {0: [], streams: []}
    most = 0.0
    for _ in range(rounds):
        for looking_on in rates:
            with server("engine") as opened:
                a_second, cpu_us, told = uvloop.run(rate(opened, requests, looking_on, count))
            rates[looking_on].append(a_second)
            costs[looking_on].append(cpu_us)
            most = max(most, told.told_per_second())
    ratios = [a / b for a, b in zip(rates[streams], rates[0], strict=True)]
    taken = [
        (with_them - without) * a_second / 1e6
        for with_them, without, a_second in zip(costs[streams], costs[0], rates[streams], strict=True)
    ]
    for looking_on, each in rates.items():
        cpu_us = statistics.median(costs[looking_on])
        print(f"{looking_on:4} watchers  {statistics.median(each):>9,.0f} events/s  {cpu_us:5.1f} µs of processor each")
    left = 1 - statistics.median(taken)
    print(f"ratio {statistics.median(ratios):.3f} (target: 0.95), a watcher is told {most:.2f} times a second at most")
    print(f"by the processor the door has {left:.3f} of itself left for events")
    grown = {}
    for looking_on in rates:
        with server("engine") as opened:
            megabytes = uvloop.run(steady(opened, per_second, minutes * 60, 20_000, looking_on))
        half = megabytes[len(megabytes) // 2 :]
        grown[looking_on] = round(half[-1] - half[0], 1)
        shown = ", ".join(f"{each:.0f}" for each in megabytes)
        print(f"{looking_on:4} watchers, {per_second:,} events/s: MB every 10 s {shown}")
    return {
        "ratio": round(statistics.median(ratios), 3),
        "ratios": [round(each, 3) for each in ratios],
        "left_of_the_processor": round(left, 3),
        "told_per_second": round(most, 2),
        "cpu_us": {f"{name}": round(statistics.median(each), 2) for name, each in costs.items()},
        "mb_grown_in_the_second_half": {f"{name}": each for name, each in grown.items()},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--watchers", type=int, default=200)
    parser.add_argument("--minutes", type=float, default=10.0, help="of steady events while memory is looked at")
    parser.add_argument("--rate", type=int, default=2_000, help="of these, a second")
    given = parser.parse_args()
    print(json.dumps(measure(given.rounds, given.events, given.watchers, given.minutes, given.rate)))


if __name__ == "__main__":
    main()
