"""The demo of streams: orders from Kafka and clicks over HTTP, and an audience that a file and a webhook keep.

The clickstream is divided: its orders lie in a topic, as the till writes them, and the shop's pages report clicks to
the door. The engine is closed when half has come, and opened again; then the clock jumps by a week, in which time alone
moves people in, and all members are told at once. In the end all have to agree: the file, the webhook, the engine, and
what the recording says by itself.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, TypeAlias, TypeVar

import aiohttp
import msgspec

from parcours.clock import Clock
from parcours.config import DAY_MS, Settings
from parcours.demo.advertiser import Advertiser, members_told
from parcours.demo.clickstream import read_clickstream
from parcours.demo.people import fraction, person
from parcours.dispatch.judgement import load_project
from parcours.examples import write_example
from parcours.instants import floor_ms
from parcours.journey.project import Project
from parcours.service.service import Service
from parcours.testing.doubles.kafka import Kafka

T = TypeVar("T")

EXAMPLE: Final = "lapsed-buyers"
TOPIC: Final = "orders"
PARTITIONS: Final = 3

CLICKS: Final = frozenset({"Product Viewed", "Product Added"})
"""What the pages of the example report."""

EVENING: Final = datetime(2024, 6, 30, tzinfo=UTC)
"""When the demo begins: all that is recorded has happened."""

WEEK_LATER: Final = datetime(2024, 7, 7, 2, 0, tzinfo=UTC)
"""When it ends: nights have passed in which the example tells all members at once."""

PATIENT: Final = Settings(export_lag_max_ms=30 * DAY_MS)
"""Facts that wait to be exported when the clock jumps have waited for a week, which is no trouble here."""

LAPSED_AFTER: Final = timedelta(days=60)

ADDRESS: Final = "https://ads.example/in"
"""The webhook of the example, in the place of which there is one on this machine."""

GROUP: Final = "group: lapsed-buyers"
"""The group of the example; the broker on this machine notices by silence alone that a member has left."""

SOON: Final = "options: {session.timeout.ms: 1000, heartbeat.interval.ms: 300}"

KEY: Final = "Bearer only-on-this-machine"

POSTED_AT_ONCE: Final = 500
POLL_S: Final = 0.05
WITHIN_S: Final = 120.0

OpenDoor: TypeAlias = Callable[[Callable[[], Service]], AbstractAsyncContextManager[tuple[str, Service]]]
"""Opens a service and a door to it: the address, and the service. Both are closed with the context."""


@dataclass(frozen=True, slots=True)
class StreamsDemo:
    """
    people     who are known, and clicks what they did on the pages: lines that were posted
    orders     messages in the topic
    outcomes   what became of messages, by the source's count
    confirmed  runs of the journey that each order begins, by person
    ordered    orders that the recording has, by person
    expected   who has lapsed by the recording; file, webhook, members: by these
    snapshot   the instant of which all members were told
    """

    people: int
    clicks: int
    orders: int
    outcomes: Mapping[str, int]
    confirmed: Mapping[str, int]
    ordered: Mapping[str, int]
    expected: frozenset[str]
    file: frozenset[str]
    webhook: frozenset[str]
    members: frozenset[str]
    snapshot: str

    @property
    def agree(self) -> bool:
        """Whether everybody has the same members."""
        return self.expected == self.file == self.webhook == self.members

    @property
    def each_once(self) -> bool:
        """Whether every order was applied once."""
        return self.confirmed == self.ordered and self.outcomes.get("accepted") == self.orders


@dataclass(frozen=True, slots=True)
class Streams:
    """
    people, clicks  lines for the door
    orders          what the till writes into the topic
    """

    people: Sequence[dict[str, Any]]
    clicks: Sequence[dict[str, Any]]
    orders: Sequence[dict[str, Any]]


class ShiftedClock:
    """Another time than the machine's, which goes on as fast, and jumps ahead if it is told to."""

    def __init__(self, clock: Clock, begin: datetime) -> None:
        self._clock = clock
        self._ahead_ms = floor_ms(begin) - clock.now_ms()

    def now_ms(self) -> int:
        return self._clock.now_ms() + self._ahead_ms

    def jump_to(self, at: datetime) -> None:
        self._ahead_ms += floor_ms(at) - self.now_ms()


def divided() -> Streams:
    """The clickstream, by the ways on which it comes."""
    people: list[dict[str, Any]] = []
    clicks: list[dict[str, Any]] = []
    orders: list[dict[str, Any]] = []
    for line in map(json.loads, read_clickstream().lines):
        if line["type"] == "identify":
            people.append(line)
        elif line["event"] in CLICKS:
            clicks.append(line)
        elif line["event"] == "Order Completed":
            told = line["properties"]
            order = {"number": told["order_id"], "customer": line["userId"], "total": told["total"]}
            orders.append({**order, "placed_at": line["timestamp"]})
    return Streams(people, clicks, orders)


