"""How long does a read of an audience keep a shard from anything else? One shard on SQLite, everybody enters at once.

Every call to the shard is timed, from the first slice of the list to the last person who has entered: the longest one
is how long an event may have to wait. Prints one line of JSON last.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

from parcours.clock import ManualClock
from parcours.config import Settings
from parcours.instants import to_moment
from parcours.journey.model.document import AudiencesDocument, JourneyDocument, ProfileDocument, ProjectDocument
from parcours.journey.project import Project
from parcours.routing.plan import Plan
from parcours.runtime.open_shard import open_shard
from parcours.service.live_reads import LiveReads
from parcours.shard.host import ShardHost
from parcours.shard.messages import Batch
from parcours.shard.requests import GetDueReads, GetStatus, PassTime, Request, TakeBatch
from parcours.store.address import prepare

BEGIN_MS = 1_767_258_000_000
"""2026-01-01T09:00Z; the read is a minute later."""

READ_MS = BEGIN_MS + 60_000
BATCH = 5_000


class TimedPort:
    """Notes how long each call keeps the shard busy, in seconds, by the kind of request.

    Besides the time on the wall it takes that of the processor, which a busy machine does not change.
    """

    def __init__(self, host: ShardHost) -> None:
        self._host = host
        self.longest: dict[str, float] = {}
        self.longest_cpu: dict[str, float] = {}
        self.cpu_s = 0.0

    async def ask(self, request: Request[Any], /) -> Any:
        started, started_cpu = time.perf_counter(), time.thread_time()
        answer = await self._host.ask(request)
        seconds, cpu_s = time.perf_counter() - started, time.thread_time() - started_cpu
        name = type(request).__name__
        self.longest[name] = max(self.longest.get(name, 0.0), seconds)
        self.longest_cpu[name] = max(self.longest_cpu.get(name, 0.0), cpu_s)
        self.cpu_s += cpu_s
        return answer


def project() -> Project:
    entry = {"read": "oslo", "at": to_moment(READ_MS).isoformat()}
    steps = [{"id": "pause", "wait": "1d"}]
    return Project.of(
        ProjectDocument(project="shop"),
        ProfileDocument(traits={"city": "string"}),
        audiences=AudiencesDocument(audiences={"oslo": 'profile.city == "Oslo"'}),
        journeys=[JourneyDocument.model_validate({"journey": "letter", "entry": entry, "steps": steps})],
    )


async def measure(people: int, folder: Path) -> dict[str, object]:
    clock = ManualClock(BEGIN_MS)
    plan = Plan(project(), 1, f"sqlite:///{folder}")
    prepare(plan.store, plan.project.name, plan.shards)
    host = open_shard(plan, 0, clock, lambda channel: None)
    lines = [
        msgspec.json.encode({"type": "identify", "userId": f"u{number}", "traits": {"city": "Oslo"}})
        for number in range(people)
    ]
    for number, start in enumerate(range(0, people, BATCH), 1):
        block = lines[start : start + BATCH]
        await host.ask(TakeBatch(Batch("router", number, list(range(len(block))), block)))

    @asynccontextmanager
    async def undisturbed() -> AsyncGenerator[int, None]:
        yield 1

    port = TimedPort(host)
    reads = LiveReads([port], undisturbed, clock, Settings().due_people_max)
    clock.move_to(READ_MS + 1)
    started = time.perf_counter()
    reads.renew(plan.project.program)
    while (await host.ask(GetDueReads())).due:  # noqa: ASYNC110  # a shard tells nobody that a read has been made
        await asyncio.sleep(0)
    clock.move_to(READ_MS + 2)
    while (due_ms := (await host.ask(GetStatus())).next_ms) is not None and due_ms < READ_MS + 2:
        await port.ask(PassTime(clock.now_ms()))
    total_s = time.perf_counter() - started
    await reads.stop()
    await host.close()
    assert not reads.troubles, reads.troubles
    return {
        "people": people,
        "total_s": round(total_s, 3),
        "cpu_s": round(port.cpu_s, 3),
        "longest_call_ms": round(max(port.longest.values()) * 1000, 1),
        "longest_call_cpu_ms": round(max(port.longest_cpu.values()) * 1000, 1),
        "cpu_ms_by_request": {name: round(each * 1000, 1) for name, each in sorted(port.longest_cpu.items())},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=60_000)
    parser.add_argument("--runs", type=int, default=3)
    arguments = parser.parse_args()
    runs = []
    for _ in range(arguments.runs):
        with tempfile.TemporaryDirectory() as folder:
            runs.append(asyncio.run(measure(arguments.people, Path(folder) / "store")))
            print(json.dumps(runs[-1]), flush=True)
    print(json.dumps(min(runs, key=lambda run: float(str(run["longest_call_cpu_ms"])))))


if __name__ == "__main__":
    main()
