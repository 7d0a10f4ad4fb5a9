"""How fast are people handed to a send of a campaign, beside the rate at which they enter a journey by a read?

One shard on SQLite, everybody in it, and the email channel records. By a read of an audience everybody enters a journey
whose first step sends: from the list of the audience until the last delivery. A campaign takes the same people to the
same message with three wishes each, in slices as its coordinator hands them over, everybody due at once: from the first
slice until the last delivery. Each way has a store of its own, and they take turns. All deliveries are counted in the
end. Prints people a second of the processor's time, and one line of JSON last.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from parcours import Project, collector
from parcours.campaigns.people import SLICE_PEOPLE
from parcours.clock import ManualClock
from parcours.config import Settings
from parcours.instants import to_moment
from parcours.journey.model.document import (
    AudiencesDocument,
    JourneyDocument,
    MessageDocument,
    ProfileDocument,
    ProjectDocument,
)
from parcours.journey.program import Program
from parcours.routing.plan import Plan
from parcours.runtime.open_shard import open_shard
from parcours.service.live_reads import LiveReads
from parcours.shard.host import ShardHost
from parcours.shard.messages import Batch
from parcours.shard.requests import GetDueReads, GetStatus, GetTotals, PassTime, TakeBatch, TakeParts
from parcours.store.address import prepare

BEGIN_MS = 1_767_258_000_000
"""2026-01-01T09:00Z; the read is a minute later, and so is the campaign's send."""

READ_MS = BEGIN_MS + 60_000
BATCH = 5_000

ROW: dict[str, object] = {
    "wishlist": [{"description": f"Equipment number {number} for training"} for number in range(3)]
}
"""What goes along with each of them."""


def project(way: str) -> Project:
    """With what the way takes people to."""
    send = {"id": "mail", "send": "letter", "channels": ["email"]}
    entry = {"read": "oslo", "at": to_moment(READ_MS).isoformat()}
    letter = {"message": "letter", "class": "transactional", "email": {"subject": "Oslo", "text": "Hello."}}
    letters = {"journey": "letters", "entry": entry, "steps": [send]}
    base = Project.of(
        ProjectDocument(project="shop"),
        ProfileDocument(traits={"city": "string", "email": "string"}),
        audiences=AudiencesDocument(audiences={"oslo": 'profile.city == "Oslo"'}),
        messages=[MessageDocument.model_validate(letter)],
        journeys=[JourneyDocument.model_validate(letters)] if way == "read" else [],
    )
    campaign = {"campaign": "letters", "steps": [{"id": "people", "read": "oslo"}, send]}
    documents = json.loads(base.to_json())
    return Project.from_json(json.dumps({**documents, "campaigns": [campaign] if way == "slices" else []}).encode())


async def filled(one: Project, people: int, folder: Path, clock: ManualClock) -> ShardHost:
    plan = Plan(one, 1, f"sqlite:///{folder}", records=("email",))
    prepare(plan.store, plan.project.name, plan.shards)
    host = open_shard(plan, 0, clock, lambda channel: None)
    lines = [
        msgspec.json.encode(
            {
                "type": "identify",
                "userId": f"u{number:07}",
                "traits": {"city": "Oslo", "email": f"u{number}@shop.example"},
            }
        )
        for number in range(people)
    ]
    for number, start in enumerate(range(0, people, BATCH), 1):
        block = lines[start : start + BATCH]
        await host.ask(TakeBatch(Batch("router", number, list(range(len(block))), block)))
    return host


async def until_sent(host: ShardHost, clock: ManualClock) -> None:
    """All that is due by now."""
    while (due_ms := (await host.ask(GetStatus())).next_ms) is not None and due_ms < clock.now_ms():
        await host.ask(PassTime(clock.now_ms()))


async def by_read(host: ShardHost, clock: ManualClock, program: Program, _: int) -> None:
    @asynccontextmanager
    async def undisturbed() -> AsyncGenerator[int, None]:
        yield 1

    reads = LiveReads([host], undisturbed, clock, Settings().due_people_max)
    reads.renew(program)
    while (await host.ask(GetDueReads())).due:  # noqa: ASYNC110  # a shard tells nobody that a read has been made
        await asyncio.sleep(0)
    clock.move_to(READ_MS + 2)
    await until_sent(host, clock)
    await reads.stop()
    assert not reads.troubles, reads.troubles


async def by_slices(host: ShardHost, clock: ManualClock, program: Program, people: int) -> None:
    (campaign,) = program.campaigns
    at = clock.now_ms()
    for number, first in enumerate(range(0, people, SLICE_PEOPLE)):
        names = range(first, min(first + SLICE_PEOPLE, people))
        parts = [(f"u{name:07}", at, dict(ROW), 0) for name in names]
        slice_ = TakeParts(campaign.name, campaign.version, 1, "mail", at, number, parts)
        assert (await host.ask(slice_)).next == number + 1
    clock.move_to(at + 1)
    await until_sent(host, clock)


WAYS = {"read": by_read, "slices": by_slices}


@dataclass(frozen=True)
class Sent:
    """How many were sent the mail, in how many seconds by the clock and of the processor."""

    people: int
    seconds: float
    cpu_s: float


async def sent(way: str, people: int, folder: Path) -> Sent:
    clock, one = ManualClock(BEGIN_MS), project(way)
    host = await filled(one, people, folder, clock)
    collector.spare_for_good()  # as the actor of a shard does
    clock.move_to(READ_MS + 1)
    begun_s, begun_cpu_s = time.perf_counter(), time.process_time()
    await WAYS[way](host, clock, one.program, people)
    seconds, cpu_s = time.perf_counter() - begun_s, time.process_time() - begun_cpu_s
    deliveries = (await host.ask(GetTotals())).deliveries
    await host.close()
    return Sent(sum(count for what, count in deliveries if what[-2:] == ("sent", "")), seconds, cpu_s)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=60_000)
    parser.add_argument("--runs", type=int, default=3)
    given = parser.parse_args()
    pairs = []
    for _ in range(given.runs):
        told = []
        for way in WAYS:
            with tempfile.TemporaryDirectory() as folder:
                done = asyncio.run(sent(way, given.people, Path(folder) / "store"))
            assert done.people == given.people, f"{done.people} of {given.people} were sent the mail"
            told.append(done.people / done.cpu_s)
        pairs.append(told)
        print(json.dumps([round(each) for each in told]), flush=True)
    read, handed = (statistics.median(each) for each in zip(*pairs, strict=True))
    ratio = statistics.median(handed / read for read, handed in pairs)
    print(
        json.dumps({"people": given.people, "by_read": round(read), "handed": round(handed), "ratio": round(ratio, 2)})
    )


if __name__ == "__main__":
    main()