async def run_streams_demo(folder: Path, clock: Clock, open_door: OpenDoor, *, shards: int) -> StreamsDemo:
    """Run it in a folder that is new. It comes to the same on every run, in any number of shards.

    Raises TimeoutError, OSError.
    """
    streams = divided()
    with Kafka() as kafka, Advertiser(KEY) as advertiser:
        kafka.create(TOPIC, PARTITIONS)
        project = _written(folder / EXAMPLE, advertiser.url)
        environ = {"KAFKA": kafka.servers, "ADS_KEY": KEY}

        shifted = ShiftedClock(clock, EVENING)

        def opens() -> Service:
            return Service.open(
                project, f"sqlite:///{folder / 'store'}", shards=shards, runtime="local", records=["email"],
                settings=PATIENT, clock=shifted, environ=environ, private_hosts=["127.0.0.0/8"],
            )  # fmt: skip

        half, half_of_clicks = len(streams.orders) // 2, len(streams.clicks) // 2
        async with open_door(opens) as (address, service):
            await service.read_sources(project, environ)
            await _post(address, streams.people)
            await asyncio.to_thread(_order, kafka, streams.orders[:half])
            await _post(address, streams.clicks[:half_of_clicks])
            outcomes = await _taken(service, half)
        async with open_door(opens) as (address, service):
            await service.read_sources(project, environ)
            await asyncio.to_thread(_order, kafka, streams.orders[half:])
            await _post(address, streams.clicks[half_of_clicks:])
            outcomes += await _taken(service, len(streams.orders) - half)
            shifted.jump_to(WEEK_LATER)
            file = folder / EXAMPLE / "out" / "lapsed.ndjson"
            snapshot = await _told_at_once(file, advertiser)
            await service.drain(timeout_s=WITHIN_S)
            return await _result(service, streams, outcomes, file, advertiser, snapshot)


def _written(folder: Path, url: str) -> Project:
    """The example, with a webhook and a broker on this machine."""
    write_example(folder, EXAMPLE)
    for name, shipped, here in (
        ("destinations.yaml", ADDRESS, url),
        ("sources.yaml", GROUP, f"{GROUP}, {SOON}"),
    ):
        document = folder / name
        document.write_text(document.read_text().replace(shipped, here))
    return load_project(folder)


async def _post(address: str, lines: Sequence[dict[str, Any]]) -> None:
    async with aiohttp.ClientSession(raise_for_status=True) as session:
        for begin in range(0, len(lines), POSTED_AT_ONCE):
            batch = {"batch": lines[begin : begin + POSTED_AT_ONCE]}
            async with session.post(f"{address}/v1/batch", json=batch) as answer:
                await answer.read()


def _order(kafka: Kafka, orders: Sequence[dict[str, Any]]) -> None:
    """Let the till write orders; those of one person lie in one partition."""
    for number in range(PARTITIONS):
        here = [each for each in orders if fraction(each["customer"], "partition", PARTITIONS) == number]
        kafka.write(TOPIC, map(msgspec.json.encode, here), number)


async def _taken(service: Service, messages: int) -> Counter[str]:
    """What has become of messages, once so many are applied."""

    async def looked() -> Counter[str] | None:
        (source,) = await service.sources()
        outcomes = Counter(source.outcomes)
        return outcomes if outcomes["accepted"] >= messages else None

    return await _until(looked, f"{messages} messages are applied")


async def _told_at_once(file: Path, advertiser: Advertiser) -> str:
    """The instant of which the file has all members, once the webhook has been told of all, too."""

    async def looked() -> str | None:
        first = next(_lines(file), {})
        snapshot: str | None = first.get("snapshot")
        return snapshot if advertiser.snapshots else None

    return await _until(looked, "all members are told at once")


async def _until(look: Callable[[], Awaitable[T | None]], what: str) -> T:
    """What it finds, once it finds anything."""
    try:
        async with asyncio.timeout(WITHIN_S):
            while True:
                if (found := await look()) is not None:
                    return found
                await asyncio.sleep(POLL_S)
    except TimeoutError:
        raise TimeoutError(f"within {WITHIN_S:.0f} s it has not happened: {what}") from None


async def _result(
    service: Service, streams: Streams, outcomes: Counter[str], file: Path, advertiser: Advertiser, snapshot: str
) -> StreamsDemo:
    names = [line["userId"] for line in streams.people]
    mails = {person(name).email: name for name in names}
    known = {name: found for name in names if (found := await service.profile(name)) is not None}
    return StreamsDemo(
        people=len(names),
        clicks=len(streams.clicks),
        orders=len(streams.orders),
        outcomes=outcomes,
        confirmed={name: each.counts["order"] for name, each in known.items() if "order" in each.counts},
        ordered=Counter(each["customer"] for each in streams.orders),
        expected=frozenset(_lapsed(streams.orders)),
        file=frozenset(members_told(list(_lines(file)))),
        webhook=frozenset(mails[mail] for mail in advertiser.members),
        members=frozenset(name for name, each in known.items() if "lapsed" in each.audiences),
        snapshot=snapshot,
    )


def _lapsed(orders: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Who has bought once, and nothing for a while, as the recording alone says."""
    counts = Counter(each["customer"] for each in orders)
    for each in orders:
        if counts[each["customer"]] == 1 and datetime.fromisoformat(each["placed_at"]) <= WEEK_LATER - LAPSED_AFTER:
            yield each["customer"]


def _lines(file: Path) -> Iterator[dict[str, Any]]:
    if file.exists():
        yield from map(json.loads, file.read_text().splitlines())
