"""How long does a shard take to serve again, and what does a crowd of overdue timers keep waiting? One shard.

Everybody has a run that waits, all due at the same millisecond. The shard is closed and opened: processor time and time
on the wall until it answers. Then the time comes, and the alarm rings: timers fire in slices, and meanwhile a single
event after another is handed in. The longest time that the loop was kept busy (a slice), and the longest that an event
has waited for its acknowledgement, are noted. Before that, all that the store holds is read, and copied as for a
backup. The store is on disk, or with `--postgres` in PostgreSQL: `here` starts a server for it. Prints one line of JSON
last.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from statistics import quantiles

import msgspec
from measuring.stores import schema, server

from parcours import collector
from parcours.clock import ManualClock
from parcours.config import DAY_MS, Settings
from parcours.journey.model.document import EventsDocument, JourneyDocument, MessageDocument, ProjectDocument
from parcours.journey.project import Project
from parcours.routing.plan import Plan
from parcours.runtime.open_shard import open_shard
from parcours.shard.host import ShardHost
from parcours.shard.messages import Batch
from parcours.shard.requests import GetProfile, GetStatus, GetTotals, TakeBatch
from parcours.store.address import open_store, prepare
from parcours.store.backup import begin_backup
from parcours.store.layout import Layout

BEGIN_MS = 1_767_258_000_000
"""2026-01-01T09:00Z."""

BATCH = 5_000

LOOK_EVERY_S = 0.001
"""Pause between two looks at whether the loop is free."""

EVENT_EVERY_S = 0.02
"""Pause between two single events."""


def lines(people: int, **more: str) -> Iterator[bytes]:
    """Everybody goes to checkout with a full cart, and with these properties more."""
    for number in range(people):
        cart = {"cart_id": f"cart-{number:07}", "cart": {"total": 80, "items": 3}, **more}
        call = {"type": "track", "event": "Checkout Started", "userId": f"shopper-{number:07}", "properties": cart}
        yield msgspec.json.encode(call)


def project(then: str, *, told: bool = False) -> Project:
    """A wait of a day, or until the event's property `due` if it is told, and then the end, or a reminder on a channel
    that records."""
    wait, checkout = ({"until": "entry.due"}, {"properties": {"due": "timestamp"}}) if told else ("1d", {})
    remind = {"id": "remind", "send": "reminder", "to": {"email": '"somebody@shop.example"'}}
    steps = [{"id": "patience", "wait": wait}, *([remind] if then == "send" else []), {"id": "last", "end": True}]
    journey = {"journey": "cart", "entry": {"event": "Checkout Started"}, "steps": steps}
    return Project.of(
        ProjectDocument(project="recovery"),
        events=EventsDocument.model_validate({"events": {"Checkout Started": checkout, "Product Viewed": {}}}),
        messages=[
            MessageDocument.model_validate(
                {"message": "reminder", "class": "transactional", "email": {"subject": "Your cart", "text": "waits"}}
            )
        ],
        journeys=[JourneyDocument.model_validate(journey)],
    )


async def fill(host: ShardHost, people: int) -> None:
    waiting: list[bytes] = []
    number = 0
    for line in lines(people):
        waiting.append(line)
        if len(waiting) == BATCH:
            number += 1
            await host.ask(TakeBatch(Batch("fill", number, list(range(BATCH)), waiting)))
            waiting = []
    assert not waiting, f"people come in batches of {BATCH}"


def read_all(address: str, folder: Path) -> dict[str, float]:
    """Read what a store holds as it stands, and copy it to a folder; how long each took."""
    with closing(open_store(address, 0)) as store:
        begun_s = time.perf_counter()
        images = sum(1 for _ in store.images())
        images_s = time.perf_counter() - begun_s
        begun_s = time.perf_counter()
        records = sum(1 for _ in store.records())
        records_s = time.perf_counter() - begun_s
        begun_s = time.perf_counter()
        begin_backup(folder, Layout("recovery", 1))
        for write in store.copy_to(folder):
            write()
        copy_s = time.perf_counter() - begun_s
        return {
            "images": images,
            "images_s": round(images_s, 3),
            "records": records,
            "records_s": round(records_s, 3),
            "files": len(store.file_names()),
            "copy_s": round(copy_s, 3),
        }


async def served_again(
    options: argparse.Namespace, address: str, folder: Path
) -> tuple[ShardHost, ManualClock, dict[str, float]]:
    """The shard, filled, closed and opened; its clock; and what that took."""
    people = options.people
    settings = Settings(journal_bytes_max=options.journal_bytes_max)
    plan = Plan(project(options.then), 1, address, records=("email",), settings=settings)
    prepare(plan.store, plan.project.name, plan.shards)
    clock = ManualClock(BEGIN_MS)

    def opened() -> ShardHost:
        return open_shard(plan, 0, clock, lambda channel: None)

    first = opened()
    await fill(first, people)
    await first.close()
    read = read_all(address, folder)

    wall_s, cpu_s = time.perf_counter(), time.process_time()
    host = opened()
    known = (await host.ask(GetProfile(f"shopper-{people - 1:07}"))).profile
    opening_s, opening_cpu_s = time.perf_counter() - wall_s, time.process_time() - cpu_s
    assert known is not None and known.runs[0].step == "patience", "everybody is there"
    collector.spare_for_good()  # as the actor of a shard does
    return host, clock, {**read, "opening_cpu_s": round(opening_cpu_s, 2), "opening_s": round(opening_s, 2)}


async def fired(host: ShardHost, clock: ManualClock) -> tuple[int, dict[str, float]]:
    """Let the time of all timers come; how many runs have ended then, and what that took."""
    clock.move_to(BEGIN_MS + DAY_MS + 1)
    wall_s, cpu_s = time.perf_counter(), time.process_time()
    host.look()
    busy_s, waits_s = await meanwhile(host, clock.now_ms())
    timers_s, timers_cpu_s = time.perf_counter() - wall_s, time.process_time() - cpu_s
    totals = await host.ask(GetTotals())
    return sum(ended for (_, _, step), (_, _, ended) in totals.steps if step == "last"), {
        "timers_cpu_s": round(timers_cpu_s, 2),
        "timers_s": round(timers_s, 2),
        "longest_slice_ms": round(1_000 * max(busy_s), 1),
        "p99_slice_ms": round(1_000 * quantiles(busy_s, n=100)[98], 1),
        "longest_event_ms": round(1_000 * max(waits_s), 1),
        "p99_event_ms": round(1_000 * quantiles(waits_s, n=100)[98], 1),
        "events": len(waits_s),
    }


async def measure(options: argparse.Namespace, address: str, folder: Path) -> dict[str, object]:
    host, clock, opening = await served_again(options, address, folder)
    ended, timers = await fired(host, clock)
    await host.close()
    assert ended == options.people, f"{ended} runs have ended, not {options.people}"
    return {"people": options.people, "then": options.then, **opening, **timers}


async def meanwhile(host: ShardHost, now_ms: int) -> tuple[list[float], list[float]]:
    """Until nothing is overdue: how long the loop was busy at a time, and how long each single event has waited."""
    busy_s: list[float] = []
    waits_s: list[float] = []
    watching = asyncio.ensure_future(watch_loop(busy_s))
    due_s = time.perf_counter()
    while (next_ms := (await host.ask(GetStatus())).next_ms) is not None and next_ms < now_ms:
        number = len(waits_s) + 1
        line = b'{"type":"track","event":"Product Viewed","userId":"somebody"}'
        answer = await host.ask(TakeBatch(Batch("meanwhile", number, [number], [line])))
        answered_s = time.perf_counter()
        waits_s.append(answered_s - due_s)  # also while nobody looked at the clock, as the loop was busy
        due_s = answered_s + EVENT_EVERY_S
        assert answer.expected is None and not any(answer.outcomes)
        await asyncio.sleep(EVENT_EVERY_S)
    watching.cancel()
    return busy_s, waits_s


async def watch_loop(busy_s: list[float]) -> None:
    while True:
        begun_s = time.perf_counter()
        await asyncio.sleep(LOOK_EVERY_S)
        busy_s.append(time.perf_counter() - begun_s - LOOK_EVERY_S)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=1_000_000)
    parser.add_argument("--then", choices=["end", "send"], default="end", help="what comes after the wait")
    parser.add_argument("--folder", default=None, help="where the store lies while it is measured")
    parser.add_argument(
        "--journal-bytes-max",
        type=int,
        default=Settings().journal_bytes_max,
        help="the setting: with few there are images, and few records behind them",
    )
    parser.add_argument("--postgres", metavar="URL", help="a server to be measured in place of the disk, or `here`")
    options = parser.parse_args()
    with ExitStack() as opened:
        folder = opened.enter_context(tempfile.TemporaryDirectory(dir=options.folder))
        url, address = opened.enter_context(server(options.postgres)), f"sqlite:///{folder}/store"
        if url is not None:
            address = opened.enter_context(schema(url))
        print(json.dumps(asyncio.run(measure(options, address, Path(folder) / "copy"))))


if __name__ == "__main__":
    main()
