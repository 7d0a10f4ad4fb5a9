"""What does it cost to learn who somebody is? How long a visitor takes to become a user of another shard, and what an
`identify` costs that names a visitor who is the user's already.

Two shards in this process, SQLite on disk, and nothing else to do. Each visitor has filled a cart and waits in a
journey; the user lives in the other shard. From handing in the `identify` that names both it is measured until it is
acknowledged, until the user has the visitor's run (the shard is asked without a pause in between), and until the next
event under the visitor's name is acknowledged, which is the user's then. Half of these events are handed in once the
run is there, and the other half right behind the `identify`: they wait with the router while she moves. Then the users
are identified again, block after block, in turn with and without the visitor's id. The benchmark fails unless each run
has gone along, and every line has been applied. Prints the machine, and one line of JSON last: milliseconds, and the
ratio of processor time.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from itertools import count, islice

from workload import project

from parcours import Service
from parcours.core.identity import SlotMap

SHARDS = 2

CART = {"cart": {"total": 80, "items": 1}}


def strangers() -> Iterator[tuple[str, str]]:
    """Users, each with the anonymous id of a visitor who lives in the other shard."""
    slots = SlotMap(SHARDS)
    for number in count():
        user, visitor = f"user-{number}", f"visitor-{number}"
        if slots.shard(user) != slots.shard(f"@anonymous/{visitor}"):
            yield user, visitor


def since_ms(started_s: float) -> float:
    return (time.perf_counter() - started_s) * 1_000


async def has_run(service: Service, user: str) -> bool:
    person = await service.profile(user)
    return person is not None and [run.step for run in person.runs] == ["patience"]


async def move(service: Service, user: str, visitor: str, *, at_once: bool) -> dict[str, float]:
    """Milliseconds until each thing had happened.

    at_once  the event follows the identify without waiting for the run
    """
    await service.track(None, "Checkout Started", CART, anonymous_id=visitor)
    started_s = time.perf_counter()
    taken: dict[str, float] = {}
    await service.identify(user, {}, anonymous_id=visitor)
    taken["acknowledged"] = since_ms(started_s)
    if not at_once:
        while not await has_run(service, user):  # noqa: ASYNC110  # nothing tells of it
            await asyncio.sleep(0)
        taken["moved"] = since_ms(started_s)
    done = await service.track(None, "Product Viewed", {}, anonymous_id=visitor)
    taken["event at once" if at_once else "event"] = since_ms(started_s)
    assert done.accepted == 1
    assert await has_run(service, user), f"{user} has the run of {visitor}"
    return taken


async def moves(service: Service, pairs: Sequence[tuple[str, str]]) -> dict[str, list[float]]:
    """Milliseconds of all moves, sorted, by what they lasted until."""
    found: dict[str, list[float]] = {"acknowledged": [], "moved": [], "event": [], "event at once": []}
    for number, (user, visitor) in enumerate(pairs):
        for name, taken_ms in (await move(service, user, visitor, at_once=number % 2 == 1)).items():
            found[name].append(taken_ms)
    return {name: sorted(taken) for name, taken in found.items()}


def lines(pairs: Sequence[tuple[str, str]], calls: int, block: int, *, linked: bool) -> list[bytes]:
    """Calls of `identify`, each with an id of its own, with the visitor's id or without it."""
    kind = "with" if linked else "without"
    found = []
    for number in range(calls):
        user, visitor = pairs[number % len(pairs)]
        call: dict[str, object] = {"type": "identify", "userId": user, "messageId": f"{kind}-{block}-{number}"}
        if linked:
            call["anonymousId"] = visitor
        found.append(json.dumps({**call, "traits": {"first_name": "Ana", "visits": block}}).encode())
    return found


async def per_call(service: Service, block: Sequence[bytes]) -> float:
    """Microseconds of processor time for each call."""
    started_s = time.process_time()
    done = await service.ingest(block)
    taken_us = (time.process_time() - started_s) / len(block) * 1_000_000
    assert done.accepted == len(block), done
    return taken_us


async def known_links(
    service: Service, pairs: Sequence[tuple[str, str]], blocks: int, calls: int
) -> tuple[float, float, float]:
    """Microseconds of a call with a link that is known, of one without, and the median of the ratios of neighbours."""
    with_us, without_us = list[float](), list[float]()
    for block in range(blocks + 1):
        turns = [(with_us, True), (without_us, False)]
        for taken, linked in turns if block % 2 else reversed(turns):  # who goes first takes turns as well
            each_us = await per_call(service, lines(pairs, calls, block, linked=linked))
            if block:  # the first ones warm up
                taken.append(each_us)
    ratios = [one / other for one, other in zip(with_us, without_us, strict=True)]
    return statistics.median(with_us), statistics.median(without_us), statistics.median(ratios)


def quantiles(taken_ms: Sequence[float]) -> dict[str, float]:
    return {"p50": round(taken_ms[len(taken_ms) // 2], 1), "p99": round(taken_ms[int(len(taken_ms) * 0.99)], 1)}


async def measure(pairs: Sequence[tuple[str, str]], blocks: int, calls: int) -> dict[str, object]:
    """Everything, in a store of its own."""
    with tempfile.TemporaryDirectory(prefix="parcours-benchmark-") as folder:
        store = f"sqlite:///{folder}/store"
        shop = project("1d", anonymous_history="used")
        async with Service.open(shop, store, shards=SHARDS, runtime="local", records=["email"]) as service:
            taken = {name: quantiles(each) for name, each in (await moves(service, pairs)).items()}
            print(f"{len(pairs):,} moves to another shard, ms since the identify was handed in")
            for name, each in taken.items():
                print(f"  {name:>14}  p50 {each['p50']:>6}  p99 {each['p99']:>6}")
            with_us, without_us, ratio = await known_links(service, pairs, blocks, calls)
            print(
                f"identify, {blocks} blocks of {calls:,}: {with_us:.1f} µs with a known link, {without_us:.1f} without"
            )
            print(f"  ratio {ratio:.3f}")
    return {"moves": len(pairs), **taken, "known_us": with_us, "without_us": without_us, "ratio": round(ratio, 3)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--moves", type=int, default=300, help="visitors who become users")
    parser.add_argument("--blocks", type=int, default=40, help="blocks of identify calls of each kind")
    parser.add_argument("--calls", type=int, default=1_000, help="calls in a block")
    arguments = parser.parse_args()
    print(f"{platform.machine()}, {os.cpu_count()} processors, Python {platform.python_version()}")
    pairs = list(islice(strangers(), arguments.moves))
    print(json.dumps(asyncio.run(measure(pairs, arguments.blocks, arguments.calls))))


if __name__ == "__main__":
    main()
